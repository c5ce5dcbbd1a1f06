import fc from 'fast-check';
import { digestRows, dropDraft, type FakeRow } from '@carryon/client/testing';
import { decodeValue, toRuns, type Change, type Outcome, type TableSpec } from '@carryon/protocol';
import { expect, it } from 'vitest';
import { column, EditDevice } from '../testing/edit-device.ts';

const RUNS = 60 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);
const NAMES = ['jobs', 'Parts', 'site "A"'] as const;
const COLUMNS = ['title', 'hours', 'more'] as const;
type Values = Record<string, string | null>;
type Rows = Map<string, Values>;

interface Edit { readonly name: string; readonly op: Change['op']; readonly key: string; readonly values: Values; readonly changed: readonly string[]; seq: number | undefined; shown: boolean }
/** A table as the device has it: what an app sees now, what is described, and whether that is to be downloaded. */
interface Table { copy: { spec: TableSpec; rows: Rows; vers: ReadonlySet<number> } | undefined; spec: TableSpec; load: 'none' | 'indexed'; lost: boolean }

const formOf = ({ id, columns }: TableSpec): string => JSON.stringify([id, columns]);
const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const namesOf = ({ columns }: TableSpec): string[] => columns.map(({ name }) => name);

/** A device against a server in a few lines, whose tables for this person change at any time. */
class Run {
  readonly device = new EditDevice();
  readonly server = new Map<string, Map<string, { readonly rid: number; readonly ver: number; readonly values: Values }>>(NAMES.map((name) => [name, new Map()]));
  told: TableSpec[] = [];
  readonly tables = new Map<string, Table>();
  readonly edits: Edit[] = [];
  readonly states = new Map<number, 'accepted' | 'refused' | 'dropped'>();
  known = 0;
  outcomes: Outcome[] = [];
  #serial = 0;
  #ids = 0;

  async begin(): Promise<void> {
    for (const name of NAMES) for (const key of ['a', 'b']) this.#put(name, key, { title: `${name} ${key}`, hours: '1', more: 'x' });
    await this.device.open();
    await this.#tell(0, 0, 0);
    await this.#load(true);
  }

  #put(name: string, key: string, values: Values): void {
    const there = this.server.get(name)?.get(key);
    this.server.get(name)?.set(key, { rid: there?.rid ?? ++this.#serial, ver: ++this.#serial, values: { ...there?.values, ...values } });
  }

  async act([action, a, b, c]: readonly [number, number, number, number]): Promise<void> {
    const name = NAMES[a % 3] ?? 'jobs';
    const key = 'abcd'[b % 4] ?? 'a';
    switch (action) {
      case 0: case 1: case 2: this.#write(name, key, c); break;
      case 3: if (c % 3 === 0) this.server.get(name)?.delete(key); else this.#put(name, key, { [COLUMNS[c % 3] ?? 'title']: `theirs ${c}` }); break;
      case 4: case 5: await this.#tell(a, b, c); break;
      case 6: await this.#load(b % 3 > 0); break;
      case 7: case 8: await this.#commit(); break;
      case 9: case 10: await this.#sync(c); break;
      case 11: await this.device.restart(); break;
      default: await this.#drop(b);
    }
    this.check();
  }

  /** The person has other tables, or others of their columns, rights or numbers. */
  async #tell(a: number, b: number, c: number): Promise<void> {
    const specs = NAMES.flatMap((name, i): TableSpec[] => {
      if (((a >> i) % 4) === 3) return [];
      const was = this.told.find((table) => table.name === name);
      const chosen = COLUMNS.filter((_, k) => ((b >> (i + k)) % 4) !== 3);
      const columns = (c + i) % 3 === 0 || !was ? ['id', ...(chosen.length > 0 ? chosen : COLUMNS)].map((one) => column(one, 'TEXT')) : was.columns;
      const id = was && (c + i) % 5 > 0 ? was.id : ++this.#ids;
      return [{ id, name, columns, key: [0], level: i % 2, ...((b + i) % 3 === 0 ? {} : { rights: ['create', 'update', 'delete'] }), ...(c % 2 === 0 ? { conflicts: 'detect' } : {}) }];
    });
    this.told = specs;
    const forget = [...this.tables.values()].filter(({ load, spec }) => load !== 'none' && !specs.some((one) => one.name === spec.name && formOf(one) === formOf(spec))).map(({ spec }) => spec.id);
    await this.device.tell(specs, forget);
    if (c % 4 === 0) await this.device.tell(specs);
    for (const [name, table] of [...this.tables]) if (!specs.some((one) => one.name === name)) this.#giveUp(name, table);
    for (const spec of specs) this.tables.set(spec.name, this.#retold(spec, this.tables.get(spec.name)));
  }

  #giveUp(name: string, { copy }: Table): void {
    this.tables.delete(name);
    if (copy) for (const edit of this.edits) if (edit.name === name && this.states.has(edit.seq ?? 0)) edit.shown = false;
  }

  #retold(spec: TableSpec, was: Table | undefined): Table {
    if (!was) return { copy: undefined, spec, load: 'none', lost: false };
    const isSame = JSON.stringify(was.spec.columns) === JSON.stringify(spec.columns);
    if (was.copy && !isSame) return { copy: was.copy, spec: { ...was.spec, id: spec.id }, load: 'none', lost: true };
    const isThat = was.copy !== undefined && JSON.stringify(was.copy.spec.columns) === JSON.stringify(spec.columns);
    const isSoft = JSON.stringify([was.spec.rights, was.spec.conflicts]) !== JSON.stringify([spec.rights, spec.conflicts]);
    const isMoved = was.spec.id !== spec.id || !isSame;
    return { load: isMoved ? 'none' : was.load, lost: was.lost || (isMoved && was.copy !== undefined), spec, copy: was.copy && isThat && isSoft ? { ...was.copy, spec } : was.copy };
  }

  /** What the device lacks is planned, and committed or not. */
  async #load(isCommitted: boolean): Promise<void> {
    const absent = [...this.tables.values()].filter(({ copy, load, lost }) => load === 'none' && (!copy || lost)).map(({ spec }) => this.told.find(({ name }) => name === spec.name) ?? spec);
    if (absent.length > 0) await this.device.store.perform({ kind: 'plan', tables: absent, packs: [], token: 't', epoch: 'e', user: 'mia' }, 1);
    for (const spec of absent) this.tables.set(spec.name, { copy: this.tables.get(spec.name)?.copy, spec, load: 'indexed', lost: false });
    for (const table of (await this.device.open()).tables) if (table.load === 'filling') await this.device.store.perform({ kind: 'index', table }, 1);
    if (isCommitted) await this.#commit();
  }

  /** All tables that can take rows become as the server's. */
  async #commit(): Promise<void> {
    const ready = [...this.tables.values()].filter(({ copy, load, lost }) => load === 'indexed' || (copy && !lost));
    // What the device has is not sent again.
    const news = ({ spec, copy, load }: Table) => this.#rows(spec).filter(({ ver }) => load !== 'none' || copy?.vers.has(ver) !== true);
    const puts = new Map(ready.map((table) => [table.spec.id, news(table).map(({ rid, ver, values }) => [BigInt(rid), BigInt(ver), ...values])]));
    const lives = new Map(ready.map(({ spec }) => [spec.id, toRuns(this.#rows(spec).map(({ rid }) => rid))]));
    const tables = ready.map(({ spec }) => ({ table: spec.id, ...digestRows(new Map(this.#rows(spec).map(({ rid, ver, values }): [number, FakeRow] => [rid, { ver, values }]))) }));
    const segment = { puts, lives, removes: new Map(), rows: 1, token: 't', commit: { checkpoint: 1, token: 't', tables, ack: this.known } };
    expect((await this.device.store.perform({ kind: 'segment', segment, tables: (await this.device.open()).tables }, 1)).differing).toEqual([]);
    for (const table of ready) {
      const rows: Rows = new Map([...this.server.get(table.spec.name) ?? []].map(([key, { values }]) => [key, Object.fromEntries(namesOf(table.spec).map((one) => [one, one === 'id' ? key : values[one] ?? null]))]));
      this.tables.set(table.spec.name, { copy: { spec: table.load === 'none' && table.copy ? table.copy.spec : table.spec, rows, vers: new Set(this.#rows(table.spec).map(({ ver }) => ver)) }, spec: table.spec, load: 'none', lost: false });
      for (const edit of this.edits) if (edit.name === table.spec.name && this.states.has(edit.seq ?? 0)) edit.shown = false;
    }
  }

  #rows(spec: TableSpec): { readonly rid: number; readonly ver: number; readonly values: (string | null)[] }[] {
    const rows = [...this.server.get(spec.name) ?? []].sort(([, x], [, y]) => x.rid - y.rid);
    return rows.map(([key, { rid, ver, values }]) => ({ rid, ver, values: namesOf(spec).map((one) => (one === 'id' ? key : values[one] ?? null)) }));
  }

  #write(name: string, key: string, c: number): void {
    const table = this.tables.get(name)?.copy;
    const shown = this.visible(name);
    if (!shown) return;
    const row = shown.get(key);
    const set = table ? namesOf(table.spec).filter((one, i) => i > 0 && (c >> i) % 2 === 0) : [];
    const run = (sql: string, ...values: (string | null)[]): void => void this.device.app.prepare(sql).run(...values);
    const [op, write]: [Change['op'], () => void] = !row ? ['insert', () => run(`INSERT INTO ${quote(name)}(id${set.map((one) => `, ${one}`).join('')}) VALUES(?${', ?'.repeat(set.length)})`, key, ...set.map((one) => `${one} ${c}`))]
      : c % 4 === 0 ? ['delete', () => run(`DELETE FROM ${quote(name)} WHERE id = ?`, key)] : ['update', () => run(`UPDATE ${quote(name)} SET ${set.map((one) => `${one} = ?`).join(', ')} WHERE id = ?`, ...set.map((one) => `${one} ${c}`), key)];
    if (op === 'update' && (set.length === 0 || set.every((one) => row?.[one] === `${one} ${c}`))) return;
    if (!table?.spec.rights) return expect(write).toThrow(/carryon (write\.forbidden|write\.unknown)/);
    write();
    const values: Values = { ...(row ?? Object.fromEntries(namesOf(table.spec).map((one) => [one, null]))), id: key, ...Object.fromEntries(set.map((one) => [one, `${one} ${c}`])) };
    this.edits.push({ name, op, key, values: op === 'delete' ? { ...row } : values, changed: set.filter((one) => row?.[one] !== values[one]), seq: undefined, shown: true });
  }

  /** Edits go up; the answer comes, or is lost. */
  async #sync(c: number): Promise<void> {
    const push = await this.device.push();
    const seqs = this.device.query('SELECT seq FROM _carryon_log WHERE op IS NOT NULL ORDER BY id').map(({ seq }) => Number(seq));
    const alive = this.edits.filter(({ seq }) => this.states.get(seq ?? 0) !== 'dropped');
    expect(alive.length).toBe(seqs.length);
    alive.forEach((edit, i) => { edit.seq = seqs[i]; });
    if (!push) return;
    for (const { seq, changes } of push.changesets) {
      if (this.outcomes.length < seq) this.outcomes[seq - 1] = this.#judge(push.tables, seq, changes, c);
    }
    if (c % 3 === 0) return;
    await this.device.take(this.outcomes.length, ...this.outcomes.filter(({ refused, seq }) => refused && seq > this.known));
    for (const { seq, refused } of this.outcomes.slice(this.known)) this.states.set(seq, refused ? 'refused' : 'accepted');
    this.known = this.outcomes.length;
    // No commit will tell of a table that is not the person's.
    for (const edit of this.edits) if ((edit.seq ?? Infinity) <= this.known && !this.tables.has(edit.name)) edit.shown = false;
  }

  /** A changeset is refused by chance, and where table, column or row are not the person's. */
  #judge(pushed: readonly { readonly name: string; readonly columns: readonly string[] }[], seq: number, changes: readonly Change[], c: number): Outcome {
    const no = { seq, refused: { code: 'write.rejected', message: 'no', change: 0, error: '' } };
    const isBad = ({ op, table: at, key, set = [] }: Change): boolean => {
      const spec = this.told.find(({ name }) => name === pushed[at]?.name);
      if (!spec || set.some(([i]) => !namesOf(spec).includes(pushed[at]?.columns[Number(i)] ?? ''))) return true;
      const isThere = this.server.get(spec.name)?.has(String(key[0])) === true;
      return op === 'insert' ? isThere : op === 'update' && !isThere;
    };
    if ((seq + c) % 4 === 0 || changes.some((change, i) => isBad(change) && !changes.slice(0, i).some(({ key, table }) => key[0] === change.key[0] && table === change.table))) return no;
    for (const { op, table: at, key, set = [] } of changes) {
      const [name = '', id = ''] = [pushed[at]?.name, String(key[0])];
      if (op === 'delete') this.server.get(name)?.delete(id);
      else this.#put(name, id, Object.fromEntries(set.map((one) => [pushed[at]?.columns[Number(one[0])] ?? '', decodeValue(one.at(-1)) as string])));
    }
    return { seq };
  }

  async #drop(b: number): Promise<void> {
    const drafts = [...this.states].filter(([seq, state]) => state === 'refused' && this.edits.some((edit) => edit.seq === seq)).map(([seq]) => seq);
    const seq = drafts[b % Math.max(1, drafts.length)];
    if (seq === undefined) return;
    await dropDraft(this.device.db, seq);
    this.states.set(seq, 'dropped');
    for (const edit of this.edits) if (edit.seq === seq) edit.shown = false;
  }

  /** What an app must see of a table; undefined: there is none of its name. */
  visible(name: string): Rows | undefined {
    const copy = this.tables.get(name)?.copy;
    const edits = this.edits.filter((edit) => edit.name === name);
    const rows: Rows = new Map([...copy?.rows ?? []].map(([key, values]) => [key, { ...values }]));
    const columns = copy ? namesOf(copy.spec) : this.leftColumns.get(name) ?? [];
    const add = ({ key, values }: Edit): void => void rows.set(key, Object.fromEntries(columns.map((one) => [one, values[one] ?? null])));
    for (const edit of edits.filter(({ shown }) => shown)) {
      const there = rows.get(edit.key);
      if (edit.op === 'delete') rows.delete(edit.key);
      else if (!there) add(edit);
      else for (const one of edit.op === 'insert' ? columns : edit.changed) if (one in there && one in edit.values) there[one] = edit.values[one] ?? null;
    }
    return copy || rows.size > 0 ? rows : undefined;
  }

  /** The columns that a table had when it was given up. */
  get leftColumns(): Map<string, string[]> {
    const left = this.device.query('SELECT name, spec FROM _carryon_form WHERE current');
    return new Map(left.map(({ name, spec }) => [String(name), namesOf(JSON.parse(String(spec)) as TableSpec)]));
  }

  check(): void {
    for (const name of NAMES) {
      const expected = this.visible(name);
      const isThere = this.device.query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", name).length > 0;
      expect(isThere, name).toBe(expected !== undefined);
      if (!expected) continue;
      const rows = this.device.query(`SELECT * FROM ${quote(name)} ORDER BY id`).map(({ _rid, _ver, ...row }) => row);
      expect(rows, name).toEqual([...expected].sort(([x], [y]) => (x < y ? -1 : 1)).map(([, values]) => values));
    }
  }
}

it('D45 D67 D68 D69 D70 D72 whatever tables the server tells of, with edits at any stage, an app sees the server\'s rows and over them what is unsettled', async () => {
  const draw = fc.tuple(fc.nat(12), fc.nat(63), fc.nat(63), fc.nat(120));
  await fc.assert(fc.asyncProperty(fc.array(draw, { maxLength: 40, size: 'max' }), async (draws) => {
    const run = new Run();
    try {
      await run.begin();
      for (const one of draws) await run.act(one);
    } finally {
      await run.device.end();
    }
  }), { numRuns: RUNS });
}, 120_000 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1));
