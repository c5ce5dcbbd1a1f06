import type { RuleId } from './rule-id.ts';
import { de } from './texts/de.ts';
import { en } from './texts/en.ts';
import type { EndEvent } from './verdict.ts';

/** The forms of one unit: for one and for more; `{n}` is the number. */
type Unit = readonly [string, string];

/** Everything that is said to people, in one language. A key that is missing does not compile. */
export interface Texts {
  /** `{time}` is a span of time, such as "15 minutes". */
  readonly now: {
    readonly run: string;
    readonly runFor: string;
    readonly local: string;
    readonly start: string;
    readonly startFor: string;
    readonly suspend: string;
    readonly suspendNext: string;
    readonly suspendNotBefore: string;
    readonly stop: string;
    readonly wait: string;
    readonly transfersGoOn: string;
    readonly transfersHold: string;
  };
  /** What each row says, whether it allows or denies. */
  readonly why: Readonly<Record<RuleId, string>>;
  readonly youCan: Readonly<Record<EndEvent, string>> & { readonly letItWait: string };
  readonly units: { readonly second: Unit; readonly minute: Unit; readonly hour: Unit };
}

const CATALOGUES = { en, de } as const satisfies Record<string, Texts>;

export type Language = keyof typeof CATALOGUES;
export const LANGUAGES = Object.keys(CATALOGUES) as Language[];

export const textsOf = (language: Language): Texts => CATALOGUES[language];
