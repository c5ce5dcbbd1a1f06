import { describe, expect, it } from 'vitest';
import type { Grant, Scope, StoreState } from '../ports/storage.ts';
import { LAST_RID } from './cut.ts';
import { lowerBound, readingOf, type Reading } from './reading.ts';
import type { TablePosition } from './token.ts';

const state = (floor = 0): StoreState => ({ epoch: 'e', checkpoint: 20, floor });
const scope = (head = 20): Scope => ({ id: 7, table: 1, node: 1, param: '', columns: [], head, digest: { rows: 0, sum: 0 } });
const lost = (until: number): ReadonlyMap<number, Grant> => new Map([[3, { scope: 3, table: 1, since: 1, until, usedMs: 0, columns: [] }]]);
const here = (at: number, page?: Partial<TablePosition['page']>): TablePosition =>
  ({ at, scope: 7, form: 'f', ...(page ? { page: { scope: 7, seq: 12, rid: 5, first: 14, ...page } } : {}) });
const elsewhere = (at: number, page?: Partial<TablePosition['page']>): TablePosition => ({ ...here(at, page), scope: 3 });
const read = (position: TablePosition, { floor = 0, head = 20, until = 15, since = 1, isEverybodys = false } = {}): Reading =>
  readingOf(state(floor), { scope: scope(head), since, isEverybodys }, position, lost(until));

describe('how a table is read on', () => {
  it('S28 a position inside a checkpoint counts as the one before; a first reading counts from its first page', () => {
    expect(lowerBound(here(7), false)).toBe(7);
    expect(lowerBound(here(7, { seq: 9, first: 12 }), false)).toBe(8);
    expect(lowerBound(here(7, { seq: 7, first: 12 }), false)).toBe(7);
    expect(lowerBound(here(0, { seq: 3, first: 12 }), false)).toBe(12);
    expect(lowerBound(here(0, { seq: 15, first: 12 }), false)).toBe(14);
    expect(lowerBound(here(0), false)).toBe(Infinity);
  });

  it('S28 S86 a scope that is switched to is read from nothing: what died in it before the first page is not missed', () => {
    expect(lowerBound(elsewhere(7), true)).toBe(Infinity);
    expect(lowerBound(elsewhere(7, { seq: 3, first: 12 }), true)).toBe(12);
    expect(lowerBound(elsewhere(7, { seq: 15, first: 12 }), true)).toBe(14);
  });

  it('S29 is idle where nothing can have changed', () => {
    expect(read(here(20))).toMatchObject({ isIdle: true, gap: false, held: undefined });
    expect(read(here(12), { head: 12, floor: 15 })).toMatchObject({ isIdle: true, gap: false });
    expect(read(here(12), { head: 13 })).toMatchObject({ isIdle: false, after: { seq: 12, rid: LAST_RID } });
    expect(read(here(12, { seq: 20 }), { head: 12 }).isIdle).toBe(false);
    expect(read(elsewhere(12), { head: 3 }).isIdle).toBe(false);
  });

  it('S28 a live-set is needed where tombstones after the position are gone, and to the end of the round', () => {
    expect(read(here(12), { floor: 13 }).gap).toBe(true);
    expect(read(here(12), { floor: 12 }).gap).toBe(false);
    expect(read(here(0), { floor: 13 }).gap).toBe(false);
    expect(read(here(12, { gap: true })).gap).toBe(true);
  });

  it('S86 a switch reads from the beginning and leaves out what the device has; on later pages it goes on', () => {
    expect(read(elsewhere(12))).toMatchObject({ after: { seq: 0, rid: LAST_RID }, first: 20, gap: false, held: { scope: 3, at: 12, first: 20, until: 12 }, isSwept: false });
    expect(read(elsewhere(12, {}))).toMatchObject({ after: { seq: 12, rid: 5 }, first: 14, held: { scope: 3, at: 12, first: 14, until: 12 } });
    expect(read(elsewhere(12, { swept: true }))).toMatchObject({ isSwept: true, held: { scope: 3 } });
    expect(read(elsewhere(0)).held).toBeUndefined();
  });

  it('S86 S28 tombstones of the former scope that are gone are missed until its rows were removed', () => {
    expect(read(elsewhere(12), { floor: 13 })).toMatchObject({ gap: true, held: undefined });
    expect(read(elsewhere(12, {}), { floor: 13 })).toMatchObject({ gap: true, held: undefined });
    expect(read(elsewhere(12, { swept: true, seq: 14 }), { floor: 13 })).toMatchObject({ gap: false });
    expect(read(elsewhere(12, { swept: true, seq: 14 }), { floor: 15 })).toMatchObject({ gap: true });
  });

  it('S88 of the former scope counts only what was before it was lost, whatever the token says', () => {
    expect(read(elsewhere(19), { until: 15 }).held).toMatchObject({ at: 15, until: 15 });
    expect(read(elsewhere(LAST_RID), { until: 4 }).held).toMatchObject({ at: 4, until: 4 });
    expect(readingOf(state(), { scope: scope(), since: 1, isEverybodys: false }, elsewhere(12), new Map([[3, { scope: 3, table: 1, since: 13, until: 15, usedMs: 0, columns: [] }]]))).toMatchObject({ gap: true, held: undefined });
  });

  it('S87 a round that read another scope begins anew and ends with the live-set', () => {
    for (const position of [here(12, { scope: 3, seq: 13, swept: true }), elsewhere(12, { scope: 3 }), elsewhere(12, { scope: 4, swept: true }), here(0, { scope: 3 })]) {
      expect(read(position)).toEqual({ after: { seq: 0, rid: LAST_RID }, first: 20, gap: true, held: undefined, goneBy: 20, isSwept: false, isIdle: false });
    }
  });

  it('S86 S88 rows that were gone before a scope is read from nothing are not told', () => {
    expect([read(elsewhere(12)).goneBy, read(elsewhere(12, {})).goneBy, read(here(0)).goneBy, read(here(0, {})).goneBy]).toEqual([20, 14, 20, 14]);
    expect([read(here(12), { isEverybodys: true }).goneBy, read(here(12, {}), { isEverybodys: true }).goneBy]).toEqual([0, 0]);
  });

  it('S88 rows that were gone before the person had the scope are not told, whatever the token says', () => {
    for (const position of [here(0), here(0, { first: 0, seq: 0 }), here(20, { first: 0, seq: 0 }), elsewhere(12, { first: 0, seq: 0 }), here(12), here(20)]) {
      expect(read(position, { since: 15 }).goneBy, JSON.stringify(position)).toBeGreaterThanOrEqual(15);
    }
  });

  it('S88 S28 who lost the scope and got it back hears nothing of the time between, and gets the live-set', () => {
    expect(read(here(12), { since: 13 })).toMatchObject({ gap: true, goneBy: 13, isIdle: false, after: { seq: 12 } });
    expect(read(here(12), { since: 13, head: 12 })).toMatchObject({ gap: true, isIdle: false });
    expect(read(here(12, { gap: true }), { since: 13 })).toMatchObject({ gap: true, goneBy: 13 });
    expect(read(here(12), { since: 12 })).toMatchObject({ gap: false, goneBy: 12 });
    expect(read(here(12), { since: 13, isEverybodys: true })).toMatchObject({ gap: false, goneBy: 0 });
  });
});
