import { describe, expect, it } from 'vitest';
import type { Report } from '../ports/host.ts';
import { Core, pack, table } from '../testing/core.ts';
import { EMPTY_OUTBOX, type Outbox, type Segment, type Table } from './state.ts';

const usable = (id: number, more: Partial<Table> = {}): Table => table(id, { usable: true, load: 'none', ...more });
const outbox = (more: Partial<Outbox>): Outbox => ({ ...EMPTY_OUTBOX, ...more });
const commit = (ack: number, ...ids: readonly number[]): Segment => ({
  puts: new Map(), removes: new Map(), lives: new Map(), rows: 0, token: 't', commit: { checkpoint: 1, token: 't', ack, tables: ids.map((id) => ({ table: id })) },
});
const steps = (core: Core): string[] => core.effects.flatMap((effect) => (effect.type === 'step' ? [effect.step.kind] : []));
const asked = (core: Core): { tables?: readonly number[] | undefined; push: boolean } | undefined => {
  const ask = core.effects.find((effect) => effect.type === 'ask');
  return ask && { tables: ask.request.tables, push: ask.push };
};
const ANDROID_AWAY: Partial<Report> = { platform: 'android', app: 'background' };

/** A device that stays and is up to date, in its wait at the server. */
function idle(tables: readonly Table[], report: Partial<Report> = {}): Core {
  const core = new Core(tables, [], { mode: 'watch' }).tell(report);
  return core.answer({ segments: [commit(0, ...tables.map(({ id }) => id))] }).send({ type: 'stepped', result: {} });
}

/** The app writes to a table; the change is numbered at once. */
const write = (core: Core, table: number): Core => core.send({ type: 'wrote', outbox: outbox({ made: 1, tables: [table], operations: 1, records: 1 }) });

/** The server answers the push at hand; both of its steps are done. */
function take(core: Core, ...tables: readonly number[]): Core {
  core.answer({ pushed: { last: 1, outcomes: [] }, segments: [commit(1, ...tables)] });
  expect(steps(core)).toEqual(['outcomes']);
  core.send({ type: 'stepped', result: { outbox: outbox({ made: 1, known: 1, tables }) } });
  expect(steps(core)).toEqual(['segment']);
  return core.send({ type: 'stepped', result: { outbox: outbox({ made: 1, known: 1 }) } });
}

describe('sending edits', () => {
  it('D60 what the app writes ends the wait at the server and is sent; the table that it is in is read with it', () => {
    const core = idle([usable(1), usable(2)]);
    expect(core.state.asking?.kind).toBe('wait');
    expect([write(core, 2).types, core.state.round?.kind]).toEqual([['abort', 'ask'], 'upload']);
    expect(asked(core)).toEqual({ tables: [2], push: true });
    take(core, 2);
    expect(core.state.round).toBeUndefined();
    expect(core.state.asking?.kind).toBe('wait');
  });

  it('D60 in manual mode edits go up all the same; without the network they wait for it', () => {
    const core = idle([usable(1)], { settings: { wifiOnly: false, mode: 'manual' } });
    expect(core.state.asking).toBeUndefined();
    expect(asked(write(core, 1))).toMatchObject({ push: true });
    const offline = idle([usable(1)]).tell({ network: 'none' }).failAsk('server.unreachable');
    expect(asked(write(offline, 1))).toBeUndefined();
    expect(offline.state.round).toMatchObject({ kind: 'upload', begun: false });
    expect(asked(offline.tell({}))).toMatchObject({ push: true });
  });

  it('D60 in a first sync they go before the next question, while packs are fetched', () => {
    const core = new Core([usable(1), table(2, { level: 1 })], [{ ...pack(1), parts: [{ table: 2, rows: 1, sum: 1 }] }], { mode: 'watch' }).tell({});
    core.answer({ segments: [commit(0, 1)] }).send({ type: 'stepped', result: {} });
    expect(core.state.round?.kind).toBe('first');
    expect(asked(write(core, 1))).toEqual({ tables: [1], push: true });
    expect(core.state.packs[0]?.stage).toBe('transferring');
  });

  it('D60 at the start of a lease they are asked for before anything is fetched or applied', () => {
    const packs = [1, 2].map((n) => ({ ...pack(n, n === 1 ? { stage: 'stored' } : {}), parts: [{ table: 2, rows: 1, sum: 1 }] }));
    const core = new Core([usable(1), table(2, { level: 1 })], packs, { mode: 'watch' });
    core.send({ type: 'wrote', outbox: outbox({ loose: 1, tables: [1] }) }).tell({});
    expect([core.types, steps(core)]).toEqual([['step'], ['collect']]);
    core.send({ type: 'stepped', result: { outbox: outbox({ made: 1, tables: [1] }) } });
    expect(core.types).toEqual(['ask']);
    expect(asked(core)).toEqual({ tables: [1], push: true });
    expect(core.send({ type: 'asked', id: core.state.asked }).types).toEqual(['unpack', 'fetch']);
  });

  it('D60 a table that is synced by itself takes those into its round that the edits are in, until they are confirmed', () => {
    const core = idle([usable(1), usable(2), usable(3)]);
    core.send({ type: 'sync-asked', asked: { kind: 'table', tables: ['t1'] } });
    write(core, 3);
    core.failAsk('server.unreachable').send({ type: 'woke', timer: 'retry' });
    expect(asked(core)).toEqual({ tables: [1, 3], push: true });
    // Only a part of it came.
    core.answer({ pushed: { last: 1, outcomes: [] }, segments: [commit(1, 1)] });
    core.send({ type: 'stepped', result: { outbox: outbox({ made: 1, known: 1, tables: [3] }) } }).send({ type: 'stepped', result: {} });
    expect(asked(core)).toEqual({ tables: [3], push: false });
  });

  it('D61 where the sync at hand may not start but edits may be sent, the lease is for them alone', () => {
    const core = idle([usable(1), usable(2, { everyMinutes: 5 })], { platform: 'ios' });
    core.tell({ platform: 'ios', app: 'background' }).failAsk('server.unreachable');
    core.send({ type: 'sync-asked', asked: { kind: 'delta' } });
    expect(core.state).toMatchObject({ lease: undefined, round: { kind: 'delta', begun: false } });
    expect(asked(write(core, 1))).toEqual({ tables: [1, 2], push: true });
    expect(core.state.lease).toMatchObject({ rule: 'C1', edits: true });
    expect(take(core, 1, 2).state.lease).toBeUndefined();
  });

  it('D62 outcomes come first; a push whose answer was lost is sent again', () => {
    const core = write(idle([usable(1)]), 1);
    core.failAsk('server.unreachable');
    expect(core.state.retry).toBeDefined();
    expect(asked(core.send({ type: 'woke', timer: 'retry' }))).toMatchObject({ push: true });
    take(core, 1);
    expect(core.state.failures).toBe(0);
  });

  it('D62 an answer to a push without its outcomes is to another question', () => {
    const core = write(idle([usable(1)]), 1).answer({ segments: [commit(1, 1)] });
    expect(core.state.retry?.error.code).toBe('protocol.bad-answer');
    expect(steps(core)).toEqual([]);
  });

  it('D62 a server that takes in none of the edits is sent them later, less and less often, and asked for everything else meanwhile', () => {
    const core = write(idle([usable(1), usable(2)]), 1);
    const waits: number[] = [];
    for (let times = 0; times < 5; times++) {
      core.answer({ pushed: { last: 0, outcomes: [] } }).send({ type: 'stepped', result: { outbox: outbox({ made: 1, tables: [1], operations: 1 }) } });
      waits.push((core.state.pushHeld?.atMs ?? 0) - core.nowMs);
      expect([core.state.retry, asked(core)?.push]).toEqual([undefined, false]);
      core.nowMs = core.state.pushHeld?.atMs ?? 0;
      core.answer({ segments: [commit(0, 1)] }).send({ type: 'stepped', result: {} });
      expect(asked(core)).toMatchObject({ push: true });
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000]);
    take(core, 1);
    expect(core.state).toMatchObject({ pushFailures: 0, pushHeld: undefined });
  });

  it('D62 a push that fails at the server holds up no other question; one that does not reach it does', () => {
    const core = write(idle([usable(1), usable(2)]), 1).failAsk('server.unavailable');
    expect([core.state.retry, asked(core)]).toEqual([undefined, { tables: [1], push: false }]);
    const offline = write(idle([usable(1)]), 1).failAsk('server.unreachable');
    expect([offline.state.retry?.error.code, asked(offline)]).toEqual(['server.unreachable', undefined]);
  });

  it('D62 the journal says how many were taken in, and why one was refused', () => {
    const core = write(idle([usable(1)]), 1);
    core.answer({ pushed: { last: 1, outcomes: [{ seq: 1, refused: { code: 'write.conflict', message: 'Somebody else was faster.', change: 0, error: 'e1' } }] } });
    core.send({ type: 'stepped', result: { outbox: outbox({ made: 1, known: 1, tables: [1], drafts: 0 }) } });
    expect(core.effects.flatMap((effect) => (effect.type === 'journal' ? [effect.detail] : []))).toEqual(['1 edit', 'edit 1: write.conflict: Somebody else was faster.']);
  });

  it('D63 a run of mode once ends when every edit has its outcome, and goes on when the app writes later', () => {
    const core = new Core([usable(1)], []).tell({});
    write(core, 1);
    core.answer({ segments: [commit(0, 1)] }).send({ type: 'stepped', result: {} });
    expect(core.state.phase).toBe('running');
    expect(take(core, 1).types).toContain('finished');
    expect(core.state.phase).toBe('done');
    core.send({ type: 'wrote', outbox: outbox({ loose: 1, made: 1, known: 1, tables: [1] }) });
    expect([core.state.phase, steps(core)]).toEqual(['running', ['collect']]);
  });

  it('D61 on a phone in the background an edit waits where no new sync may start, and goes with the next window', () => {
    const core = idle([usable(1)], { platform: 'android' }).tell(ANDROID_AWAY).failAsk('server.unreachable');
    write(core, 1);
    expect(core.state).toMatchObject({ lease: undefined, round: { kind: 'upload', begun: false } });
    core.tell({ ...ANDROID_AWAY, window: { kind: 'processing', endsMs: core.nowMs + 60_000 } });
    expect(asked(core)).toMatchObject({ push: true });
  });

  it('D60 what was written while no engine ran is numbered first', () => {
    const core = idle([usable(1)]).send({ type: 'wrote', outbox: outbox({ loose: 2, tables: [1] }) });
    expect([steps(core), asked(core)]).toEqual([['collect'], undefined]);
    expect(asked(core.send({ type: 'stepped', result: { outbox: outbox({ made: 2, tables: [1] }) } }))).toEqual({ tables: [1], push: true });
  });
});
