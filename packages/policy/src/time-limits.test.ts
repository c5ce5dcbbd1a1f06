import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { observe } from './history.ts';
import { ACTIVE, Device, MINUTE, situation } from './testing/situations.ts';
import type { Situation } from './situation.ts';

type Event = { readonly pass: number } | { readonly set: number } | Partial<Situation>;

const anyChange: fc.Arbitrary<Event> = fc.constantFrom<Event>(
  { app: 'foreground' }, { app: 'background' }, { app: 'frozen' }, { screen: 'locked' }, { screen: 'unlocked' }, { screen: 'locked', inUse: false }, { inUse: true }, { inUse: false },
  { power: 'battery' }, { power: 'plugged' }, { saver: true }, { saver: false }, { permission: 'always' }, { permission: 'power-optimized' },
);
const anyPass: fc.Arbitrary<Event> = fc.oneof(fc.constantFrom(1, MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 10 * MINUTE - 1), fc.integer({ min: 0, max: 40 * MINUTE })).map((pass) => ({ pass }));
const anySet: fc.Arbitrary<Event> = fc.integer({ min: -90 * MINUTE, max: 90 * MINUTE }).map((set) => ({ set }));
const anyEvents = fc.array(fc.oneof({ weight: 3, arbitrary: anyChange }, { weight: 3, arbitrary: anyPass }, { weight: 1, arbitrary: anySet }), { maxLength: 30 });

/** The true course of events, told without the policy's own bookkeeping: how things stood, and from when in true time. */
interface Stretch { readonly fromMs: number; readonly toMs: number; readonly state: Situation }

function play(device: Device, events: readonly Event[], check: (story: readonly Stretch[], trueMs: number) => void): void {
  const story: { fromMs: number; toMs: number; state: Situation }[] = [{ fromMs: 0, toMs: 0, state: device.now }];
  let trueMs = 0;
  for (const event of events) {
    if ('pass' in event) {
      device.pass(event.pass);
      trueMs += event.pass;
    } else if ('set' in event) device.setClock(event.set);
    else device.change(event);
    const last = story.at(-1);
    if (last) last.toMs = trueMs;
    story.push({ fromMs: trueMs, toMs: trueMs, state: device.now });
    check(story, trueMs);
  }
}

/** How long something has held without a break, up to now. */
function heldMs(story: readonly Stretch[], trueMs: number, holds: (state: Situation) => boolean): number {
  const broke = story.findLastIndex(({ state }) => !holds(state));
  return trueMs - (story[broke + 1]?.fromMs ?? trueMs);
}

const isVisible = ({ app, screen }: Situation): boolean => app === 'foreground' && screen === 'unlocked';
const isThrift = (state: Situation): boolean => !isVisible(state) && state.power === 'battery' && state.saver && state.permission === 'power-optimized';

/** The longest stretch of thrift since the app was last visible. */
function longestThriftMs(story: readonly Stretch[]): number {
  const unseen = story.slice(story.findLastIndex(({ state }) => isVisible(state)) + 1);
  let longest = 0;
  let begunMs: number | undefined;
  for (const { fromMs, toMs, state } of unseen) {
    begunMs = isThrift(state) ? begunMs ?? fromMs : undefined;
    if (begunMs !== undefined) longest = Math.max(longest, toMs - begunMs);
  }
  return longest;
}

const start = { steadyMs: 5, nowMs: 1_000 * MINUTE } as const;

describe('time limits', () => {
  it('A6: slices are exact through any course of events and any setting of the clock', () => {
    fc.assert(fc.property(anyEvents, (events) => {
      const device = new Device(start);
      play(device, events, (story, trueMs) => {
        const { engine, rule, untilMs, nextMs } = device.ask('2022-11');
        const { screen, inUse, app, nowMs } = device.now;
        if (screen !== 'locked' || inUse || app === 'frozen') return expect([untilMs, nextMs]).toEqual([undefined, undefined]);
        const lockedMs = heldMs(story, trueMs, (state) => state.screen === 'locked');
        const intoMs = lockedMs % (15 * MINUTE);
        if (lockedMs >= 15 * MINUTE && intoMs < 5 * MINUTE) expect([engine, rule, untilMs]).toEqual(['run', 'A6', nowMs + 5 * MINUTE - intoMs]);
        else expect([engine, nextMs]).toEqual(['suspend', nowMs + 15 * MINUTE - intoMs]);
      });
    }), { numRuns: 2_000 });
  });

  it('A15: ten minutes are exact through any course of events and any setting of the clock', () => {
    fc.assert(fc.property(anyEvents, (events) => {
      const device = new Device({ ...start, platform: 'windows11', power: 'battery', saver: true });
      play(device, events, (story, trueMs) => {
        const verdict = device.ask('2022-11');
        if (isVisible(device.now)) return expect(verdict).toMatchObject({ engine: 'run', rule: 'S1' });
        if (device.now.app === 'frozen') return expect(verdict.engine).toBe('suspend');
        if (longestThriftMs(story) >= 10 * MINUTE) return expect(verdict).toMatchObject({ engine: 'suspend', rule: 'A15' });
        const thriftMs = heldMs(story, trueMs, isThrift);
        expect(verdict.engine).toBe('run');
        expect(verdict.untilMs).toBe(isThrift(device.now) ? device.now.nowMs + 10 * MINUTE - thriftMs : undefined);
      });
    }), { numRuns: 2_000 });
  });

  it('C1: the grace is exact through any course of events and any setting of the clock', () => {
    fc.assert(fc.property(anyEvents, (events) => {
      const device = new Device(start);
      play(device, events, (story, trueMs) => {
        if (isVisible(device.now) || device.now.app === 'frozen') return;
        const awayMs = heldMs(story, trueMs, (state) => !isVisible(state));
        const { engine, untilMs } = device.ask('carry-on');
        expect([engine, untilMs]).toEqual(awayMs < 30_000 ? ['run', device.now.nowMs + 30_000 - awayMs] : ['suspend', undefined]);
      });
    }), { numRuns: 2_000 });
  });

  it('A15: without a steady clock one set back gives no more time, once it was seen', () => {
    const device = new Device({ platform: 'windows11', power: 'battery', saver: true }).change({ app: 'background' });
    device.pass(6 * MINUTE).change({}).setClock(-120 * MINUTE);
    expect(device.ask('2022-11').untilMs).toBe(device.now.nowMs + 4 * MINUTE);
    device.change({}).pass(4 * MINUTE);
    expect(device.ask('2022-11')).toMatchObject({ engine: 'suspend', rule: 'A15' });
  });

  it('A15: without a steady clock one set forward counts as sleep', () => {
    const device = new Device({ platform: 'windows11', power: 'battery', saver: true }).change({ app: 'background' });
    expect(device.setClock(30 * MINUTE).ask('2022-11').engine).toBe('suspend');
  });

  it('A6: sleeping through a slice moves none of the later ones', () => {
    const device = new Device(start).change({ screen: 'locked', inUse: false });
    const lockedAtMs = device.now.nowMs;
    device.pass(12 * MINUTE).change({ app: 'frozen' }).pass(33 * MINUTE).change({ app: 'background' });
    expect(device.ask('2022-11')).toMatchObject({ engine: 'run', rule: 'A6', untilMs: lockedAtMs + 50 * MINUTE });
  });

  it('without a history every limit begins now, and a history survives as JSON', () => {
    const device = new Device({ platform: 'windows11', power: 'battery', saver: true }).change({ app: 'background' }).pass(6 * MINUTE).change({});
    const kept = observe(JSON.parse(JSON.stringify(device.history)), situation({ ...device.now, nowMs: device.now.nowMs + MINUTE }));
    expect(kept.sinceMs.thrift).toBe(0);
    expect(new Device(device.now).ask('2022-11', ACTIVE).untilMs).toBe(device.now.nowMs + 10 * MINUTE);
  });
});
