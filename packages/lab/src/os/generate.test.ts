import { type Platform, PLATFORMS } from '@carryon/policy';
import { describe, expect, it } from 'vitest';
import { randomOptions, randomScript } from './generate.ts';
import { HOUR_MS } from './ports.ts';
import { fakeChance, OsRig } from './testing/rig.ts';

const KINDS = { ios: ['refresh', 'processing'], android: ['job', 'user-initiated'] } as const;

// An app that wishes for whatever it can get, enqueues, and rests now and then.
function live(platform: Platform, seed: number): OsRig {
  const chance = fakeChance(seed);
  const rig = new OsRig(platform, randomOptions(chance), seed);
  rig.onReport = () => {
    const nowMs = rig.timeline.nowMs();
    const kinds = platform === 'ios' || platform === 'android' ? KINDS[platform] : [];
    if (chance.chance(1, 2)) rig.os.wish({ notBeforeMs: nowMs + chance.below(HOUR_MS), kinds: chance.chance(1, 3) ? [] : kinds });
    if (chance.chance(1, 3)) void rig.os.transfers?.enqueue([{ name: `${nowMs}`, url: `/${nowMs}`, bytes: 1, priority: 0, allowMetered: chance.chance(1, 2) }]);
    if (chance.chance(1, 3)) rig.os.rested();
  };
  for (const { atMs, action } of randomScript(chance, platform, 48 * HOUR_MS)) {
    rig.pass(atMs - rig.timeline.nowMs());
    rig.os.act(action);
    const [fetching] = rig.fetching;
    if (fetching !== undefined) rig.end(fetching.url, chance.chance(2, 3) ? { ok: true, bytes: new Uint8Array(1) } : { ok: false });
  }
  return rig;
}

/** What the hooks promise of their order. */
function findFaults(log: readonly string[]): string[] {
  let state = 'gone';
  const allowed: Record<string, readonly string[]> = { start: ['gone'], report: ['running'], suspend: ['running'], resume: ['suspended'], kill: ['running', 'suspended'] };
  const leads: Record<string, string> = { 'start': 'running', 'resume': 'running', 'suspend': 'suspended', 'kill': 'gone', 'power-loss': 'gone' };
  return log.flatMap((line, at) => {
    const [, verb = ''] = line.split(' ');
    const isWrong = !(allowed[verb] ?? [state]).includes(state) || (verb === 'resume' && !log[at + 1]?.includes('report'));
    state = leads[verb] ?? state;
    return isWrong ? [line] : [];
  });
}

describe('generate', () => {
  for (const platform of PLATFORMS) {
    it(`${platform}: hooks come in their order through any life, and the same seed is the same life`, () => {
      for (let seed = 1; seed <= 60; seed++) {
        const rig = live(platform, seed);
        expect(findFaults(rig.log), `seed ${seed}`).toEqual([]);
        if (seed <= 5) expect(live(platform, seed).log).toEqual(rig.log);
      }
    });
  }

  it('A4, A6, B8, C1: on iOS no code runs out of sight for longer than a slice', () => {
    for (let seed = 1; seed <= 60; seed++) {
      let sinceMs: number | undefined;
      for (const line of live('ios', seed).log) {
        const [atText, verb = ''] = line.split(' ');
        if (/^\d+ (?:start|report) foreground(?! locked)/.test(line) || /suspend|kill|power-loss/.test(verb)) sinceMs = undefined;
        else if (/start|report/.test(verb)) sinceMs ??= Number(atText);
        expect(Number(atText) - (sinceMs ?? Number(atText)), `seed ${seed}: ${line}`).toBeLessThanOrEqual(302_000);
      }
    }
  });

  it('scripts begin with opening the app, ascend, and use every kind of action somewhere', () => {
    const all = PLATFORMS.flatMap((platform) => Array.from({ length: 20 }, (_, seed) => randomScript(fakeChance(seed), platform, 48 * HOUR_MS)));
    for (const script of all) {
      expect(script[0]).toEqual({ atMs: 0, action: { do: 'open' } });
      expect(script.every(({ atMs }, i) => i === 0 || atMs > (script[i - 1]?.atMs ?? 0))).toBe(true);
    }
    expect(new Set(all.flatMap((script) => script.map(({ action }) => action.do))).size).toBe(22);
  });
});
