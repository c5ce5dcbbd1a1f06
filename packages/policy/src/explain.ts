import { durationWords } from './duration.ts';
import type { RuleId } from './rule-id.ts';
import { type Language, type Texts, textsOf } from './texts.ts';
import type { Verdict } from './verdict.ts';

/** A verdict in plain words. */
export interface Explanation {
  readonly now: string;
  /** Why, with the row's ID in brackets behind each sentence. */
  readonly why: string;
  /** What the person can do, one sentence each; empty when there is nothing to better. */
  readonly youCan: readonly string[];
}

/** What happens now, why, and what the person can do about it. Times count from when the verdict was given. */
export function explain(verdict: Verdict, language: Language): Explanation {
  const texts = textsOf(language);
  return { now: nowSentence(verdict, texts), why: whySentence(verdict, texts), youCan: adviceSentences(verdict, texts) };
}

const NETWORK: readonly RuleId[] = ['N1', 'N2', 'N3'];
const PLACES = ['B12', 'B13'] as const;

function nowSentence(verdict: Verdict, texts: Texts): string {
  const { engine, transfers } = verdict;
  const sentences = [engineSentence(verdict, texts)];
  if (transfers === 'go-on' && engine !== 'run') sentences.push(texts.now.transfersGoOn);
  if (transfers === 'hold') sentences.push(texts.now.transfersHold);
  return sentences.join(' ');
}

function engineSentence(verdict: Verdict, { now, units }: Texts): string {
  const { engine, network, fresh, atMs, untilMs, nextMs } = verdict;
  const after = (template: string, timeMs: number): string => template.replace('{time}', durationWords(timeMs - atMs, units));
  switch (engine) {
    case 'run':
      if (network === 'leave') return now.local;
      if (untilMs === undefined) return fresh ? now.start : now.run;
      return after(fresh ? now.startFor : now.runFor, untilMs);
    case 'suspend':
      if (nextMs === undefined) return now.suspend;
      return after(lacksMore(verdict) ? now.suspendNotBefore : now.suspendNext, nextMs);
    case 'stop': return now.stop;
    case 'wait': return now.wait;
    default: return engine satisfies never;
  }
}

// The time alone does not bring it back: something else denies as well.
const lacksMore = ({ reasons }: Verdict): boolean => reasons.some((id) => NETWORK.includes(id));

function whySentence({ rule, reasons }: Verdict, { why }: Texts): string {
  const told = [rule, ...reasons.filter((id) => id !== rule && NETWORK.includes(id))];
  return told.map((id) => `${why[id]} (${id})`).join(' ');
}

function adviceSentences(verdict: Verdict, { youCan, why }: Texts): readonly string[] {
  const advice = verdict.endsBy.map((event) => {
    const place = event === 'setting-background' ? PLACES.find((id) => verdict.reasons.includes(id)) : undefined;
    return place === undefined ? youCan[event] : `${youCan[event]} ${why[place]} (${place})`;
  });
  return verdict.nextMs === undefined || lacksMore(verdict) ? advice : [...advice, youCan.letItWait];
}
