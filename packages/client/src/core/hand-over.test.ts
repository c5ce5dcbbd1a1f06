import { describe, expect, it } from 'vitest';
import type { Transfer } from '../ports/transfers.ts';
import { Core, error, pack, packName, table } from '../testing/core.ts';
import type { Report } from '../ports/host.ts';
import { initialState, DEFAULT_CONFIG, EMPTY_OUTBOX, type EngineConfig, type Pack } from './state.ts';

const IPHONE: Partial<Report> = { platform: 'ios' };
const free = (n: number, more: Partial<Pack> = {}): Pack => pack(n, { own: false, ...more });
const handed = (core: Core): readonly string[] => core.effects.flatMap((effect) => (effect.type === 'hand' ? effect.packs.map(({ name }) => name) : []));
const names = (...numbers: readonly number[]): string[] => numbers.map(packName);
const stages = (core: Core): string[] => core.state.packs.map(({ stage }) => stage);
const running = (n: number): Transfer => ({ name: packName(n), phase: 'running', received: 1 });

/** A first sync on a phone whose OS has a transfer service, listed and told to be in front. */
function phone(packs: readonly Pack[], config: Partial<EngineConfig> = {}, report: Partial<Report> = IPHONE): Core {
  const core = new Core([], [], { mode: 'watch', ...config });
  core.state = initialState({ ...DEFAULT_CONFIG, mode: 'watch', ...config }, true);
  core.send({ type: 'started', durable: { device: 'd', epoch: 'e', user: 'u', token: 't', tables: [table(1), table(2, { level: 1 })], packs, outbox: EMPTY_OUTBOX } });
  return core.tell(report);
}

const listed = (core: Core, transfers: readonly Transfer[] = [], stored: readonly string[] = []): Core => core.send({ type: 'listed', transfers, stored });

/** Time passes up to the timer that the engine has set to look again. */
function toLook(core: Core): Core {
  core.nowMs = (core.state.lookMs ?? 0) - 1000;
  return core.send({ type: 'woke', timer: 'look' });
}

/** The time that the first level has for itself is over. */
function alone(core: Core): Core {
  expect(core.state.lookMs).toBe(core.state.leasedMs + 30_000);
  return toLook(core);
}

describe('handing over', () => {
  it('D27 in front the first level is the engine\'s own, a few packs at most; after half a minute all the rest goes to the OS at once', () => {
    const packs = [1, 2, 3, 4, 5].map((n) => free(n)).concat([6, 7].map((n) => free(n, { level: 1 })));
    const core = listed(phone(packs, { storedAhead: 3 }));
    expect(core.types).toEqual(['fetch', 'fetch', 'fetch']);
    expect(core.state.lookMs).toBe(core.state.leasedMs + 30_000);
    expect(handed(alone(core))).toEqual(names(4, 5, 6, 7));
    core.send({ type: 'handed', refused: [] });
    expect(stages(core)).toEqual(['transferring', 'transferring', 'transferring', 'handed', 'handed', 'handed', 'handed']);
  });

  it('D27 what is not of the first level is handed over as soon as the engine has fetched that', () => {
    const core = listed(phone([free(1), free(2, { level: 1 }), free(3, { level: 1 })]));
    expect(core.types).toEqual(['fetch']);
    expect(handed(core.send({ type: 'fetched', name: packName(1) }))).toEqual(names(2, 3));
  });

  it('D27 when the lease ends, what nobody has begun follows, also what was taken back', () => {
    const core = listed(phone([free(1), free(2), free(3)], { fetches: 1 }, { platform: 'windows11' }));
    core.tell({ platform: 'windows11', app: 'background', power: 'battery', saver: true });
    expect(handed(core)).toEqual(names(2, 3));
    core.send({ type: 'handed', refused: [] });
    expect(toLook(core).types).toEqual(['recall']);
    expect(handed(listed(core))).toEqual([]);
    expect(core.state.lookMs).toBe((core.state.lease?.deadlineMs ?? 0) - 2000);
    expect(handed(toLook(core))).toEqual(names(2, 3));
  });

  it('D27 when the app is left, what nobody has begun follows; what has been begun goes on by Range later', () => {
    const core = listed(phone([free(1), free(2), free(3)], { fetches: 1 }));
    expect(core.types).toEqual(['fetch']);
    expect(handed(core.tell({ ...IPHONE, app: 'background' }))).toEqual(names(2, 3));
    expect(stages(core)).toEqual(['transferring', 'handed', 'handed']);
  });

  it('D27 what the OS refuses is the engine\'s own; without a service, or under the published rules, everything is', () => {
    const core = alone(listed(phone([free(1), free(2, { level: 1 })])));
    expect(handed(core)).toEqual(names(2));
    core.send({ type: 'handed', refused: names(2) });
    expect(stages(core)).toEqual(['transferring', 'transferring']);
    expect(listed(phone([free(1), free(2, { level: 1 })], { ruleSet: '2024-05' })).types).toEqual(['fetch', 'fetch']);
    expect(new Core([table(1)], [pack(1), pack(2, { level: 1 })]).tell(IPHONE).types).toEqual(['fetch', 'fetch']);
  });

  it('D28 with every lease the OS is asked what it has before anything is fetched; only what lacks is asked for again', () => {
    const core = phone([free(1, { level: 1 }), free(2, { level: 1 }), free(3), free(4, { level: 1 })]);
    expect(core.types).toContain('list');
    expect(core.types).not.toContain('fetch');
    listed(core, [running(1), { name: packName(2), phase: 'stored', received: 10 }, { name: packName(4), phase: 'failed', received: 0 }], names(2));
    expect(stages(core).slice(0, 2)).toEqual(['handed', 'unpacking']);
    expect(handed(alone(core))).toEqual(names(4));
    core.send({ type: 'handed', refused: [] }).send({ type: 'unpacked', name: packName(2) });
    core.tell({ ...IPHONE, app: 'frozen' });
    core.send({ type: 'stepped', result: {} }).send({ type: 'stepped', result: {} }).send({ type: 'fetch-failed', name: packName(3), error: error('server.unreachable') });
    expect(core.tell(IPHONE).types).toContain('list');
  });

  it('D28 what is stored while the engine rests is known, and applied with the next lease', () => {
    const core = alone(listed(phone([free(1), free(2, { level: 1 })], { fetches: 1 }))).send({ type: 'handed', refused: [] });
    core.tell({ ...IPHONE, app: 'frozen' });
    core.send({ type: 'transfer', transfer: { name: packName(2), phase: 'stored', received: 1000 } });
    expect(core.types).toEqual([]);
    expect(stages(core)[1]).toBe('stored');
  });

  it('D28 what the OS has lost is asked for again, and after three times is the engine\'s own', () => {
    const core = alone(listed(phone([free(1), free(2, { level: 1 })])));
    for (let times = 1; times < 3; times++) {
      core.send({ type: 'handed', refused: [] }).send({ type: 'transfer', transfer: { name: packName(2), phase: 'failed', received: 0 } });
      expect(handed(core)).toEqual(names(2));
    }
    core.send({ type: 'handed', refused: [] }).send({ type: 'transfer', transfer: { name: packName(2), phase: 'failed', received: 0 } });
    expect(core.types).toEqual(['fetch']);
  });

  it('D28 an address that the OS was refused with is asked for anew', () => {
    const core = listed(phone([free(1, { level: 1 })], { storedAhead: 0 })).send({ type: 'handed', refused: [] });
    core.send({ type: 'transfer', transfer: { name: packName(1), phase: 'failed', received: 0, status: 403 } });
    expect(core.effects.find((effect) => effect.type === 'ask')).toMatchObject({ request: { urls: names(1) } });
  });
});

describe('taking back', () => {
  it('D29 after a sleep that nobody told of, the OS is asked what it has before its silence counts against it', () => {
    const core = alone(listed(phone([free(1), free(2, { level: 1 })]))).send({ type: 'handed', refused: [] });
    core.nowMs += 3_600_000;
    expect(core.tell(IPHONE).types).toEqual(['list']);
    expect(stages(listed(core, [running(2)]))).toEqual(['transferring', 'handed']);
  });

  it('D29 transfers that bring nothing for a minute while the engine may fetch are taken back; news of them starts the minute anew', () => {
    const core = alone(listed(phone([free(1), free(2, { level: 1 })]))).send({ type: 'handed', refused: [] });
    core.send({ type: 'transfer', transfer: running(2) });
    const since = core.state.transferMs;
    expect(core.state.lookMs).toBe(since + 60_000);
    core.nowMs = since + 40_000;
    core.send({ type: 'transfer', transfer: running(2) });
    core.nowMs = since + 60_000;
    expect(core.send({ type: 'woke', timer: 'look' }).types).toEqual([]);
    expect(toLook(core).types).toEqual(['recall']);
    expect(listed(core).types).toEqual(['fetch']);
  });

  it('D29 transfers that have not begun after five seconds are taken back, and handed over again when the app is left', () => {
    const core = alone(listed(phone([free(1), free(2, { level: 1 })]))).send({ type: 'handed', refused: [] });
    expect(core.state.lookMs).toBe(core.state.transferMs + 5000);
    expect(toLook(core).types).toEqual(['recall']);
    core.send({ type: 'fetch-failed', name: packName(1), error: error('server.unreachable') });
    listed(core);
    expect(handed(core.tell({ ...IPHONE, app: 'background' }))).toEqual([]);
    expect(handed(core.send({ type: 'woke', timer: 'retry' }))).toEqual(names(2));
  });

  it('D29 however often packs are taken back, they are handed over again when the app is left', () => {
    const core = phone([free(1), free(2), free(3)], { fetches: 0 }, { ...IPHONE, app: 'background', window: { kind: 'grace' } });
    for (let times = 0; times < 5; times++) {
      expect(handed(listed(core))).toEqual(names(1, 2, 3));
      if (core.state.step) core.send({ type: 'stepped', result: {} });
      core.send({ type: 'handed', refused: [] }).tell(IPHONE);
      expect(toLook(core).types).toEqual(['recall']);
      listed(core);
      core.tell({ ...IPHONE, app: 'frozen' }).tell({ ...IPHONE, app: 'background', window: { kind: 'grace' } });
    }
  });

  it('D27 in a window that the OS grants for work the engine fetches itself; at its end the rest is handed over', () => {
    const core = phone([free(1), free(2), free(3)], { fetches: 1 }, IPHONE);
    const window = { kind: 'processing', endsMs: core.nowMs + 60_000 } as const;
    listed(core.tell({ ...IPHONE, app: 'background', window }));
    expect([handed(core), stages(core)]).toEqual([[], ['transferring', 'wanted', 'wanted']]);
    expect(handed(toLook(core))).toEqual(names(2, 3));
    expect(core.nowMs).toBe(window.endsMs - 2200);
  });

  it('D29 a pack that was stored in the very moment of being taken back is not fetched again', () => {
    const core = alone(listed(phone([free(1), free(2, { level: 1 })]))).send({ type: 'handed', refused: [] });
    toLook(core);
    listed(core, [], names(2));
    expect(core.types).toEqual(['unpack']);
  });

  it('D29 N2 so are those that an earlier process handed over: they may use any network', () => {
    const core = listed(phone([free(1, { level: 1 })], { storedAhead: 0 }), [running(1)]);
    if (core.state.step) core.send({ type: 'stepped', result: {} });
    core.tell({ ...IPHONE, settings: { wifiOnly: true, mode: 'auto' }, network: 'metered' });
    core.failAsk('server.unreachable');
    expect(listed(core, [running(1)]).types).toEqual(['recall']);
  });

  it('D29 N2 when the person turns Wi-Fi only on, transfers that may use any network are taken back and handed over anew', () => {
    const core = alone(listed(phone([free(1), free(2, { level: 1 })]))).send({ type: 'handed', refused: [] });
    core.tell({ ...IPHONE, settings: { wifiOnly: true, mode: 'auto' } });
    expect(core.types).toEqual(['recall']);
    expect(listed(core).effects.find((effect) => effect.type === 'hand')).toMatchObject({ allowMetered: false });
  });
});
