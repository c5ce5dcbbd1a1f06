import type { ConflictMode, Outcome } from '@carryon/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Storage } from '../../../ports/storage.ts';
import { pushOf, type NamedChange } from '../../../testing/edits.ts';
import { withStore, type TempStore } from '../../../testing/temp-store.ts';
import { openDirectStorage } from '../storage.ts';

const RUNS = 60 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);
const USERS = ['ann', 'bob'];
const SQL = 'CREATE TABLE t(id TEXT PRIMARY KEY, owner TEXT NOT NULL, a INTEGER CHECK(a < 3), b, u INTEGER UNIQUE)';

type Row = Readonly<Record<'owner' | 'a' | 'b' | 'u', unknown>>;
type Rows = Map<string, Row>;
const COLUMNS = ['owner', 'a', 'b', 'u'] as const;

interface Edit { readonly kind: 'insert' | 'update' | 'delete'; readonly key: string; readonly column: (typeof COLUMNS)[number]; readonly value: number; readonly owner: string }
type Step =
  | { readonly op: 'edit'; readonly device: number; readonly edits: readonly Edit[] }
  | { readonly op: 'push'; readonly device: number; readonly from: number; readonly count: number; readonly leaveOut: number; readonly answerLost: boolean }
  | { readonly op: 'look'; readonly device: number }
  | { readonly op: 'other'; readonly edit: Edit }
  | { readonly op: 'restart' };

const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('insert', 'update', 'update', 'delete'), key: fc.constantFrom('k', 'l', 'm'), column: fc.constantFrom(...COLUMNS), value: fc.nat(3), owner: fc.constantFrom(...USERS),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant('edit'), device: fc.nat(2), edits: fc.array(edit, { minLength: 1, maxLength: 3 }) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('push'), device: fc.nat(2), from: fc.integer({ min: -2, max: 1 }), count: fc.integer({ min: 1, max: 5 }), leaveOut: fc.nat(9), answerLost: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('look'), device: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('other'), edit }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('restart') }) },
);

/** What is in every changeset: its changes, and for the oracle what the device saw of the row. */
interface Planned { readonly change: NamedChange; readonly edit: Edit; readonly seen: Row }

/** A device with a view of its own that may be out of date. */
class Device {
  readonly user: string;
  readonly name: string;
  readonly changesets: Planned[][] = [];
  view: Rows = new Map();
  known = 0;

  constructor(user: string, name: string) {
    this.user = user;
    this.name = name;
  }

  write(edits: readonly Edit[]): void {
    this.changesets.push(edits.map((one) => {
      const seen = this.view.get(one.key) ?? { owner: this.user, a: null, b: null, u: null };
      writeInto(this.view, one);
      return { edit: one, seen, change: toChange(one, seen) };
    }));
  }
}

const valueOf = ({ column, value, owner }: Edit): unknown => (column === 'owner' ? owner : value);
const newRow = (one: Edit): Row => ({ owner: one.owner, a: null, b: null, u: null, ...(one.column === 'owner' ? {} : { [one.column]: one.value }) });

function writeInto(rows: Rows, one: Edit): void {
  const old = rows.get(one.key);
  if (one.kind === 'delete') rows.delete(one.key);
  else if (one.kind === 'insert') rows.set(one.key, newRow(one));
  else if (old) rows.set(one.key, { ...old, [one.column]: valueOf(one) });
}

function toChange(one: Edit, seen: Row): NamedChange {
  const key = [one.key];
  if (one.kind === 'insert') return { insert: 't', key, set: { ...newRow(one) } };
  if (one.kind === 'delete') return { delete: 't', key, base: { ...seen } };
  const base = Object.fromEntries(Object.entries(seen).filter(([column]) => column !== one.column));
  return { update: 't', key, set: { [one.column]: [seen[one.column], valueOf(one)] }, base };
}

/** The contract in plain words: what each changeset does to the rows, one after another. */
class Oracle {
  readonly #mode: ConflictMode;
  rows: Rows = new Map();
  readonly last = new Map<string, number>();
  readonly refused = new Map<string, Map<number, string>>();
  /** Per device the rows as its edits left them, and after which changeset. */
  readonly left = new Map<string, Map<string, { row: Row; seq: number }>>();

  constructor(mode: ConflictMode) {
    this.#mode = mode;
  }

  push(device: Device, changesets: readonly { seq: number; planned: readonly Planned[] }[]): void {
    const known = Math.min(device.known, this.last.get(device.name) ?? 0);
    const written = new Set<string>();
    this.#take(device, changesets, written);
    const left = this.left.get(device.name) ?? new Map<string, { row: Row; seq: number }>();
    this.left.set(device.name, left);
    for (const key of [...written].map((name) => name.split(' ')[0] ?? '')) {
      const row = this.rows.get(key);
      if (row) left.set(key, { row, seq: this.last.get(device.name) ?? 0 });
    }
    for (const [key, { seq }] of left) if (seq <= known) left.delete(key);
  }

  #take(device: Device, changesets: readonly { seq: number; planned: readonly Planned[] }[], written: Set<string>): void {
    for (const { seq, planned } of changesets) {
      const last = this.last.get(device.name) ?? 0;
      if (seq <= last) continue;
      if (seq > last + 1) return;
      this.last.set(device.name, seq);
      const trial = new Map(this.rows);
      const trusted = new Set(written);
      const open = new Set<string>();
      const code = planned.map((one) => this.#apply(trial, device, one, trusted, open)).find((found) => found !== undefined)
        ?? ([...open].some((key) => trial.get(key)?.owner !== device.user) ? 'write.outside-share' : undefined);
      if (code === undefined) {
        this.rows = trial;
        for (const name of trusted) written.add(name);
      } else {
        const mine = this.refused.get(device.name) ?? new Map<number, string>();
        this.refused.set(device.name, mine.set(seq, code));
      }
    }
  }

  /** `open` are the keys of new rows that were outside of the share when the changeset made them. */
  #apply(rows: Rows, { user, name }: Device, { edit: one, seen }: Planned, trusted: Set<string>, open: Set<string>): string | undefined {
    const now = rows.get(one.key);
    if (one.kind === 'insert') {
      if (now) return 'write.exists';
    } else {
      if (!now || (now.owner !== user && !open.has(one.key))) return one.kind === 'delete' ? undefined : 'write.not-found';
      const looked = this.#compared(one).filter((column) => !trusted.has(one.key) && !trusted.has(`${one.key} ${column}`));
      const isMerged = (column: string): boolean => this.#mode === 'merge' && one.kind === 'update' && now[column as 'a'] === valueOf(one);
      const left = this.left.get(name)?.get(one.key)?.row;
      if (looked.some((column) => now[column] !== seen[column] && !isMerged(column) && left?.[column] !== now[column])) return 'write.conflict';
    }
    writeInto(rows, one);
    const after = rows.get(one.key);
    if (after && Number(after.a) >= 3) return 'write.rejected';
    if (after && after.u !== null && [...rows].some(([key, row]) => key !== one.key && row.u === after.u)) return 'write.unique';
    if (one.kind === 'insert' && after?.owner !== user) open.add(one.key);
    if (one.kind === 'delete') open.delete(one.key);
    trusted.add(this.#mode === 'merge' && one.kind === 'update' ? `${one.key} ${one.column}` : one.key);
    return undefined;
  }

  #compared(one: Edit): readonly (typeof COLUMNS)[number][] {
    if (this.#mode === 'last-writer-wins') return [];
    return this.#mode === 'detect' || one.kind === 'delete' ? COLUMNS : [one.column];
  }
}

function rowsIn({ business }: TempStore): Rows {
  const found = business.prepare('SELECT * FROM t').all() as unknown as ({ id: string } & Row)[];
  return new Map(found.map(({ id, owner, a, b, u }) => [id, { owner, a, b, u }]));
}

/** Somebody writes past Carryon; what the database refuses is not done. */
function writeOther(store: TempStore, { kind, key, column, value, owner }: Edit): void {
  try {
    if (kind === 'insert') store.business.prepare('INSERT INTO t(id, owner) VALUES(?, ?)').run(key, owner);
    else if (kind === 'delete') store.business.prepare('DELETE FROM t WHERE id = ?').run(key);
    else store.business.prepare(`UPDATE t SET ${column} = ? WHERE id = ?`).run(column === 'owner' ? owner : value, key);
  } catch { /* a rule of the table */ }
}

async function play(store: TempStore, mode: ConflictMode, steps: readonly Step[]): Promise<void> {
  let storage: Storage = store.storage;
  let reopened: Storage | undefined;
  const devices = [new Device('ann', 'd0'), new Device('ann', 'd1'), new Device('bob', 'd2')];
  const oracle = new Oracle(mode);
  await storage.prepare(() => undefined);
  await storage.evaluate(1);
  const push = async (device: Device, from: number, to: number, leaveOut: number, answerLost: boolean): Promise<void> => {
    const chosen = device.changesets.map((planned, i) => ({ seq: i + 1, planned })).filter(({ seq }) => seq >= from && seq <= to && seq !== leaveOut);
    const empty = pushOf(store.tables, chosen.map(({ planned }) => planned.map(({ change }) => change)), { known: device.known });
    const body = { ...empty, changesets: empty.changesets.map((one, i) => ({ ...one, seq: chosen[i]?.seq ?? 0 })) };
    const answer = await storage.upload({ user: device.user, claims: {}, device: device.name, nowMs: 1, push: body });
    oracle.push(device, chosen);
    expect(answer.last).toBe(oracle.last.get(device.name) ?? 0);
    const codes = (outcomes: readonly Outcome[]): unknown[] => outcomes.map(({ seq, refused }) => [seq, refused?.code]);
    expect(codes(answer.outcomes)).toEqual([...oracle.refused.get(device.name) ?? []].filter(([seq]) => seq > device.known));
    expect(await storage.read((snapshot) => snapshot.acked(device.user, device.name))).toBe(answer.last);
    if (!answerLost) device.known = answer.last;
  };
  for (const one of steps) {
    const device = devices['device' in one ? one.device : 0] ?? expect.fail('no device');
    if (one.op === 'edit') device.write(one.edits);
    else if (one.op === 'look') device.view = new Map([...oracle.rows].filter(([, row]) => row.owner === device.user));
    else if (one.op === 'push') await push(device, device.known + 1 + one.from, device.known + 1 + one.from + one.count, device.known + one.leaveOut, one.answerLost);
    else if (one.op === 'other') {
      writeOther(store, one.edit);
      oracle.rows = rowsIn(store);
    } else {
      await reopened?.close();
      storage = reopened = openDirectStorage(store.files, store.config, () => 'id');
    }
    expect(rowsIn(store)).toEqual(new Map(oracle.rows));
  }
  for (const device of devices) await push(device, 0, Infinity, -1, false);
  expect(rowsIn(store)).toEqual(oracle.rows);
  const wanted = devices.flatMap(({ name, user }) => [...oracle.refused.get(name) ?? []].map(([seq, code]) => `${user} ${name}:${seq} ${code}`));
  expect((await storage.errors(undefined, 1000)).map(({ owner, id, error_code }) => `${owner} ${id} ${error_code}`).toSorted()).toEqual(wanted.toSorted());
  await reopened?.close();
}

describe('devices that edit the same rows, in any order, with pushes lost, doubled and late', () => {
  it.each(['last-writer-wins', 'detect', 'merge'] as const)('R15 I13 I16 S71 S72 S73 S74: each changeset counts once and by the contract: %s', async (mode) => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) =>
      withStore(SQL, { t: { rows: { own: 'owner' }, conflicts: mode, rights: ['create', 'read', 'update', 'delete'] } }, (store) => play(store, mode, steps))), { numRuns: RUNS });
  }, 600_000);
});
