import fc from 'fast-check';
import { decodeValue, type Change, type FeedValue, type Outcome, type Push } from '@carryon/protocol';
import { expect, it } from 'vitest';
import { EditDevice, JOBS, PARTS, SITES, type Row } from '../testing/edit-device.ts';

const RUNS = 50 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);
const TABLES = [JOBS, SITES, PARTS] as const;
type Table = (typeof TABLES)[number];
type Values = readonly FeedValue[];
type GivenKey = NonNullable<Outcome['keys']>[number];

interface Edit { readonly table: Table; readonly op: Change['op']; key: string; values: FeedValue[]; readonly columns: readonly number[]; seq: number | undefined; shown: boolean; isTold: boolean }

const keyText = (table: Table, values: Values): string => JSON.stringify(table.key.map((i) => String(values[i])));
const byKey = (rows: Iterable<Values>, table: Table): Map<string, FeedValue[]> => new Map([...rows].map((values) => [keyText(table, values), [...values]]));

/** A server in a few lines: the last writer wins, what cannot be is refused, and some is refused at random. */
class Server {
  readonly device: EditDevice;
  #rid = 1000;
  #restores = 0;
  #nextSite = 100n;
  last = 0;
  keys = new Map<string, bigint>();
  outcomes = new Map<number, Outcome>();

  constructor(device: EditDevice) {
    this.device = device;
  }

  save(): () => void {
    const rows = TABLES.map((table) => new Map(this.device.rowsOf(table)));
    const [last, keys, outcomes, next] = [this.last, new Map(this.keys), new Map(this.outcomes), this.#nextSite];
    return () => {
      const ahead = 1000 * ++this.#restores;
      // A new version for every row: a restored server's data are made anew.
      TABLES.forEach((table, i) => this.device.rows.set(table.id, new Map([...(rows[i] ?? [])].map(([rid, row]) => [rid, { ...row, ver: (row.ver % 1000) + ahead }]))));
      [this.last, this.keys, this.outcomes, this.#nextSite] = [last, new Map(keys), new Map(outcomes), next + 50n];
    };
  }

  find(table: Table, key: string): number | undefined {
    return [...this.device.rowsOf(table)].find(([, { values }]) => keyText(table, values) === key)?.[0];
  }

  put(table: Table, values: Values): void {
    this.device.put(table, this.find(table, keyText(table, values)) ?? ++this.#rid, ...values);
  }

  remove(table: Table, key: string): void {
    const rid = this.find(table, key);
    if (rid !== undefined) this.device.remove(table, rid);
  }

  take(push: Push, refuses: (seq: number) => boolean): { last: number; outcomes: Outcome[] } {
    this.last = Math.max(this.last, push.lost ?? 0);
    for (const { seq, changes } of push.changesets) {
      if (seq !== this.last + 1) continue;
      const undo = this.save();
      const [last, next] = [this.last, this.#nextSite];
      const keys: GivenKey[] = [];
      const bad = refuses(seq) && changes.length > 0 ? 0 : changes.findIndex((change) => !this.#apply(push, change, keys));
      if (bad >= 0) {
        undo();
        for (const table of TABLES) for (const [rid, row] of this.device.rowsOf(table)) this.device.rowsOf(table).set(rid, row);
        [this.last, this.#nextSite] = [last, next];
        this.outcomes.set(seq, { seq, refused: { code: 'write.rejected', message: 'no', change: bad, error: `e${seq}` } });
      } else if (keys.length > 0) this.outcomes.set(seq, { seq, keys });
      this.last = seq;
    }
    return { last: this.last, outcomes: [...this.outcomes.values()].filter(({ seq }) => seq > push.known) };
  }

  #apply(push: Push, { op, table: at, key, set = [] }: Change, keys: GivenKey[]): boolean {
    const table = TABLES.find(({ name }) => name === push.tables[at]?.name);
    if (!table) return false;
    const real = (wire: unknown, target: string): FeedValue => {
      const value = decodeValue(wire) as FeedValue;
      return typeof value === 'bigint' && value < 0n ? this.keys.get(`${target} ${value}`) ?? value : value;
    };
    const references = new Map(table.references?.map(({ column }) => [column, SITES.name]));
    const keyValues = key.map((wire) => (table === SITES ? real(wire, SITES.name) : decodeValue(wire) as FeedValue));
    if (op === 'insert' && table === SITES && (keyValues[0] as bigint) < 0n) {
      const given = ++this.#nextSite;
      this.keys.set(`${SITES.name} ${String(keyValues[0])}`, given);
      keys.push({ table: SITES.name, temporary: key[0], key: Number(given) });
      keyValues[0] = given;
    }
    const wanted = JSON.stringify(keyValues.map(String));
    const rid = this.find(table, wanted);
    if (op === 'insert' ? rid !== undefined : op === 'update' && rid === undefined) return false;
    if (op === 'delete') this.remove(table, wanted);
    else {
      const values: FeedValue[] = [...(rid === undefined ? table.columns.map(() => null) : this.device.rowsOf(table).get(rid)?.values ?? [])];
      table.key.forEach((column, i) => { values[column] = keyValues[i] ?? null; });
      for (const pair of set) values[Number(pair[0])] = references.has(Number(pair[0])) ? real(pair.at(-1), SITES.name) : decodeValue(pair.at(-1)) as FeedValue;
      this.put(table, values);
    }
    return true;
  }
}

/** What an app must see: the server's rows as of each table's last commit, and over them the edits that no commit has confirmed. */
class Model {
  readonly committed = new Map<Table, Map<string, FeedValue[]>>();
  edits: Edit[] = [];
  known = 0;
  acked = 0;
  refused = new Set<number>();
  /** Keys that the server has given to new rows. */
  given: { readonly seq: number; readonly temporary: bigint; readonly key: bigint }[] = [];

  visible(table: Table): Map<string, FeedValue[]> {
    const rows = new Map([...(this.committed.get(table) ?? [])].map(([key, values]) => [key, [...values]]));
    for (const edit of this.edits) {
      if (edit.table !== table || !edit.shown) continue;
      const there = rows.get(edit.key);
      if (edit.op === 'delete') rows.delete(edit.key);
      else if (!there) rows.set(edit.key, [...edit.values]);
      else for (const i of edit.op === 'insert' ? table.columns.keys() : edit.columns) there[i] = edit.values[i] ?? null;
    }
    return rows;
  }
}

type Draw = readonly [action: number, a: number, b: number, c: number];

class Run {
  readonly device = new EditDevice();
  readonly server = new Server(this.device);
  readonly model = new Model();
  #backup = this.server.save();
  #newest = 0;

  async begin(): Promise<void> {
    for (const id of ['a', 'b', 'c']) this.server.put(JOBS, [id, `job ${id}`, 1n]);
    for (const id of [1n, 2n]) this.server.put(SITES, [id, `site ${id}`, null]);
    this.server.put(PARTS, ['p', 1n, 1n, 1.5, null]);
    await this.device.download(...TABLES);
    for (const table of TABLES) this.#committed(table);
    this.#backup = this.server.save();
  }

  #committed(table: Table): void {
    this.model.committed.set(table, byKey([...this.device.rowsOf(table).values()].map(({ values }) => values), table));
  }

  async act([action, a, b, c]: Draw): Promise<void> {
    switch (action) {
      case 0: case 1: case 2: case 3: return this.#write(a, b, c);
      case 4: return this.#others(a, b, c);
      case 5: case 6: return this.#sync(a, b % 4 !== 0);
      case 7: case 8: return this.#commit(a);
      case 9: return this.#again(a);
      case 10: return this.device.restart();
      case 11: this.#backup = b % 2 === 0 ? this.server.save() : this.#backup; return undefined;
      default: if (b % 3 === 0) this.#restore();
    }
  }

  #write(a: number, b: number, c: number): void {
    const table = TABLES[a % 3] ?? JOBS;
    const rows = [...this.model.visible(table).values()];
    const row = rows[b % Math.max(1, rows.length)];
    const what = c % 5;
    if (what < 2 || !row) return this.#insert(table, b, c);
    const where = table.key.map((i) => `"${table.columns[i]?.name}" = ?`).join(' AND ');
    const key = table.key.map((i) => row[i] ?? null) as (string | bigint)[];
    const name = `"${table.name.replaceAll('"', '""')}"`;
    if (what === 4) {
      this.device.app.prepare(`DELETE FROM ${name} WHERE ${where}`).run(...key);
      return this.#edited({ table, op: 'delete', key: keyText(table, row), values: [...row], columns: [] });
    }
    const [column, value] = table === PARTS ? [3, b % 7 + 0.5] : table === SITES ? (b % 2 === 0 ? [1, `name ${c}`] : [2, this.#site(b)]) : [1 + (b % 2), `value ${c % 11}`];
    if (row[Number(column)] === value) return undefined;
    this.device.app.prepare(`UPDATE ${name} SET "${table.columns[Number(column)]?.name}" = ? WHERE ${where}`).run(value as string, ...key);
    const values = [...row];
    values[Number(column)] = value ?? null;
    this.#edited({ table, op: 'update', key: keyText(table, row), values, columns: [Number(column)] });
  }

  #site(b: number): bigint | null {
    const sites = [...this.model.visible(SITES).values()];
    return (sites[b % Math.max(1, sites.length)]?.[0] as bigint | undefined) ?? null;
  }

  #insert(table: Table, b: number, c: number): void {
    const name = `"${table.name.replaceAll('"', '""')}"`;
    const values: FeedValue[] = table === JOBS ? [String.fromCharCode(97 + (b % 8)), `new ${c}`, null] : table === PARTS ? ['p', BigInt(b % 6), this.#site(c), null, null] : [null, `new ${c}`, this.#site(b)];
    const there = this.model.visible(table).get(keyText(table, values));
    const replaces = c % 2 === 0;
    if (there && (!replaces || table.columns.every((_, i) => there[i] === values[i] || table.computed?.includes(i)))) return undefined;
    this.device.app.prepare(`INSERT ${replaces ? 'OR REPLACE ' : ''}INTO ${name} VALUES(NULL, NULL, ${values.map(() => '?').join(', ')})`).run(...(values as string[]));
    if (table === SITES) values[0] = BigInt(Number(this.device.query(`SELECT id FROM ${name} WHERE _rid = (SELECT -max(id) FROM _carryon_log WHERE op = 'insert')`)[0]?.['id']));
    if (there && table.computed) for (const i of table.computed) values[i] = there[i] ?? null;
    this.#edited({ table, op: there ? 'update' : 'insert', key: keyText(table, values), values, columns: there ? [...table.columns.keys()].filter((i) => there[i] !== values[i]) : [] });
  }

  #edited(edit: Omit<Edit, 'seq' | 'shown' | 'isTold'>): void {
    this.model.edits.push({ ...edit, seq: undefined, shown: true, isTold: false });
  }

  #others(a: number, b: number, c: number): void {
    const table = TABLES[a % 3] ?? JOBS;
    const keys = [...this.device.rowsOf(table).values()].map(({ values }) => values);
    const row = keys[b % Math.max(1, keys.length)];
    if (row && c % 3 === 0) return this.server.remove(table, keyText(table, row));
    if (row && c % 3 === 1) {
      const values = [...row];
      values[1 + (table === PARTS ? 2 : 0)] = table === PARTS ? c + 0.25 : `other ${c}`;
      // Now and then under another row id, as after a delete and an insert.
      if (c % 2 === 0) this.server.remove(table, keyText(table, row));
      return this.server.put(table, values);
    }
    if (table === JOBS) this.server.put(JOBS, [String.fromCharCode(97 + (b % 8)), `theirs ${c}`, 5n]);
  }

  async #sync(a: number, isAnswered: boolean): Promise<void> {
    const push = await this.device.push({ changes: 1 + (a % 7), bytes: 100_000 });
    const seqs = this.device.query("SELECT seq FROM _carryon_log WHERE op IS NOT NULL AND id > ? ORDER BY id", this.#newest).map(({ seq }) => Number(seq));
    const loose = this.model.edits.filter(({ seq }) => seq === undefined);
    expect(seqs).toHaveLength(loose.length);
    loose.forEach((edit, i) => { edit.seq = seqs[i]; });
    this.#newest = Number(this.device.query('SELECT max(id) AS id FROM _carryon_log')[0]?.['id']);
    if (!push) return undefined;
    const answer = this.server.take(push, (seq) => (seq * 7 + a) % 5 === 0);
    if (isAnswered) await this.#learn(answer);
  }

  async #learn({ last, outcomes }: { readonly last: number; readonly outcomes: readonly Outcome[] }): Promise<void> {
    await this.device.take(last, ...outcomes);
    const { model } = this;
    if (last < model.known) this.#forgotten(last);
    for (const { seq, keys = [], refused } of outcomes) {
      if (seq <= model.known) continue;
      if (refused) model.refused.add(seq);
      for (const { temporary, key } of keys) {
        const given = { seq, temporary: BigInt(Number(temporary)), key: BigInt(Number(key)) };
        model.given.push(given);
        this.#rekey(given.temporary, given.key);
      }
    }
    for (const edit of model.edits) if ((edit.seq ?? Infinity) <= last) edit.isTold = true;
    model.known = last;
  }

  /** The server lacks what came after this. */
  #forgotten(last: number): void {
    const { model } = this;
    for (const edit of model.edits) if ((edit.seq ?? 0) > last && !model.refused.has(edit.seq ?? 0)) [edit.shown, edit.isTold] = [true, false];
    // New rows are made again, under keys that nobody knows yet.
    for (const { temporary, key } of model.given.filter(({ seq }) => seq > last && seq <= model.known)) this.#rekey(key, temporary, last);
    model.given = model.given.filter(({ seq }) => seq <= last);
    [model.known, model.acked] = [last, Math.min(last, model.acked)];
  }

  #rekey(from: bigint, to: bigint, after = 0): void {
    for (const edit of this.model.edits.filter(({ seq = Infinity }) => seq > after)) {
      const columns = edit.table === SITES ? [0, 2] : edit.table === PARTS ? [2] : [];
      for (const i of columns) if (edit.values[i] === from) edit.values[i] = to;
      edit.key = keyText(edit.table, edit.values);
    }
  }

  async #commit(a: number): Promise<void> {
    const tables = a % 3 === 0 ? TABLES : TABLES.filter((_, i) => (a >> i) % 2 === 1);
    if (tables.length === 0) return;
    const { differing } = await this.device.commit(this.server.last, ...tables);
    expect(differing).toEqual([]);
    await this.#confirm(tables);
  }

  async #again(a: number): Promise<void> {
    const table = TABLES[a % 3] ?? JOBS;
    await this.device.store.perform({ kind: 'forget', tables: [table.id], packs: [] }, 1);
    await this.device.plan(table);
    expect((await this.device.commit(this.server.last, table)).differing).toEqual([]);
    await this.#confirm([table]);
  }

  async #confirm(tables: readonly Table[]): Promise<void> {
    if (this.server.last < this.model.acked && this.server.last < this.model.known) this.#forgotten(this.server.last);
    this.model.acked = this.server.last;
    for (const table of tables) this.#committed(table);
    for (const edit of this.model.edits) if (tables.includes(edit.table) && (edit.seq ?? Infinity) <= this.server.last && edit.isTold) edit.shown = false;
    // In doubt the device asks again.
    this.model.known = Math.min(this.model.known, (await this.device.open()).outbox.known);
  }

  #restore(): void {
    // Only a backup that is not newer than what the device knows tells anything new.
    this.#backup();
    this.#backup = this.server.save();
  }

  check(): void {
    for (const table of TABLES) {
      const rows = byKey(this.device.visible(table).map((row: Row) => table.columns.map(({ name }) => {
        const value = row[name] as FeedValue;
        return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
      })), table);
      expect([...rows].sort(), table.name).toEqual([...this.model.visible(table)].sort());
    }
  }

  /** In the end everything is told and confirmed: the device has the server's rows and nothing else. */
  async finish(): Promise<void> {
    for (let i = 0; i < 200; i++) {
      await this.#commit(0);
      await this.#sync(6, true);
      const { made, known } = await this.device.store.open(() => 'x').then(({ outbox }) => outbox);
      if (made === known) break;
    }
    await this.#commit(0);
    this.check();
    const { outbox } = await this.device.open();
    expect([outbox.operations, outbox.loose, outbox.made - outbox.known, outbox.drafts]).toEqual([0, 0, 0, this.model.refused.size]);
    for (const table of TABLES) {
      const rows = this.device.query(`SELECT _rid, _ver FROM "${table.name.replaceAll('"', '""')}" ORDER BY _rid`);
      expect(rows).toEqual([...this.device.rowsOf(table)].sort(([x], [y]) => x - y).map(([rid, { ver }]) => ({ _rid: rid, _ver: ver })));
    }
  }
}

it('D45 D46 D47 D48 the app sees the server\'s rows and over them its unconfirmed edits, whatever comes in which order', async () => {
  const draw = fc.tuple(fc.nat(12), fc.nat(1000), fc.nat(1000), fc.nat(1000));
  await fc.assert(fc.asyncProperty(fc.array(draw, { maxLength: 40, size: 'max' }), async (draws) => {
    const run = new Run();
    try {
      await run.begin();
      for (const one of draws) {
        await run.act(one);
        run.check();
      }
      await run.finish();
    } finally {
      await run.device.end();
    }
  }), { numRuns: RUNS });
}, 120_000 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1));
