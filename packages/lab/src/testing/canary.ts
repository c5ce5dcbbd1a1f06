import type { Platform } from '@carryon/policy';
import { describe, expect, it } from 'vitest';
import { play, type PlayOptions } from '../fuzz/play.ts';
import { type Script, scriptOf } from '../fuzz/script.ts';

/** A fault on purpose and the checker that must find it. */
export interface Canary {
  readonly what: string;
  readonly platform?: Platform;
  readonly fault: PlayOptions;
  /** What the fault needs to show. */
  readonly script?: (script: Script) => Script;
  readonly checker: string;
}

const SEEDS = 40;

const EDITING: readonly string[] = ['edit', 'draft', 'back-up', 'restore'];

/** Nobody edits, and there is one device: faults that have nothing to do with edits are found sooner. */
export function alone({ others: _, ...script }: Script): Script {
  const events = script.events.filter(({ on, event }) => on === undefined && !EDITING.includes(event.do));
  return { ...script, business: { ...script.business, edits: false }, events };
}

/** The first run that the checker finds wrong. */
async function findScript({ platform, fault, checker, script = alone }: Canary): Promise<Script | undefined> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const candidate = script(scriptOf(seed, platform));
    const { problems } = await play(candidate, fault);
    if (problems.some((problem) => problem.checker === checker)) return candidate;
  }
  return undefined;
}

/** Each fault is found by its checker, and not when that one is blind; and without the fault nothing is wrong. */
export function findCanaries(canaries: readonly Canary[]): void {
  describe('the checkers', () => {
    for (const canary of canaries) {
      it(`${canary.checker} finds ${canary.what}, and blind it does not`, { timeout: 120_000 }, async () => {
        const script = await findScript(canary);
        expect(script).toBeDefined();
        if (!script) return;
        const blind = await play(script, { ...canary.fault, blind: [canary.checker] });
        expect(blind.problems.map(({ checker }) => checker)).not.toContain(canary.checker);
        expect((await play(script)).problems).toEqual([]);
      });
    }
  });
}
