/**
 * SQL: the row id is of a row that the server no longer has, or no longer shows, and that an edit of it keeps visible. Such a row has its id from
 * that edit, a new row from the edit that made it.
 */
export const isGone = (rid: string): string => `EXISTS (SELECT 1 FROM _carryon_log g WHERE g.id = -${rid} AND g.op = 'update')`;

/** How rows stand that are not simply as the server has them. */
export const STATE_VIEW = `CREATE VIEW IF NOT EXISTS carryon_state AS
    SELECT f.name AS table_name, l.rid AS rid, CASE WHEN max(l.shown AND coalesce(c.state, 'pending') <> 'refused') THEN 'pending' ELSE 'error' END AS state, max(l.shown AND ${isGone('l.rid')}) AS gone
    FROM _carryon_log l JOIN _carryon_form f ON f.id = l.form LEFT JOIN _carryon_changeset c ON c.seq = l.seq
    WHERE l.op IS NOT NULL AND (l.shown OR c.state = 'refused') GROUP BY l.form, l.rid`;

/**
 * What the device keeps of edits. `_carryon_log` has a row for each change in the order they were made; without `op` it was only begun
 * (and then ignored), without `seq` no changeset has it yet, `shown` while it is laid over the server's rows. `_carryon_form` has a row
 * for each form that a table had when it was edited: its columns' values are in `_carryon_edit_<form>` and `_carryon_base_<form>`.
 */
export const EDIT_TABLES = `
  CREATE TABLE IF NOT EXISTS _carryon_form(id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, current INTEGER NOT NULL, spec TEXT NOT NULL, refs TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS _carryon_log(id INTEGER PRIMARY KEY, form INTEGER NOT NULL, rid INTEGER, op TEXT, at_ms INTEGER NOT NULL,
    total INTEGER NOT NULL, seq INTEGER, shown INTEGER NOT NULL DEFAULT 1);
  CREATE INDEX IF NOT EXISTS _carryon_log_seq ON _carryon_log(seq);
  CREATE INDEX IF NOT EXISTS _carryon_log_row ON _carryon_log(form, rid);
  CREATE INDEX IF NOT EXISTS _carryon_log_shown ON _carryon_log(form, rid) WHERE shown AND op IS NOT NULL;
  CREATE INDEX IF NOT EXISTS _carryon_log_begun ON _carryon_log(form) WHERE op IS NULL;
  CREATE TABLE IF NOT EXISTS _carryon_changeset(seq INTEGER PRIMARY KEY, state TEXT NOT NULL, at_ms INTEGER NOT NULL, code TEXT, message TEXT, change INTEGER, error TEXT);
  CREATE TABLE IF NOT EXISTS _carryon_key(tbl TEXT NOT NULL COLLATE NOCASE, temporary INTEGER NOT NULL, key, PRIMARY KEY(tbl, temporary)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS _carryon_quiet(x);
  CREATE TABLE IF NOT EXISTS _carryon_move(rid INTEGER PRIMARY KEY, id INTEGER NOT NULL);
  ${STATE_VIEW};
  -- Ids are never used twice, for row ids and temporary keys are made of them: so the newest row stays, if only as this mark. And no row of
  -- the device's own gets the row id -1: to a trigger that is a row id not yet chosen.
  INSERT INTO _carryon_log(id, form, at_ms, total, seq, shown) SELECT 1, 0, 0, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM _carryon_log)`;
