import { digestSql } from '@carryon/protocol';
import type { RuleNode } from '../../core/rule.ts';
import type { Database } from './driver.ts';
import { ensureParam } from './params.ts';
import { memberTable, rowTable } from './schema.ts';

/** A node of all rows has one scope, whose members are the rows themselves; any other keeps its members. */
export function addNode(db: Database, { id, text, table, rule }: RuleNode): void {
  db.run('INSERT INTO sync_node(id, text, tbl, is_every, retired) VALUES(?, ?, ?, ?, 0)', id, text, table, rule.kind === 'every' ? 1 : 0);
  if (rule.kind === 'every') {
    db.run('INSERT INTO sync_scope(node, param, head, rows, sum) VALUES(?, ?, 0, 0, 0)', id, ensureParam(db, ''));
    return;
  }
  const members = memberTable(id);
  db.exec(`CREATE TABLE main.${members}(rid INTEGER NOT NULL, scope INTEGER NOT NULL, seq INTEGER NOT NULL, live INTEGER NOT NULL, PRIMARY KEY(rid, scope)) WITHOUT ROWID`);
  db.exec(`CREATE INDEX main.${members}_feed ON ${members}(scope, seq, rid, live)`);
}

/** Counts the rows of a node of all rows from nothing, as news of the checkpoint. */
export function countNode(db: Database, { id, table }: RuleNode, checkpoint: number): void {
  db.run(`UPDATE sync_scope SET head = ?, (rows, sum) = (SELECT count(*), coalesce(sum(${digestSql('_rid', '_ver')}), 0) FROM ${rowTable(table)} WHERE _live) WHERE node = ?`, checkpoint, id);
}

/** From now on the node's members stay as they are: they tell what devices still have of it. */
export function retireNode(db: Database, node: number): void {
  db.run('UPDATE sync_node SET retired = 1 WHERE id = ?', node);
  db.run('DELETE FROM sync_need WHERE node = ?', node);
}

/** Forgets the node's scopes and members; its id is never given again. */
export function forgetNode(db: Database, node: number): void {
  retireNode(db, node);
  db.run('UPDATE sync_node SET retired = 2 WHERE id = ?', node);
  db.run('DELETE FROM sync_grant WHERE scope IN (SELECT id FROM sync_scope WHERE node = ?)', node);
  db.run('DELETE FROM sync_need WHERE of = ?', node);
  db.run('DELETE FROM sync_scope WHERE node = ?', node);
  // Without its schema SQLite would look for the table in the business database too.
  db.exec(`DROP TABLE IF EXISTS main.${memberTable(node)}`);
}
