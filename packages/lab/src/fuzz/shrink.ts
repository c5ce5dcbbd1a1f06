import type { Script, Timed } from './script.ts';

/** Whether a script still shows what is looked for. */
export type Fails = (script: Script) => Promise<boolean>;

/** A shorter script that fails too: without the events that do not matter, and with as little special as can be. */
export async function shrink(script: Script, fails: Fails, mostRuns = 300): Promise<Script> {
  let left = mostRuns;
  const tries: Fails = async (candidate) => left-- > 0 && fails(candidate);
  let events: readonly Timed[] = script.events;
  for (let before = Infinity; events.length < before && left > 0;) {
    before = events.length;
    events = await fewer(events, (some) => tries({ ...script, events: some }));
  }
  return simpler({ ...script, events }, tries);
}

/** Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002): drops ever smaller parts. */
async function fewer<T>(items: readonly T[], fails: (some: readonly T[]) => Promise<boolean>): Promise<readonly T[]> {
  let kept = items;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kept.length;) {
      const without = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (await fails(without)) kept = without;
      else at += size;
    }
  }
  return kept;
}

/** Each of these alone makes a script plainer. */
const PLAINER: readonly ((script: Script) => Script)[] = [
  ({ others: _, ...script }) => ({ ...script, events: script.events.filter(({ on }) => on === undefined) }),
  (script) => ({ ...script, os: {} }),
  (script) => ({ ...script, config: {} }),
  (script) => ({ ...script, link: {} }),
  (script) => ({ ...script, os: { ...script.os, faults: {} } }),
  (script) => ({ ...script, link: { ...script.link, latencyMs: 30, jitterMs: 0 } }),
  (script) => ({ ...script, lengthMs: script.events.at(-1)?.atMs ?? 0 }),
];

async function simpler(script: Script, fails: Fails): Promise<Script> {
  let now = script;
  for (const make of PLAINER) {
    const plainer = make(now);
    if (JSON.stringify(plainer) !== JSON.stringify(now) && (await fails(plainer))) now = plainer;
  }
  return now;
}
