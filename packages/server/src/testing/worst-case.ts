import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { quoteName } from '@carryon/protocol';
import { WORST_CASE_TABLES, WORST_EXPRESSIONS, WORST_VALUES } from './worst-case-data.ts';

export { mutateWorstCase } from './worst-case-changes.ts';
export { WORST_CASE_TABLES } from './worst-case-data.ts';

export const WIDE_COLUMNS = 200;
export const MANY_ROWS = 5000;

/** The profile that syncs all of it, as JSON. */
export function worstCaseProfile(): unknown {
  return { version: 1, name: 'Worst case', tables: Object.fromEntries(WORST_CASE_TABLES.map(({ name, priority }) => [name, { rows: 'all', priority }])) };
}

const SCHEMA = `
  CREATE TABLE plain(id INTEGER PRIMARY KEY, name TEXT, big INTEGER, amount REAL, note);
  CREATE TABLE numbered(id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT);
  CREATE TABLE "text key"(code TEXT PRIMARY KEY, v);
  CREATE TABLE composite(region TEXT, number INTEGER, v TEXT, PRIMARY KEY(region, number));
  CREATE TABLE without_rowid(a TEXT, b BLOB, v, PRIMARY KEY(a, b)) WITHOUT ROWID;
  CREATE TABLE strict_any(id INTEGER PRIMARY KEY, x ANY, t TEXT, r REAL, b BLOB, i INT) STRICT;
  CREATE TABLE strict_any_key(k ANY PRIMARY KEY, v ANY) STRICT;
  CREATE TABLE "select"("from" INTEGER PRIMARY KEY, "group by" TEXT, "order" INTEGER, "we""ird" TEXT, "naïve ☃" TEXT, "semi;colon" TEXT, "-- comment" TEXT, [brackets] TEXT, rowid TEXT);
  CREATE TABLE "Order Details"("Order ID" INTEGER NOT NULL, "Product ID" INTEGER NOT NULL, "Unit Price" DECIMAL(10,2) DEFAULT 0, Discount FLOAT, PRIMARY KEY("Order ID", "Product ID"));
  CREATE TABLE "we""ird"("it's ""key""" TEXT NOT NULL PRIMARY KEY, v, "primary" "strange ""type""");
  CREATE TABLE "Übersicht 表 🚀"("schlüssel" TEXT PRIMARY KEY, "Größe" REAL);
  CREATE TABLE untyped(id INTEGER PRIMARY KEY, v);
  CREATE TABLE typed(id INTEGER PRIMARY KEY, i INTEGER, r REAL, t TEXT, n NUMERIC, b BLOB, d DECIMAL(10,2), s VARCHAR(20), dt DATE, flag BOOLEAN, u UNSIGNED BIG INT, bare);
  CREATE TABLE generated(id INTEGER PRIMARY KEY, price REAL, quantity INTEGER, total REAL GENERATED ALWAYS AS (price * quantity) VIRTUAL, label TEXT AS ('#' || quantity) STORED, bare AS (quantity));
  CREATE UNIQUE INDEX generated_label ON generated(label);
  CREATE TABLE parents(id INTEGER PRIMARY KEY, name TEXT UNIQUE);
  CREATE TABLE children_cascade(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents(id) ON DELETE CASCADE ON UPDATE CASCADE, v);
  CREATE TABLE children_null(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents(id) ON DELETE SET NULL ON UPDATE CASCADE, v);
  CREATE TABLE tree(id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree(id) ON DELETE CASCADE ON UPDATE SET NULL);
  CREATE TABLE nocase_key(code TEXT COLLATE NOCASE PRIMARY KEY, v TEXT COLLATE NOCASE);
  CREATE TABLE rtrim_key(code TEXT COLLATE RTRIM PRIMARY KEY, v TEXT COLLATE RTRIM) WITHOUT ROWID;
  CREATE TABLE many_uniques(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, tenant INTEGER, login TEXT, email TEXT, main INTEGER, UNIQUE(tenant, login));
  CREATE UNIQUE INDEX email_nocase ON many_uniques(email COLLATE NOCASE);
  CREATE UNIQUE INDEX one_main ON many_uniques(main, tenant) WHERE main = 1;
  CREATE UNIQUE INDEX login_lower ON many_uniques(tenant, lower(login || ')') DESC /* , */) WHERE login IS NOT NULL;
  CREATE TABLE unique_only(code TEXT NOT NULL, v, CONSTRAINT only_one UNIQUE(code));
  CREATE TABLE real_key(k REAL PRIMARY KEY, v);
  CREATE TABLE blob_key(k BLOB PRIMARY KEY, v);
  CREATE TABLE untyped_key(k PRIMARY KEY, v);
  CREATE TABLE audit(id INTEGER PRIMARY KEY, what TEXT, old, new);
  CREATE TABLE empty_integer(id INTEGER PRIMARY KEY, v);
  CREATE TABLE empty_text(code TEXT PRIMARY KEY, v);
  CREATE TABLE documents(id INTEGER PRIMARY KEY, body TEXT);
  CREATE VIRTUAL TABLE documents_fts USING fts5(body, content=documents, content_rowid=id);
  CREATE TABLE no_key(a, b);
  CREATE TABLE nullable_unique(code TEXT UNIQUE, v);
  CREATE TABLE reserved(id INTEGER PRIMARY KEY, _rid INTEGER);
  CREATE TABLE wide(id INTEGER PRIMARY KEY, ${Array.from({ length: WIDE_COLUMNS - 1 }, (_, i) => `c${i} ${['TEXT', 'INTEGER', 'REAL', ''][i % 4]}`).join(', ')});
  CREATE TABLE many(id INTEGER PRIMARY KEY, v TEXT, n INTEGER);
  CREATE VIEW overview AS SELECT p.id, p.name, count(c.id) AS children FROM parents p LEFT JOIN children_cascade c ON c.parent = p.id GROUP BY p.id;
  CREATE VIEW broken AS SELECT missing FROM nowhere;
  CREATE TRIGGER audit_plain AFTER UPDATE OF name ON plain BEGIN INSERT INTO audit(what, old, new) VALUES('name', OLD.name, NEW.name); END;
  CREATE TRIGGER audit_parents AFTER DELETE ON parents BEGIN INSERT INTO audit(what, old) VALUES('parent', OLD.name); END;
  CREATE TRIGGER rename_parent INSTEAD OF UPDATE ON overview BEGIN UPDATE parents SET name = NEW.name WHERE id = OLD.id; END;
  CREATE TRIGGER documents_insert AFTER INSERT ON documents BEGIN INSERT INTO documents_fts(rowid, body) VALUES(NEW.id, NEW.body); END;
  CREATE TRIGGER documents_delete AFTER DELETE ON documents BEGIN INSERT INTO documents_fts(documents_fts, rowid, body) VALUES('delete', OLD.id, OLD.body); END;
  CREATE INDEX plain_name ON plain(name);`;

const STRICT_VALUES: readonly (readonly SQLInputValue[])[] = [
  ['text', 1.25, new Uint8Array([1, 0]), 9_223_372_036_854_775_807n], ['', 1e308, new Uint8Array(0), -1n], [null, null, null, null], ['\0', 5e-324, new Uint8Array([255]), 0n],
];

/** Makes the database with its rows. The same on every machine. */
export function createWorstCase(file: string): void {
  const db = new DatabaseSync(file);
  db.exec('BEGIN');
  db.exec(SCHEMA);
  const insert = (table: string, ...values: SQLInputValue[]): void => {
    const columns = db.prepare('SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0').all(table).map((row) => quoteName(String(row['name'])));
    db.prepare(`INSERT INTO ${quoteName(table)}(${columns.slice(0, values.length).join(', ')}) VALUES(${values.map(() => '?').join(', ')})`).run(...values);
  };
  fillKeys(insert);
  fillNames(insert);
  fillValues(db, insert);
  fillRelations(insert);
  fillMany(db, insert);
  db.exec('COMMIT');
  db.close();
}

type Insert = (table: string, ...values: SQLInputValue[]) => void;

/** A distinct value for each position: text keys that sort oddly, ends of ranges, all types. */
function fillKeys(insert: Insert): void {
  for (const id of [-9_223_372_036_854_775_808n, -1n, 0n, 1n, 2n, 9_007_199_254_740_992n, 9_007_199_254_740_993n, 9_223_372_036_854_775_806n]) {
    insert('plain', id, `name ${id}`, id, Number(id % 1000n) + 0.5, id);
  }
  for (const v of ['one', 'two', 'three']) insert('numbered', null, v);
  for (const code of ['', 'a', 'A', 'ä', 'b', 'b ', '10', '9', 'nul\0a', 'nul\0b', '🚀', '\ufffd', null, null]) insert('text key', code, `of ${code}`);
  for (const region of ['north', 'North', '', 'süd']) for (const number of [-1n, 0n, 1n, 9_007_199_254_740_993n]) insert('composite', region, number, `${region}/${number}`);
  insert('composite', null, 1n, 'no region');
  insert('composite', 'text in number', 'twelve', 'wrong type');
  for (const a of ['x', 'X', '']) for (const b of [new Uint8Array(0), new Uint8Array([0]), new Uint8Array([0, 0]), 'text']) insert('without_rowid', a, b, 1n);
  for (const k of [1n, '1', new Uint8Array([49]), 1.5, '1.0', 2n ** 53n + 1n, '']) {
    insert('strict_any_key', k, k);
    insert('untyped_key', k, k);
    insert('blob_key', k, 'any type');
  }
  for (const k of [-Infinity, -1.5, 0.5, 1n, 1e308, 5e-324, Infinity, 'no number']) insert('real_key', k, k);
  for (const code of ['Abc', 'ABD', 'éa', 'ÉA', '']) insert('nocase_key', code, code);
  for (const code of ['a  ', 'b', ' c', '']) insert('rtrim_key', code, `${code}  `);
  for (const code of ['first', 'second', '']) insert('unique_only', code, code);
  insert('no_key', 1n, 2n);
  insert('nullable_unique', null, 1n);
  insert('reserved', 1n, 2n);
}

function fillNames(insert: Insert): void {
  for (let i = 0n; i < 5n; i++) {
    insert('select', i, `group ${i}`, -i, 'weird', 'snow', ';', '--', ']', 'rowid');
    insert('Order Details', 10_248n + i, i, `${i}.10`, Number(i) / 8);
    insert('we"ird', `key "${i}"`, i, `${i}`);
    insert('Übersicht 表 🚀', `schlüssel ${i}`, Number(i) + 0.25);
    insert('many_uniques', i, `code ${i}`, i % 2n, i === 3n ? null : `Login ${i}`, `Mail${i}@example.com`, i < 2n ? 1n : 0n);
    insert('documents', i, `Lorem ipsum ${i} 中文`);
    insert('generated', i, Number(i) * 1.25, i);
  }
  insert('generated', 99n, null, null);
}

function fillValues(db: DatabaseSync, insert: Insert): void {
  const hundredKilobytes = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 31) % 256);
  for (const value of [...WORST_VALUES, hundredKilobytes]) {
    insert('untyped', null, value);
    insert('typed', null, ...Array.from({ length: 11 }, () => value));
  }
  for (const expression of WORST_EXPRESSIONS) {
    db.exec(`INSERT INTO untyped(v) VALUES(${expression})`);
    db.exec(`INSERT INTO typed VALUES(NULL, ${Array.from({ length: 11 }, () => expression).join(', ')})`);
  }
  insert('typed', null, 'text in INTEGER', 'text in REAL', 12n, '12.50', 'text in BLOB', '12.345', 'much longer than twenty characters', 20_260_310n, 1n, '42', '42');
  for (const [i, values] of STRICT_VALUES.entries()) for (const [j, x] of WORST_VALUES.entries()) insert('strict_any', BigInt(i * 100 + j), x, ...values);
}

function fillRelations(insert: Insert): void {
  for (let i = 1n; i <= 6n; i++) {
    insert('parents', i, `parent ${i}`);
    insert('tree', i, i > 1n ? i / 2n : null);
    for (let j = 0n; j < 3n; j++) {
      insert('children_cascade', i * 10n + j, i, `child ${j}`);
      insert('children_null', i * 10n + j, i, `child ${j}`);
    }
  }
  insert('audit', 1n, 'start', null, 1n);
}

function fillMany(db: DatabaseSync, insert: Insert): void {
  for (let i = 0; i < 20; i++) {
    insert('wide', BigInt(i), ...Array.from({ length: WIDE_COLUMNS - 1 }, (_, c) => WORST_VALUES[(i * 7 + c) % WORST_VALUES.length] ?? null));
  }
  const many = db.prepare('INSERT INTO many(id, v, n) VALUES(?, ?, ?)');
  for (let i = 1; i <= MANY_ROWS; i++) many.run(BigInt(i * 3), `row ${i}`, BigInt(i % 97));
}
