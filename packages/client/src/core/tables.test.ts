import type { TableSpec } from '@carryon/protocol';
import { describe, expect, it } from 'vitest';
import { Core, pack, packSpec, spec, table } from '../testing/core.ts';
import type { Effect } from './event.ts';
import type { Segment, Table } from './state.ts';

const usable = (id: number, more: Partial<Table> = {}): Table => table(id, { usable: true, load: 'none', ...more });
const wider = (id: number): TableSpec => ({ ...spec(id), columns: [...spec(id).columns, { name: 'more', type: '', collation: 'BINARY' }] });
const commit = (...ids: readonly number[]): Segment => ({ puts: new Map(), removes: new Map(), lives: new Map(), rows: 0, token: 't2', commit: { checkpoint: 1, token: 't2', tables: ids.map((id) => ({ table: id })) } });
const plan = (...tables: readonly TableSpec[]) => ({ kind: 'plan', tables, packs: [], token: 't3', epoch: 'e', user: 'u' }) as const;
const asks = (core: Core): Extract<Effect, { type: 'ask' }>['request'] | undefined => core.effects.find((effect) => effect.type === 'ask')?.request;
const step = (core: Core): Extract<Effect, { type: 'step' }>['step'] | undefined => core.effects.find((effect) => effect.type === 'step')?.step;
const done = (core: Core): Core => core.send({ type: 'stepped', result: {} });

describe('what the server tells of the tables', () => {
  it('D67 goes with the first token of its answer, and the tables then are those told of', () => {
    const core = new Core([usable(1), usable(2)], []).tell({});
    core.answer({ tables: [{ ...spec(1), rights: ['update'], everyMinutes: 5 }, spec(3)], segments: [commit(1)] });
    expect(step(core)).toMatchObject({ kind: 'segment', told: { tables: [{ id: 1 }, { id: 3 }], forget: [], packs: [] }, tables: [{ id: 1, rights: ['update'] }, { id: 3, usable: false, load: 'none' }] });
    done(core);
    expect(core.state.tables).toMatchObject([{ id: 1, everyMinutes: 5, fresh: true }, { id: 3, usable: false }]);
    expect(core.effects).toContainEqual(expect.objectContaining({ kind: 'tables', detail: 'The tables have changed. new: t3; no longer here: t2.' }));
    expect(asks(core)).toMatchObject({ tables: [3], fresh: [3], token: 't2' });
  });

  it('D67 without a token it is told in vain: with outcomes or a loss alone it is left out, and alone it is no answer', () => {
    const core = new Core([usable(1)], []).tell({});
    core.answer({ tables: [spec(2)] });
    expect(core.state.retry?.error.code).toBe('protocol.bad-answer');
    const wrote = new Core([usable(1)], []).tell({}).send({ type: 'wrote', outbox: { loose: 0, made: 1, known: 0, tables: [1], operations: 1, records: 1, drafts: 0, gone: 0, left: [] } });
    wrote.answer({ segments: [commit(1)] });
    done(wrote).answer({ tables: [spec(2)], pushed: { last: 1, outcomes: [] } });
    expect(step(wrote)).toMatchObject({ kind: 'outcomes' });
    expect(wrote.state.queue).toEqual([]);
  });

  it('D67 D16 tables that cannot be are refused', () => {
    for (const tables of [[spec(1), { ...spec(2), name: 'T1' }], [spec(1), { ...spec(1), name: 'other' }], [{ ...spec(1), name: 'sqlite_x' }], [{ ...spec(1), key: [] }]]) {
      const core = new Core([usable(1)], []).tell({}).answer({ tables, segments: [commit(1)] });
      expect(core.state.retry?.error.code).toBe('protocol.bad-answer');
    }
  });

  it('D69 another form keeps the copy, and is asked for, alone; a plan may come in the same answer', () => {
    const core = new Core([usable(1), usable(2)], []).tell({}).answer({ tables: [wider(1), spec(2)], segments: [commit(2)] });
    done(core);
    expect(core.state.tables).toMatchObject([{ id: 1, usable: true, lost: true, columns: [{ name: 'k' }] }, { id: 2, fresh: true }]);
    expect(asks(core)).toMatchObject({ tables: [1], fresh: [1] });
    const planned = new Core([usable(1), usable(2)], []).tell({}).answer({ tables: [wider(1), { ...spec(2), id: 9 }], plan: plan(wider(1), { ...spec(2), id: 9 }) });
    expect(step(planned)).toMatchObject({ kind: 'plan', told: {} });
    done(planned);
    expect(planned.state.tables).toMatchObject([{ id: 1, usable: true, load: 'filling', columns: [{ name: 'k' }, { name: 'more' }] }, { id: 9, usable: true, load: 'filling' }]);
  });

  it('D69 D70 what is loaded of a table that has another form is thrown away when nothing of it moves any more, and of those that wait for a pack with it', () => {
    const loading = [1, 2, 3].map((id) => table(id, { level: 1, name: `t${id}` }));
    const shared = pack(1, { parts: packSpec(1, [1, 2]).parts, level: 1 });
    const own = pack(2, { parts: packSpec(2, [1, 3]).parts, level: 1, stage: 'applied' });
    const core = new Core([usable(4), ...loading], [shared, own]).tell({});
    core.send({ type: 'stepped', result: {} }).answer({ tables: [spec(4), { ...wider(1), level: 1 }, spec(2, 1), spec(3, 1)], segments: [commit(4)] });
    expect([core.state.packs[0]?.stage, step(core)]).toEqual(['transferring', undefined]);
    core.send({ type: 'fetched', name: shared.name });
    expect(step(core)).toMatchObject({ kind: 'segment', told: { forget: [1, 2], packs: [shared.name, own.name] } });
    done(core);
    expect(core.state.tables.map(({ id, load }) => [id, load])).toEqual([[4, 'none'], [1, 'none'], [2, 'none'], [3, 'indexed']]);
    expect([core.state.packs, asks(core)?.fresh]).toEqual([[], [1, 2]]);
  });

  it('D69 a plan for a table that the device has is followed where it was asked about, and not for ever', () => {
    const core = new Core([usable(1)], [], { mode: 'watch' }).tell({});
    for (let times = 0; times < 3; times++) {
      core.answer({ plan: plan(spec(1)) });
      while (core.state.step) done(core);
      expect(core.state.tables[0]).toMatchObject({ usable: true, load: 'indexed' });
    }
    core.answer({ plan: plan(spec(1)) });
    expect(core.state.retry?.error.code).toBe('protocol.bad-answer');
  });

  it('D71 none at all: the round ends, and the server is asked again by the interval, or waited for', () => {
    const core = new Core([usable(1)], [], { mode: 'watch', everyMinutes: 10 }).tell({ settings: { wifiOnly: false, mode: 'interval' } }).answer({ tables: [], segments: [commit()] });
    done(core);
    expect(core.state).toMatchObject({ tables: [], empty: { fresh: true }, round: undefined });
    expect(core.state.lookMs).toBe((core.state.empty?.syncedMs ?? 0) + 10 * 60_000);
    expect(asks(core.tell({}))).toMatchObject({ waitSeconds: 25, token: 't2' });
    core.answer({ tables: [spec(1)], plan: plan(spec(1)) });
    expect(done(core).state).toMatchObject({ empty: undefined, round: { kind: 'first' } });
  });
});
