import { describe, expect, it } from 'vitest';
import type { Attributes } from '../../../core/attributes.ts';
import type { Config, SyncedTable } from '../../../core/config.ts';
import type { Rule, RuleNode } from '../../../core/rule.ts';
import { compiler } from '../../../testing/compiler.ts';
import { Database } from '../driver.ts';
import { ShareSql } from './share.ts';

const NOBODY: Attributes = { user: [], teams: [], unit: [], units: [], profiles: [] };
const ANN: Attributes = { ...NOBODY, user: ['ann'], teams: ['7', "o'x"], unit: ['2'], units: ['2', '3'], profiles: ['A'] };

const column = (name: string): SyncedTable['columns'][number] => ({ name, type: '', collation: 'BINARY' });
const table = (id: number, name: string, columns: readonly string[], key = [0]): SyncedTable => ({ id, name, columns: columns.map(column), key, level: 5, hidden: [] });
const node = (id: number, of: number, rule: Rule): RuleNode => ({ id, table: of, text: '', rule, uses: [] });

/** The first columns of the rows that each node gives, by node. */
function those(sql: string, tables: readonly SyncedTable[], nodes: readonly RuleNode[], attributes = ANN): Record<number, unknown[]> {
  const config: Config = { tables, nodes, profiles: [], unions: {}, people: {}, timeZone: 'UTC' };
  const db = new Database(':memory:');
  try {
    db.exec(sql);
    return Object.fromEntries(nodes.map(({ id, table: of }) => {
      const name = tables.find((one) => one.id === of)?.name.replaceAll('"', '""') ?? '';
      const [one, many] = [false, true].map((forMany) => {
        const condition = new ShareSql(config, attributes, 0, forMany).of(id, 'r');
        return [...db.exact(`SELECT r.* FROM "${name}" r WHERE ${condition.sql} ORDER BY rowid`, ...condition.values)].map(([key]) => (typeof key === 'bigint' ? Number(key) : key));
      });
      expect(many).toEqual(one);
      return [id, one ?? []];
    }));
  } finally {
    db.close();
  }
}

describe('rules as SQL over the business tables', () => {
  it('R6 give what is the person\'s, their teams\', their unit\'s, and nothing to whom has none', () => {
    const sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, who TEXT COLLATE NOCASE, team, unit); INSERT INTO t VALUES(1, 'ann', 7, 1), (2, 'Ann', '7', 2), (3, NULL, 'o''x', '3'), (4, x'616e6e', 7.0, NULL)";
    const tables = [table(1, 't', ['id', 'who', 'team', 'unit'])];
    const nodes = [node(1, 1, { kind: 'mine', column: 'who', attribute: 'user' }), node(2, 1, { kind: 'mine', column: 'team', attribute: 'teams' }), node(3, 1, { kind: 'mine', column: 'unit', attribute: 'unit' }), node(4, 1, { kind: 'mine', column: 'unit', attribute: 'units' })];
    expect(those(sql, tables, nodes)).toEqual({ 1: [1, 4], 2: [1, 2, 3], 3: [2], 4: [2, 3] });
    expect(those(sql, tables, nodes, NOBODY)).toEqual({ 1: [], 2: [], 3: [], 4: [] });
  });

  const CHAIN = `CREATE TABLE customer(id INTEGER PRIMARY KEY, owner); CREATE TABLE "order"(id INTEGER PRIMARY KEY, customer, product); CREATE TABLE product(id TEXT PRIMARY KEY COLLATE NOCASE);
    CREATE TABLE tag(id INTEGER PRIMARY KEY); CREATE TABLE tagged(tag, product, PRIMARY KEY(tag, product));
    INSERT INTO customer VALUES(1, 'ann'), (2, 'bob'); INSERT INTO "order" VALUES(1, 1, 'P'), (2, '1', 'q'), (3, 2, 'R'), (4, NULL, 'p'), (5, 99, 's');
    INSERT INTO product VALUES('p'), ('q'), ('r'), ('s'), (NULL); INSERT INTO tag VALUES(1), (2), (3), (4); INSERT INTO tagged VALUES(1, 'p'), (1, 'r'), (2, 'r'), (3, 'Q'), (NULL, 'p'), (4, NULL);`;
  const TABLES = [table(1, 'customer', ['id', 'owner']), table(2, 'order', ['id', 'customer', 'product']), table(3, 'product', ['id']), table(4, 'tag', ['id']), table(5, 'tagged', ['tag', 'product'], [0, 1])];
  const NODES = [
    node(1, 1, { kind: 'mine', column: 'owner', attribute: 'user' }), node(2, 2, { kind: 'child', node: 1, by: ['customer'] }), node(3, 3, { kind: 'parent', node: 2, by: ['product'] }),
    node(4, 4, { kind: 'linked', node: 3, through: 5, by: ['tag'], to: ['product'] }),
    node(5, 4, { kind: 'all', of: [{ kind: 'same', node: 4 }, { kind: 'filter', filter: { op: 'compare', column: 'id', by: 'gt', value: 1 } }] }),
    node(6, 4, { kind: 'any', of: [{ kind: 'all', of: [{ kind: 'holds', profile: 'A' }, { kind: 'same', node: 5 }] }, { kind: 'all', of: [{ kind: 'holds', profile: 'B' }, { kind: 'same', node: 4 }] }] }),
    node(7, 4, { kind: 'any', of: [] }), node(8, 4, { kind: 'all', of: [] }),
  ];

  it('R6 follow relations of every kind, several deep, and combine them', () => {
    expect(those(CHAIN, TABLES, NODES)).toEqual({ 1: [1], 2: [1, 2], 3: ['p', 'q'], 4: [1, 3], 5: [3], 6: [3], 7: [], 8: [1, 2, 3, 4] });
  });

  it('R7 find nothing over rows with a NULL in their key, and no such rows', () => {
    const rest = "INSERT INTO customer SELECT 3, 'ann'; DELETE FROM tagged; INSERT INTO tagged VALUES(2, NULL), (NULL, 'p')";
    const linkedToAll: readonly RuleNode[] = [node(1, 3, { kind: 'every' }), node(2, 4, { kind: 'linked', node: 1, through: 5, by: ['tag'], to: ['product'] })];
    expect(those(`${CHAIN}; ${rest}`, TABLES, linkedToAll)).toEqual({ 1: ['p', 'q', 'r', 's'], 2: [] });
    // The link rows' key has another column, which is NULL; both that the relation reads are filled.
    const wide = [...TABLES.slice(0, 4), table(5, 'tagged', ['tag', 'product', 'n'], [2])];
    const links = "CREATE TABLE tag(id INTEGER PRIMARY KEY); CREATE TABLE product(id TEXT PRIMARY KEY); CREATE TABLE tagged(tag, product, n UNIQUE); INSERT INTO tag VALUES(1), (2); INSERT INTO product VALUES('p'); INSERT INTO tagged VALUES(1, 'p', NULL), (2, 'p', 1)";
    expect(those(links, wide, linkedToAll)).toEqual({ 1: ['p'], 2: [2] });
  });

  it('R9 work with any names and any people', () => {
    const name = `t"'; DROP TABLE t; --`;
    const columns = ['id', 'k"', "o'", '?'];
    const quoted = columns.map((one) => `"${one.replaceAll('"', '""')}"`);
    const sql = `CREATE TABLE "${name.replaceAll('"', '""')}"(${quoted.join(', ')}, PRIMARY KEY(${quoted[0]}, ${quoted[1]})); INSERT INTO "${name.replaceAll('"', '""')}" VALUES(1, 1, 'o''x', NULL), (2, 1, '7', 1)`;
    const tables = [table(1, name, columns, [0, 1])];
    const nodes = [node(1, 1, { kind: 'mine', column: "o'", attribute: 'teams' }), node(2, 1, { kind: 'child', node: 1, by: ['?', 'k"'] }), node(3, 1, { kind: 'parent', node: 2, by: ['?', 'k"'] })];
    expect(those(sql, tables, nodes)).toEqual({ 1: [1, 2], 2: [2], 3: [1] });
    for (const evil of ["' OR 1=1 --", '"]', '[', '\\', '"a","b"', 'null', '%']) expect(those(sql, tables, nodes.slice(0, 1), { ...NOBODY, teams: [evil] })).toEqual({ 1: [] });
  });

  it('R8 look up one row by indexes, and read what many rows refer to once', () => {
    const db = new Database(':memory:');
    db.exec(`${CHAIN}; CREATE INDEX order_product ON "order"(product COLLATE NOCASE)`);
    const config: Config = { tables: TABLES, nodes: NODES, profiles: [], unions: {}, people: {}, timeZone: 'UTC' };
    const planOf = (forMany: boolean, key: string): string => {
      const condition = new ShareSql(config, ANN, 0, forMany).of(3, 'r');
      return db.all<{ detail: string }>(`EXPLAIN QUERY PLAN SELECT ${condition.sql} FROM product r WHERE ${key}`, ...condition.values).map(({ detail }) => detail).join('\n');
    };
    expect(planOf(false, "r.id = 'p'")).not.toMatch(/^SCAN (?!json_each)/m);
    expect(planOf(true, '1')).toMatch(/LIST SUBQUERY/);
    db.close();
  });

  it('R16 are taken by SQLite however many values and levels the compiler lets them have', () => {
    const schema = `CREATE TABLE r0(id INTEGER PRIMARY KEY, up, a, b); ${Array.from({ length: 16 }, (_, i) => `CREATE TABLE r${i + 1}(id INTEGER PRIMARY KEY, up REFERENCES r${i}, a, b);`).join(' ')}
      CREATE TABLE links(one, other, PRIMARY KEY(one, other));`;
    const { compileTables } = compiler(schema);
    const clauses = Array.from({ length: 290 }, (_, i) => `a ne ${i}`).join(' and ');
    const parts = [{ own: 'a' }, { own: 'b' }, { filter: 'a gt 1' }];
    const nested = (levels: number, last: object): object => (levels === 0 ? last : { [levels % 2 === 0 ? 'any' : 'all']: [nested(levels - 1, last), ...parts] });
    const chain = (length: number, rowsOf: (above: object) => object): object =>
      Object.fromEntries(Array.from({ length }, (_, i) => [`r${i}`, { rows: i === 0 ? { own: 'a' } : rowsOf({ childOf: `r${i - 1}` }) }]));
    const parents = (levels: number, length: number): object =>
      Object.fromEntries(Array.from({ length }, (_, i) => [`r${i}`, { rows: i === length - 1 ? { own: 'a' } : nested(levels, { parentOf: `r${i + 1}` }) }]));
    const linked = (length: number): object =>
      Object.fromEntries(Array.from({ length }, (_, i) => [`r${i}`, { rows: i === 0 ? { own: 'a' } : { linkedTo: `r${i - 1}`, through: 'links', by: 'one', to: 'other' } }]));
    const db = new Database(':memory:');
    db.exec(schema);
    for (const tables of [
      chain(17, (above) => ({ all: [above, { filter: clauses }] })), chain(17, (above) => ({ any: [above, { own: 'b' }] })), chain(12, (above) => nested(3, above)), chain(7, (above) => nested(12, above)),
      parents(0, 17), parents(3, 12), linked(10),
    ]) {
      const config = compileTables(tables);
      const node = config.nodes.at(-1);
      const name = config.tables.find(({ id }) => id === node?.table)?.name ?? '';
      for (const forMany of [false, true]) {
        const [sees, allows] = [1, 2].map(() => new ShareSql(config, ANN, 0, forMany).of(node?.id ?? 0, 'r'));
        expect(db.all(`SELECT ${sees?.sql}, ${allows?.sql} FROM ${name} r`, ...(sees?.values ?? []), ...(allows?.values ?? [])), name).toEqual([]);
      }
    }
    db.close();
  });
});
