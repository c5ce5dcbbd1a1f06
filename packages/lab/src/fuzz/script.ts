import type { EngineConfig } from '@carryon/client';
import { type Platform, PLATFORMS, RULE_SET_NAMES, type RuleSetName } from '@carryon/policy';
import type { DemoOptions } from '../actors/business.ts';
import type { BusinessOptions } from '../actors/businesses.ts';
import type { ServiceOptions } from '../actors/service.ts';
import type { LinkSpeed } from '../actors/link.ts';
import type { Event, OtherDevice } from '../lab.ts';
import type { OsOptions } from '../os/create-os.ts';
import { randomOptions, randomScript } from '../os/generate.ts';
import { HOUR_MS, MINUTE_MS } from '../os/ports.ts';
import { LabRandom } from '../world/random.ts';
import { asks } from './asks.ts';
import { edits, OTHERS, othersOf } from './edits.ts';
import { faults, restores } from './faults.ts';
import { serviceChanges } from './service.ts';
import { writes } from './writes.ts';

export interface Timed {
  readonly atMs: number;
  /** The device that it happens to, where it is another than the first. */
  readonly on?: string;
  readonly event: Event;
}

/** A whole run as data: the same script is the same run, to the letter, also after a way through JSON. */
export interface Script {
  readonly seed: number;
  readonly platform: Platform;
  readonly ruleSet: RuleSetName;
  readonly link: Partial<LinkSpeed>;
  readonly os: OsOptions;
  readonly business: BusinessOptions;
  readonly config: Partial<EngineConfig>;
  /** Further devices. */
  readonly others?: readonly OtherDevice[];
  /** In order of time. */
  readonly events: readonly Timed[];
  readonly lengthMs: number;
}

/** Few, since each is built once in a process. */
const BUSINESSES: readonly DemoOptions[] = [
  { rows: { customers: 60, jobs: 160, notes: 120, parts: 80 }, packRows: 20, textLength: 80, edits: true },
  { rows: { customers: 90, jobs: 200, notes: 0, parts: 120 }, packRows: 24, pageRows: 25, textLength: 200, edits: true },
  { rows: { customers: 10, jobs: 300, notes: 240, parts: 40 }, packRows: 30, textLength: 120, edits: true },
  { rows: { customers: 0, jobs: 120, notes: 80, parts: 300 }, packRows: 40, pageRows: 7, textLength: 300, edits: true },
];

/** In these, rules of every kind meet. */
const SERVICES: readonly ServiceOptions[] = [{ kind: 'service' }, { kind: 'service', customers: 30, jobs: 200, packRows: 30, pageRows: 9, textLength: 150 }];

/** Bytes per second: from a first sync of seconds to one of hours. */
const SPEEDS = [200, 400, 1_000, 1_000, 4_000, 4_000, 20_000, 200_000, 2_000_000] as const;
const LENGTHS_MS = [5 * MINUTE_MS, 10 * MINUTE_MS, 20 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS] as const;

/** Draws a run from its seed. */
export function scriptOf(seed: number, platform?: Platform): Script {
  const random = new LabRandom(`script ${seed}`);
  const of = platform ?? random.pick(PLATFORMS);
  const lengthMs = random.pick(LENGTHS_MS);
  const actions = randomScript(random.fork('person'), of, lengthMs).map(({ atMs, action }): Timed => ({ atMs, event: action }));
  const isShared = random.fork('others').chance(1, 6);
  const isService = random.fork('business').chance(1, 3);
  const events: Timed[] = [
    ...(isShared ? othersOf(random.fork('trouble'), lengthMs) : []), ...actions, ...faults(random.fork('faults'), lengthMs), 
    ...(isService ? serviceChanges : writes)(random.fork('writes'), lengthMs),
    ...asks(random.fork('asks'), lengthMs), ...edits(random.fork('edits'), lengthMs, actions, isService).filter(({ on }) => isShared || on === undefined),
    ...restores(random.fork('restores'), lengthMs),
  ];
  return {
    ...(isShared ? { others: OTHERS } : {}),
    seed, platform: of, ruleSet: random.pick(RULE_SET_NAMES), business: businessOf(random, isService), lengthMs,
    link: { downBytesPerSecond: random.pick(SPEEDS), upBytesPerSecond: random.pick(SPEEDS), latencyMs: random.pick([5, 30, 300, 1500]), jitterMs: random.pick([0, 10, 500]) },
    os: plain(randomOptions(random.fork('os'))), config: configOf(random.fork('config')), events: events.sort((a, b) => a.atMs - b.atMs),
  };
}

function businessOf(random: LabRandom, isService: boolean): BusinessOptions {
  const plain = random.pick(BUSINESSES);
  return isService ? random.fork('service').pick(SERVICES) : plain;
}

function configOf(random: LabRandom): Partial<EngineConfig> {
  return {
    fetches: random.between(1, 4), storedAhead: random.between(1, 8), waitSeconds: random.pick([25, 55]), everyMinutes: random.pick([5, 15, 60]),
    codecs: random.pick([['zstd', 'gzip'], ['gzip']] as const),
  };
}

const NEVER_MS = 1000 * 24 * HOUR_MS;

/** Undefined does not survive JSON: what never happens comes after years instead. */
function plain(options: OsOptions): OsOptions {
  const { android, node } = options;
  return {
    ...options, android: { ...android, networkCutMs: android?.networkCutMs ?? [NEVER_MS, NEVER_MS] },
    node: { ...node, restartMs: node?.restartMs ?? [NEVER_MS, NEVER_MS] },
  };
}
