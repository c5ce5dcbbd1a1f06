import { keyColumns, quoteName, quoteText, type TableSpec } from '@carryon/protocol';
import { formOf } from '../../core/tables.ts';
import { first, type Sqlite } from '../../ports/sqlite.ts';
import { baseTable, editTable, hasEdits, keyIs, leaveForm, readForms, settable, takeForm, type Form } from './form.ts';
import { lay, lift } from './overlay.ts';

/** Beyond so many columns old and new row would not fit into one: such a table can only be read. */
const MOST_COLUMNS = 900;

const LOUD = 'NOT EXISTS (SELECT 1 FROM _carryon_quiet)';
/** An update by the app, of a row that is not just being put in. */
const LOUD_UPDATE = `${LOUD} AND OLD._ver IS NOT NULL AND NOT EXISTS (SELECT 1 FROM _carryon_move WHERE rid = OLD._rid)`;
const NOW_MS = "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)";
const LAST = '(SELECT max(id) FROM _carryon_log)';

type Op = 'insert' | 'update' | 'delete';
type Moment = 'BEFORE' | 'AFTER';

/**
 * Gives a usable table the triggers that keep what the app writes, or refuse it. They need nothing but SQLite (3.32 or newer), so that any
 * library can write. In the transaction in which the table takes its name: triggers go with their table.
 */
export async function capture(db: Sqlite, spec: TableSpec): Promise<void> {
  if (isWritable(spec)) return db.exec(triggersOf(await takeForm(db, spec)).join(';\n'));
  // What was edited while it could be written is seen until it is settled.
  if (spec.columns.length <= MOST_COLUMNS && await hasEdits(db, spec.name)) await takeForm(db, spec);
  else await leaveForm(db, spec.name);
  await db.exec(refusals(spec).join(';\n'));
}

/**
 * What a usable table's triggers depend on has changed, and its rows have not. Edits over them stay. A copy that has another form than the one described
 * goes on as it is. In a transaction in which the triggers are quiet.
 */
export async function captureAgain(db: Sqlite, spec: TableSpec): Promise<void> {
  const form = (await readForms(db, [spec.name])).find(({ isCurrent }) => isCurrent);
  if (form ? formOf(form.spec) !== formOf(spec) : !(await hasColumns(db, spec))) return;
  await lift(db, [spec.name]);
  for (const { name } of await db.all<{ name: string }>(OWN_TRIGGERS, spec.name)) await db.exec(`DROP TRIGGER ${quoteName(name)}`);
  await capture(db, spec);
  await lay(db, [spec.name]);
}

const OWN_TRIGGERS = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE AND name LIKE '\\_carryon\\_%' ESCAPE '\\'";

/** A table that is kept for its edits can only be read. */
export async function closeTable(db: Sqlite, spec: TableSpec): Promise<void> {
  const why = raise('write.unknown', `${spec.name} is not in this person's profile any more`);
  await db.exec((['insert', 'update', 'delete'] as const).map((op) => trigger(spec, 'BEFORE', op, LOUD, [`SELECT ${why}`])).join(';\n'));
}

/** Tables that became usable under an older version have no triggers yet. */
export async function captureMissing(db: Sqlite): Promise<void> {
  const missing = await db.all<{ spec: string }>(`SELECT spec FROM _carryon_table t WHERE usable AND NOT EXISTS
    (SELECT 1 FROM sqlite_schema s WHERE s.type = 'trigger' AND s.name = '_carryon_before_insert_' || t.name COLLATE NOCASE)`);
  if (missing.length === 0) return;
  await db.transaction(async () => {
    for (const { spec } of missing) await captureAsItIs(db, JSON.parse(spec) as TableSpec);
  });
}

/** What is known of a table that is downloaded anew may be of its next copy: then this one can only be read. */
async function captureAsItIs(db: Sqlite, spec: TableSpec): Promise<void> {
  const isThat = await hasColumns(db, spec);
  if (await first(db, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE", spec.name)) await capture(db, isThat ? spec : { ...spec, rights: [] });
}

async function hasColumns(db: Sqlite, spec: TableSpec): Promise<boolean> {
  const columns = await db.all<{ name: string }>("SELECT name FROM pragma_table_info(?) WHERE name NOT IN ('_rid', '_ver')", spec.name);
  return columns.length === spec.columns.length && columns.every(({ name }, i) => name === spec.columns[i]?.name);
}

const isWritable = ({ rights = [], columns }: TableSpec): boolean => rights.length > 0 && columns.length <= MOST_COLUMNS;

function trigger(spec: TableSpec, moment: Moment, op: Op, when: string, body: readonly string[], suffix = ''): string {
  const name = quoteName(`_carryon_${moment.toLowerCase()}_${op}${suffix}_${spec.name}`);
  return `CREATE TRIGGER ${name} ${moment} ${op.toUpperCase()} ON ${quoteName(spec.name)} FOR EACH ROW WHEN ${when} BEGIN ${body.filter(Boolean).map((sql) => `${sql};`).join(' ')} END`;
}

const VERBS: Readonly<Record<Op, string>> = { insert: 'add rows to', update: 'change rows of', delete: 'delete rows of' };

/** Ends the statement. The text begins with an error code, by which programs know it. */
const raise = (code: string, why: string): string => `RAISE(ABORT, ${quoteText(`carryon ${code}: ${why}`)})`;
const forbid = (spec: TableSpec, op: Op): string => raise('write.forbidden', `the profile does not let you ${VERBS[op]} ${spec.name}`);
const refuse = (spec: TableSpec, op: Op, when: string): string => trigger(spec, 'BEFORE', op, when, [`SELECT ${forbid(spec, op)}`]);

const refusals = (spec: TableSpec): string[] => (['insert', 'update', 'delete'] as const).map((op) => refuse(spec, op, LOUD));

/**
 * A change takes its number in the log before it is made, and its values after: so the log has the order in which things were begun, with
 * triggers of the app's own in between, and what was ignored in the end stays without values.
 */
function triggersOf(form: Form): string[] {
  const { spec } = form;
  const may = (right: 'create' | 'update' | 'delete'): boolean => spec.rights?.includes(right) === true;
  const changes = differ(spec, spec.columns.map((_, i) => i));
  return [
    trigger(spec, 'BEFORE', 'insert', LOUD, beginInsert(form)),
    trigger(spec, 'AFTER', 'insert', `${LOUD} AND EXISTS (SELECT 1 FROM ${quoteName(spec.name)} WHERE _rid = NEW._rid)`, endInsert(form)),
    ...(may('update') ? updateTriggers(form, changes) : [refuse(spec, 'update', `${LOUD_UPDATE} AND (${changes} OR ${OWN_CHANGE})`)]),
    ...(may('delete') ? deleteTriggers(form) : [refuse(spec, 'delete', `${LOUD} AND OLD._ver IS NOT NULL`)]),
  ];
}

const OWN_CHANGE = 'OLD._rid IS NOT NEW._rid OR OLD._ver IS NOT NEW._ver';

function differ({ columns }: TableSpec, positions: readonly number[]): string {
  if (positions.length === 0) return 'false';
  const list = (row: string, of: (name: string) => string): string => `(${positions.map((i) => of(`${row}.${quoteName(columns[i]?.name ?? '')}`)).join(', ')})`;
  const typed = (name: string): string => `typeof(${name})`;
  return `(${list('OLD', (name) => `${name} COLLATE BINARY`)} IS NOT ${list('NEW', (name) => name)} OR ${list('OLD', typed)} IS NOT ${list('NEW', typed)})`;
}

const names = ({ columns }: TableSpec, row?: string): string[] => columns.map((column) => (row === undefined ? quoteName(column.name) : `${row}.${quoteName(column.name)}`));
const slots = (side: 'o' | 'n', { columns }: TableSpec): string[] => columns.map((_, i) => `${side}${i}`);

const begin = (form: Form, rid: string): string => `INSERT INTO _carryon_log(form, rid, at_ms, total) VALUES(${form.id}, ${rid}, ${NOW_MS}, total_changes())`;

/** Keeps the server's row from before the first edit. Not by OR IGNORE: a statement's own conflict clause would be taken instead. */
const keepBase = (form: Form): string => `INSERT INTO ${baseTable(form)}(_rid, _ver, ${names(form.spec).join(', ')}) SELECT OLD._rid, OLD._ver, ${names(form.spec, 'OLD').join(', ')}
  WHERE OLD._rid > 0 AND NOT EXISTS (SELECT 1 FROM ${baseTable(form)} WHERE _rid = OLD._rid)`;

/** The change of this row that was begun last. */
const begun = (form: Form): string => `(SELECT id FROM _carryon_log WHERE op IS NULL AND form = ${form.id} AND rid = OLD._rid ORDER BY id DESC LIMIT 1)`;

function updateTriggers(form: Form, changes: string): string[] {
  const { spec } = form;
  const fixed = [...spec.key, ...(spec.computed ?? [])];
  const values = `${slots('o', spec).join(', ')}, ${slots('n', spec).join(', ')}`;
  return [
    // One trigger: of two nobody knows which comes first.
    trigger(spec, 'BEFORE', 'update', `${LOUD_UPDATE} AND (${changes} OR ${OWN_CHANGE})`, [
      `SELECT ${raise('write.forbidden', `the key and computed columns of ${spec.name}, _rid and _ver cannot be changed`)} WHERE ${differ(spec, fixed)} OR ${OWN_CHANGE}`,
      keepBase(form),
      begin(form, 'OLD._rid'),
    ]),
    trigger(spec, 'AFTER', 'update', `${LOUD_UPDATE} AND ${changes}`, [
      `INSERT INTO ${editTable(form)}(id, ${values}) VALUES(${begun(form)}, ${names(spec, 'OLD').join(', ')}, ${names(spec, 'NEW').join(', ')})`,
      `UPDATE _carryon_log SET op = 'update' WHERE id = ${begun(form)}`,
    ]),
  ];
}

function deleteTriggers(form: Form): string[] {
  const { spec } = form;
  const loud = `${LOUD} AND OLD._ver IS NOT NULL`;
  return [
    trigger(spec, 'BEFORE', 'delete', loud, [keepBase(form), begin(form, 'OLD._rid')]),
    trigger(spec, 'AFTER', 'delete', loud, [
      `INSERT INTO ${editTable(form)}(id, ${slots('o', spec).join(', ')}) VALUES(${begun(form)}, ${names(spec, 'OLD').join(', ')})`,
      `UPDATE _carryon_log SET op = 'delete' WHERE id = ${begun(form)}`,
    ]),
  ];
}

/** Notes the row that has the new row's key, for REPLACE would take it away without a word. */
function beginInsert(form: Form): string[] {
  const { spec } = form;
  const [table, base, edit] = [quoteName(spec.name), baseTable(form), editTable(form)];
  const sameKey = keyIs(spec, (_, name) => `NEW.${name}`);
  const all = names(spec).join(', ');
  return [
    `SELECT ${raise('write.forbidden', `row ids (_rid) of ${spec.name} are given by the server`)} WHERE EXISTS (SELECT 1 FROM ${table} t WHERE t._rid = NEW._rid AND NOT (${sameKey}))`,
    begin(form, `(SELECT t._rid FROM ${table} t WHERE ${sameKey})`),
    `INSERT INTO ${base}(_rid, _ver, ${all}) SELECT t._rid, t._ver, ${names(spec, 't').join(', ')} FROM ${table} t
      WHERE ${sameKey} AND t._rid > 0 AND NOT EXISTS (SELECT 1 FROM ${base} b WHERE b._rid = t._rid)`,
    `INSERT INTO ${edit}(id, ${slots('o', spec).join(', ')}, ${spec.key.map((i) => `n${i}`).join(', ')})
      SELECT l.id, ${names(spec, 't').join(', ')}, ${keyColumns(spec).map(({ name }) => `NEW.${quoteName(name)}`).join(', ')} FROM (SELECT ${LAST} AS id) l LEFT JOIN ${table} t ON ${sameKey}`,
  ];
}

/** Numbers the new row, gives it its key and a row id of the device's own; a row that replaced another keeps that one's. */
function endInsert(form: Form): string[] {
  const { spec } = form;
  const [table, edit] = [quoteName(spec.name), editTable(form)];
  const me = '(SELECT id FROM _carryon_move WHERE rid = NEW._rid)';
  const replaced = `(SELECT rid FROM _carryon_log WHERE id = ${me})`;
  const rid = `coalesce(${replaced}, -${me})`;
  const isMine = spec.key.map((i, k) => `e.n${i} IS NEW.${quoteName(keyColumns(spec)[k]?.name ?? '')} COLLATE BINARY`).join(' AND ');
  const isDeleted = `EXISTS (SELECT 1 FROM _carryon_log d WHERE d.form = ${form.id} AND d.rid = ${replaced} AND d.op = 'delete' AND d.id > ${me})`;
  const computed = (spec.computed ?? []).map((i) => `${quoteName(spec.columns[i]?.name ?? '')} = (SELECT o${i} FROM ${edit} WHERE id = ${me})`);
  const lacking = keyColumns(spec).map(({ name }) => `${quoteName(name)} IS NULL`).join(' OR ');
  const refused = (right: 'create' | 'update', op: Op, when: string): string => (spec.rights?.includes(right) ? '' : `SELECT ${forbid(spec, op)} WHERE ${replaced} IS ${when}`);
  return [
    `INSERT INTO _carryon_move(rid, id) SELECT NEW._rid, l.id FROM _carryon_log l JOIN ${edit} e ON e.id = l.id WHERE l.op IS NULL AND l.form = ${form.id} AND ${isMine} ORDER BY l.id DESC LIMIT 1`,
    // With recursive_triggers a replaced row is a deleted one: the new row comes after that.
    `UPDATE _carryon_move SET id = -id WHERE rid = NEW._rid AND ${isDeleted}`,
    `UPDATE ${edit} SET id = ${LAST} + 1, ${slots('o', spec).map((slot) => `${slot} = NULL`).join(', ')} WHERE id = -${me}`,
    `UPDATE _carryon_log SET id = ${LAST} + 1, rid = NULL WHERE id = -${me}`,
    `UPDATE _carryon_move SET id = ${LAST} WHERE rid = NEW._rid AND id < 0`,
    refused('create', 'insert', 'NULL'),
    refused('update', 'update', 'NOT NULL'),
    ...takenKey(form),
    `UPDATE ${table} SET ${[`_rid = ${rid}`, `_ver = coalesce((SELECT _ver FROM ${baseTable(form)} WHERE _rid = ${replaced}), 0)`, ...newKey(form, me), ...computed].join(', ')} WHERE _rid = NEW._rid`,
    `SELECT ${raise('write.rejected', `a new row of ${spec.name} needs its key`)} FROM ${table} WHERE _rid = ${rid} AND (${lacking})`,
    `UPDATE ${edit} SET (${slots('n', spec).join(', ')}) = (SELECT ${names(spec).join(', ')} FROM ${table} WHERE _rid = ${rid}) WHERE id = ${me}`,
    ...noteKey(form, me),
    `UPDATE _carryon_log SET op = CASE WHEN rid IS NULL THEN 'insert' ELSE 'update' END, rid = ${rid}
      WHERE id = ${me} AND (rid IS NULL OR EXISTS (SELECT 1 FROM ${edit} WHERE id = ${me} AND ${anyChanged(spec)}))`,
    'DELETE FROM _carryon_move WHERE rid = NEW._rid',
  ];
}

const anyChanged = (spec: TableSpec): string => {
  const changeable = settable(spec);
  if (changeable.length === 0) return 'false';
  const list = (side: 'o' | 'n', of: (slot: string) => string): string => `(${changeable.map((i) => of(`${side}${i}`)).join(', ')})`;
  return `(${list('o', String)} IS NOT ${list('n', String)} OR ${list('o', (slot) => `typeof(${slot})`)} IS NOT ${list('n', (slot) => `typeof(${slot})`)})`;
};

const MS_HEX = `printf('%012x', ${NOW_MS})`;
/** RFC 9562: milliseconds, version 7, 12 random bits, variant, 62 random bits. */
const UUID_V7 = `substr(${MS_HEX}, 1, 8) || '-' || substr(${MS_HEX}, 9)
  || lower('-7' || substr(hex(randomblob(2)), 2) || '-' || substr('89AB', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))`;

/** The one key column that the device fills where the app leaves it out. */
const filledKey = ({ spec }: Form): { readonly position: number; readonly name: string } | undefined => {
  const position = spec.key[0];
  return spec.newKeys === undefined || spec.key.length > 1 || position === undefined ? undefined : { position, name: quoteName(spec.columns[position]?.name ?? '') };
};

function newKey(form: Form, me: string): string[] {
  const key = filledKey(form);
  if (!key) return [];
  if (form.spec.newKeys === 'uuid') return [`${key.name} = coalesce(${key.name}, ${UUID_V7})`];
  const used = `(SELECT min(temporary) FROM _carryon_key WHERE tbl = ${quoteText(form.name)})`;
  const there = `(SELECT min(t.${key.name}) FROM ${quoteName(form.name)} t WHERE t.${key.name} < 0)`;
  return [`${key.name} = coalesce(${key.name}, min(-${me}, coalesce(${used}, 0) - 1, coalesce(${there}, 0) - 1))`];
}

/** A temporary key that has become a real one stands for that row for ever. */
function takenKey(form: Form): string[] {
  const key = filledKey(form);
  if (form.spec.newKeys !== 'temporary' || !key) return [];
  return [`SELECT ${raise('write.exists', `this temporary key of ${form.name} has been given to another row before`)}
    WHERE EXISTS (SELECT 1 FROM _carryon_key WHERE tbl = ${quoteText(form.name)} AND temporary = NEW.${key.name} AND key IS NOT NULL)`];
}

function noteKey(form: Form, me: string): string[] {
  const key = filledKey(form);
  if (form.spec.newKeys !== 'temporary' || !key) return [];
  return [`INSERT INTO _carryon_key(tbl, temporary) SELECT ${quoteText(form.name)}, n${key.position} FROM ${editTable(form)} e WHERE e.id = ${me} AND n${key.position} < 0
    AND (SELECT rid FROM _carryon_log WHERE id = ${me}) IS NULL AND NOT EXISTS (SELECT 1 FROM _carryon_key k WHERE k.tbl = ${quoteText(form.name)} AND k.temporary = e.n${key.position})`];
}

