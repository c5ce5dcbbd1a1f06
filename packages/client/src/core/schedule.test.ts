import { describe, expect, it } from 'vitest';
import type { Report } from '../ports/host.ts';
import { Core, error, spec, table } from '../testing/core.ts';
import { AT_WORK } from '../testing/manual-host.ts';
import type { Segment, Table } from './state.ts';

const MINUTE_MS = 60_000;
const SETTINGS = { auto: AT_WORK.settings, interval: { wifiOnly: false, mode: 'interval' }, manual: { wifiOnly: false, mode: 'manual' } } as const;

const usable = (id: number, more: Partial<Table> = {}): Table => table(id, { usable: true, load: 'none', ...more });
const commit = (...ids: readonly number[]): Segment => ({
  puts: new Map(), removes: new Map(), lives: new Map(), rows: 0, token: 't', commit: { checkpoint: 1, token: 't', tables: ids.map((id) => ({ table: id })) },
});

/** A device that stays, with tables that are usable, told this at the start. */
function watching(tables: readonly Table[], report: Partial<Report> = {}): Core {
  return new Core(tables, [], { mode: 'watch' }).tell(report);
}

/** Answers the question at hand with a commit of these tables. */
function bring(core: Core, ...ids: readonly number[]): Core {
  return core.answer({ segments: [commit(...ids)] }).send({ type: 'stepped', result: {} });
}

const request = (core: Core): unknown => core.effects.find((effect) => effect.type === 'ask')?.request;
const lookMs = (core: Core): number | undefined => core.state.lookMs;

/** Time passes up to the timer that the engine has set to look again. */
function toLook(core: Core): Core {
  core.nowMs = (lookMs(core) ?? 0) - 1000;
  return core.send({ type: 'woke', timer: 'look' });
}

describe('tables with intervals', () => {
  it('D25 at the start every table is synced; then each when its own time is up', () => {
    const core = watching([usable(1, { everyMinutes: 5 }), usable(2, { everyMinutes: 7 })]);
    expect(request(core)).not.toHaveProperty('tables');
    bring(core, 1, 2);
    const syncedMs = core.nowMs;
    expect(core.state.round).toBeUndefined();
    expect(lookMs(core)).toBe(syncedMs + 5 * MINUTE_MS);
    expect(request(toLook(core))).toMatchObject({ tables: [1] });
    bring(core, 1);
    const first = core.nowMs;
    expect(lookMs(core)).toBe(syncedMs + 7 * MINUTE_MS);
    expect(request(toLook(core))).toMatchObject({ tables: [2] });
    bring(core, 2);
    expect(lookMs(core)).toBe(first + 5 * MINUTE_MS);
  });

  it('D25 a day is the longest, five minutes the shortest interval that a table may name, and both are kept', () => {
    const core = bring(watching([usable(1, { everyMinutes: 5 }), usable(2, { everyMinutes: 1440 })]), 1, 2);
    const startMs = core.nowMs;
    for (let times = 0; times < 400 && !core.state.round?.tables?.includes(2); times++) {
      toLook(core);
      if (core.state.round?.tables?.includes(2)) break;
      bring(core, 1);
    }
    expect(core.nowMs - startMs).toBeGreaterThanOrEqual(1440 * MINUTE_MS);
    expect(core.nowMs - startMs).toBeLessThan(1446 * MINUTE_MS);
  });

  it('D25 in mode interval a table that names none has the engine\'s', () => {
    const core = bring(watching([usable(1)], { settings: SETTINGS.interval }), 1);
    expect(core.state.asking).toBeUndefined();
    expect(lookMs(core)).toBe(core.nowMs + 15 * MINUTE_MS);
  });

  it('D25 a clock set back by a year does not put a sync off for longer than the interval', () => {
    const core = bring(watching([usable(1, { everyMinutes: 5 })]), 1);
    core.nowMs -= 365 * 24 * 60 * MINUTE_MS;
    core.tell({ inUse: false });
    expect(lookMs(core)).toBeLessThanOrEqual(core.nowMs + 5 * MINUTE_MS);
    expect(request(toLook(core))).toBeDefined();
  });
});

describe('changes that come live', () => {
  it('D26 in mode auto the server is asked with a wait, for the tables without an interval', () => {
    const core = bring(watching([usable(1), usable(2, { everyMinutes: 5 })]), 1, 2);
    expect(request(core)).toMatchObject({ waitSeconds: 25, tables: [1] });
  });

  it('D26 a round that is due, or asked for, ends the wait and begins at once', () => {
    const core = bring(watching([usable(1), usable(2, { everyMinutes: 5 })]), 1, 2);
    expect(toLook(core).types).toEqual(['abort', 'ask']);
    expect(request(core)).toMatchObject({ tables: [2] });
    bring(core, 2);
    core.send({ type: 'sync-asked', asked: { kind: 'table', tables: ['T2'] } });
    expect(core.state.round).toMatchObject({ kind: 'table', byPerson: true, tables: [2] });
    expect(request(core)).toMatchObject({ tables: [2] });
  });

  it('D26 where the policy lets nothing new start, the wait ends', () => {
    const core = bring(watching([usable(1)], { platform: 'android' }), 1);
    expect(core.state.asking?.kind).toBe('wait');
    core.tell({ platform: 'android', app: 'background' });
    expect(core.types).toContain('abort');
    expect(core.failAsk('server.unreachable').types).toContain('rested');
    expect(core.state).toMatchObject({ lease: undefined, failures: 0 });
  });

  it('D26 what a wait brings in pages is a round that has begun', () => {
    const core = bring(watching([usable(1)], { platform: 'android' }), 1);
    const { commit: _, ...page } = commit(1);
    core.answer({ segments: [{ ...page, rows: 1 }] });
    expect(core.state.round).toMatchObject({ kind: 'delta', begun: true });
    core.tell({ platform: 'android', app: 'background' });
    expect(core.state.lease).toBeDefined();
  });
});

describe('what the person sets and asks for', () => {
  it('D25 in mode manual nothing starts by itself but a first sync, and what is asked for starts', () => {
    const core = watching([usable(1)], { settings: SETTINGS.manual });
    expect(core.state.asking).toBeUndefined();
    core.send({ type: 'sync-asked', asked: { kind: 'delta' } });
    expect(core.state.asking?.kind).toBe('pull');
    expect(watching([], { settings: SETTINGS.manual }).state.asking?.kind).toBe('plan');
  });

  it('N2 with Wi-Fi only a metered network lets nothing start, and a better one does', () => {
    const settings = { wifiOnly: true, mode: 'auto' } as const;
    const core = watching([usable(1)], { settings, network: 'metered' });
    expect(core.state).toMatchObject({ asking: undefined, verdict: { engine: 'wait', rule: 'N2' } });
    expect(core.tell({ settings }).state.asking?.kind).toBe('pull');
  });

  it('D25 a network that is back makes every table due, and ends a wait after failures', () => {
    const core = bring(watching([usable(1, { everyMinutes: 60 })]), 1);
    core.tell({ network: 'none' }).tell({});
    expect(request(core)).toBeDefined();
    core.failAsk('server.unreachable').tell({ network: 'none' });
    expect(core.state.retry).toBeDefined();
    core.tell({});
    expect(core.state.retry).toBeUndefined();
    expect(core.state.asking?.kind).toBe('pull');
  });

  it('D17 a wait that the server named is kept when the network is back', () => {
    const core = watching([usable(1)]).failAsk('server.busy', 60_000);
    core.tell({ network: 'none' }).tell({});
    expect(core.state.retry?.error.code).toBe('server.busy');
  });

  it('D25 a first sync that failed is tried at once when the app is opened again', () => {
    const core = watching([], { platform: 'windows11' }).failAsk('server.unreachable').failAsk('server.unreachable');
    core.tell({ platform: 'windows11', app: 'background' });
    expect(core.state.retry).toBeDefined();
    core.tell({ platform: 'windows11' });
    expect(core.state.asking?.kind).toBe('plan');
  });

  it('D32 the app\'s own pauses are a set: it goes on when the last is resumed', () => {
    const core = watching([usable(1)]);
    core.send({ type: 'paused', reason: 'camera' }).send({ type: 'paused', reason: 'upload of a film' });
    core.send({ type: 'ask-failed', id: core.state.asked, error: error('server.unreachable') });
    expect(core.state.lease).toBeUndefined();
    expect(core.send({ type: 'resumed', reason: 'camera' }).state.lease).toBeUndefined();
    expect(core.send({ type: 'resumed', reason: 'upload of a film' }).state.asking?.kind).toBe('pull');
  });
});

describe('kinds of sync', () => {
  const measured = { table: 1, width: 1000, ranges: [0, 3, 9] };

  it('D30 a full delta brings a table up to date, measures it and has it compared', () => {
    const core = new Core([usable(1)], []).tell({});
    core.send({ type: 'sync-asked', asked: { kind: 'full-delta' } });
    core.answer({ segments: [commit(1)] });
    for (let turns = 0; turns < 3 && core.state.step?.kind !== 'measure'; turns++) {
      if (core.state.asking) core.answer({ segments: [commit(1)] });
      else core.send({ type: 'stepped', result: {} });
    }
    core.send({ type: 'stepped', result: { measured } });
    expect(request(core)).toMatchObject({ check: measured });
    core.answer({ segments: [{ ...commit(1), check: true, ranges: new Map([[1, [[1000, 1999]]]]) }] });
    expect(core.send({ type: 'stepped', result: {} }).types).toContain('finished');
  });

  it('D30 a table that differs too much is downloaded anew; a check that is answered with another table counts for nothing', () => {
    const core = new Core([usable(1), usable(2)], []).tell({});
    core.state = { ...core.state, asking: { id: 7, kind: 'check', isSent: true, names: [], tables: undefined }, asked: 7, measured, round: { kind: 'full-delta', tables: undefined, byPerson: true, begun: true, checked: [] } };
    core.answer({ segments: [{ ...commit(2), check: true }] });
    expect(core.state.retry?.error.code).toBe('protocol.bad-answer');
    core.send({ type: 'woke', timer: 'retry' });
    core.state = { ...core.state, asking: { id: 8, kind: 'check', isSent: true, names: [], tables: undefined }, asked: 8, measured };
    core.answer({ lost: [1] });
    expect(request(core)).toMatchObject({ fresh: [1] });
  });

  it('D30 requests that wait become one: no table asked for is forgotten', () => {
    const core = watching([usable(1), usable(2), usable(3)]);
    expect(core.state.round?.begun).toBe(true);
    core.send({ type: 'sync-asked', asked: { kind: 'table', tables: ['t1'] } }).send({ type: 'sync-asked', asked: { kind: 'table', tables: ['t3'] } });
    expect(core.state.nextRound).toMatchObject({ kind: 'table', tables: expect.arrayContaining([1, 3]) });
    core.send({ type: 'sync-asked', asked: { kind: 'full-delta', tables: ['t2'] } });
    expect(core.state.nextRound).toMatchObject({ kind: 'full-delta', tables: expect.arrayContaining([1, 2, 3]) });
    core.send({ type: 'sync-asked', asked: { kind: 'delta' } });
    expect(core.state.nextRound).toMatchObject({ kind: 'full-delta', tables: undefined });
  });

  it('D30 of what the person asks for nothing is forgotten, while it waits to start and when it has to wait', () => {
    const core = bring(watching([usable(1), usable(2)]), 1, 2).tell({ network: 'none' });
    core.send({ type: 'ask-failed', id: core.state.asked, error: error('server.unreachable') });
    core.send({ type: 'sync-asked', asked: { kind: 'full-delta' } }).send({ type: 'sync-asked', asked: { kind: 'table', tables: ['t1'] } });
    expect(core.state.round).toMatchObject({ kind: 'full-delta', tables: undefined, byPerson: true });
    core.send({ type: 'sync-asked', asked: { kind: 'table', tables: [] } });
    expect(core.state).toMatchObject({ round: { kind: 'full-delta' }, nextRound: undefined });
  });

  it('D31 a reset is not forgotten when the step before it fails', () => {
    const core = watching([usable(1)]);
    core.answer({ segments: [commit(1)] }).send({ type: 'reset-asked' }).send({ type: 'step-failed', error: error('protocol.bad-answer') });
    core.send({ type: 'woke', timer: 'retry' });
    expect(core.state.step?.kind).toBe('reset');
  });

  it('D31 a table asked for while a reset is under way is part of it, whatever its number is then', () => {
    const core = new Core([usable(1)], []).tell({});
    core.answer({ segments: [commit(1)] }).send({ type: 'reset-asked' }).send({ type: 'stepped', result: {} }).send({ type: 'stepped', result: {} });
    core.send({ type: 'sync-asked', asked: { kind: 'table', tables: ['t1'] } });
    const plan = { kind: 'plan', tables: [{ ...spec(9), name: 't1' }], packs: [], token: 'new', epoch: 'e2', user: 'u' } as const;
    core.answer({ plan, epoch: 'e2' }).send({ type: 'stepped', result: {} }).send({ type: 'stepped', result: {} });
    for (let turns = 0; turns < 10 && core.state.phase === 'running'; turns++) {
      if (core.state.asking) core.answer({ segments: [commit(9)], epoch: 'e2' });
      else core.send({ type: 'stepped', result: {} });
    }
    expect(core.state.phase).toBe('done');
  });

  it('D31 a reset gives up what is in flight and forgets nothing but what the server knows', () => {
    const core = watching([usable(1)]);
    core.send({ type: 'reset-asked' });
    expect(core.types).toContain('abort');
    expect(core.state.step?.kind).toBe('reset');
    core.send({ type: 'stepped', result: {} });
    expect(core.state.tables).toMatchObject([{ usable: true, lost: true }]);
    expect(request(core)).toMatchObject({ token: null });
    core.answer({ plan: { kind: 'plan', tables: [spec(9)], packs: [], token: 'new', epoch: 'e2', user: 'u' }, epoch: 'e2' }).send({ type: 'stepped', result: {} });
    expect(core.state).toMatchObject({ epoch: 'e2', tables: [{ id: 9, usable: false }] });
  });
});
