import { CarryonError } from '@carryon/protocol';
import { configText, type Config } from '../../core/config.ts';
import type { Database } from './driver.ts';
import { addNode } from './nodes.ts';
import { createTable, fitIndexes } from './row-tables.ts';
import { isStore } from './schema.ts';

/** Version of the store's own tables. A store of another version is refused. */
const STORE_VERSION = 2;

const COMMON = `
  CREATE TABLE main.sync_state(one INTEGER PRIMARY KEY CHECK(one = 1), version INTEGER NOT NULL, store TEXT NOT NULL, epoch TEXT NOT NULL,
    checkpoint INTEGER NOT NULL, floor INTEGER NOT NULL, outbox_pos INTEGER NOT NULL, outbox_mark INTEGER NOT NULL, clock_ms INTEGER NOT NULL,
    config_ver INTEGER NOT NULL, people_ver INTEGER NOT NULL, grant_ver INTEGER NOT NULL, config TEXT NOT NULL);
  CREATE TABLE main.sync_checkpoint(checkpoint INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL);
  CREATE TABLE main.sync_table(id INTEGER PRIMARY KEY, name TEXT NOT NULL, state TEXT NOT NULL, form TEXT NOT NULL, sql TEXT NOT NULL, sent TEXT NOT NULL, again INTEGER NOT NULL);
  CREATE TABLE main.sync_ingest(tbl INTEGER PRIMARY KEY, done INTEGER NOT NULL, rows INTEGER NOT NULL, k0);
  CREATE TABLE main.sync_node(id INTEGER PRIMARY KEY, text TEXT NOT NULL, tbl INTEGER NOT NULL, is_every INTEGER NOT NULL, retired INTEGER NOT NULL);
  CREATE TABLE main.sync_scope(id INTEGER PRIMARY KEY AUTOINCREMENT, node INTEGER NOT NULL, param INTEGER NOT NULL, head INTEGER NOT NULL,
    rows INTEGER NOT NULL, sum INTEGER NOT NULL, width INTEGER, UNIQUE(node, param));
  CREATE TABLE main.sync_need(scope INTEGER NOT NULL, node INTEGER NOT NULL, of INTEGER NOT NULL, needs INTEGER NOT NULL, PRIMARY KEY(scope, of)) WITHOUT ROWID;
  CREATE INDEX main.sync_need_of ON sync_need(needs, node, scope);
  CREATE INDEX main.sync_scope_param ON sync_scope(param, node);
  CREATE TABLE main.sync_param(id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, text TEXT NOT NULL);
  CREATE TABLE main.sync_attribute(param INTEGER NOT NULL, attribute TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(param, attribute, value)) WITHOUT ROWID;
  CREATE INDEX main.sync_attribute_value ON sync_attribute(attribute, value, param);
  CREATE TABLE main.sync_person(user TEXT PRIMARY KEY, claims TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE main.sync_grant(user TEXT NOT NULL, scope INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER, used_ms INTEGER NOT NULL, columns TEXT NOT NULL, PRIMARY KEY(user, scope)) WITHOUT ROWID;
  CREATE INDEX main.sync_grant_scope ON sync_grant(scope);
  CREATE TABLE main.sync_ack(user TEXT NOT NULL, device TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(user, device)) WITHOUT ROWID;
  CREATE TABLE main.sync_pack(id INTEGER PRIMARY KEY, key TEXT NOT NULL, codec TEXT NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL,
    raw_bytes INTEGER NOT NULL, as_of INTEGER NOT NULL, level INTEGER NOT NULL, parts TEXT NOT NULL, scopes TEXT NOT NULL,
    used_ms INTEGER NOT NULL, current INTEGER NOT NULL);
  CREATE INDEX main.sync_pack_key ON sync_pack(key, codec, current);
  CREATE INDEX main.sync_pack_name ON sync_pack(name);`;

/** Makes the store's tables where there are none. Throws `server.data-foreign` when another version made them. */
export function openSchema(db: Database, config: Config, newId: () => string): void {
  if (!isStore(db)) {
    db.transaction(() => createSchema(db, config, newId), 'BEGIN IMMEDIATE');
    return;
  }
  const { version } = db.get<{ version: number }>('SELECT version FROM sync_state') ?? { version: 0 };
  if (version !== STORE_VERSION) throw new CarryonError('server.data-foreign', `The data directory was made by another version of Carryon (${version}, not ${STORE_VERSION}).`);
}

function createSchema(db: Database, config: Config, newId: () => string): void {
  db.exec(COMMON);
  db.run('INSERT INTO sync_state VALUES(1, ?, ?, ?, 0, 0, 0, 0, 0, 1, 0, 0, ?)', STORE_VERSION, newId(), newId(), configText(config));
  for (const table of config.tables) createTable(db, table, 'used');
  for (const node of config.nodes) addNode(db, node);
  fitIndexes(db, config);
}
