import { DatabaseSync } from 'node:sqlite';
import { quoteName } from '@carryon/protocol';
import { attributesOf, type Attributes } from '../core/attributes.ts';
import { LAST_RID } from '../core/cut.ts';
import type { ScopeKey, Snapshot, Storage } from '../ports/storage.ts';
import { Database } from '../storage/sqlite/driver.ts';
import { ShareSql } from '../storage/sqlite/rules/share.ts';
import { compileFor } from '../storage/sqlite/store.ts';

import { sortedTexts, StoreAudit } from './store-audit.ts';
import { profilesOf, scopeOf, withStore, type Profiles, type TempStore } from './temp-store.ts';

const MINUTE_MS = 60_000;

/** A store under a test of its rules: after every step all that it keeps is compared with what the business database says itself. */
export class RulesBench {
  readonly store: TempStore;
  nowMs: number;
  config: TempStore['config'];
  readonly #audit: StoreAudit;

  constructor(store: TempStore, nowMs: number) {
    this.store = store;
    this.config = store.config;
    this.nowMs = nowMs;
    this.#audit = new StoreAudit(store.files.store, store.config);
  }

  get storage(): Storage {
    return this.store.storage;
  }

  /** Commits the statements as one transaction and takes them in; true when devices hear of it. */
  async commit(sql: string, laterMs = 1): Promise<boolean> {
    this.store.business.exec(`BEGIN; ${sql}; COMMIT`);
    this.nowMs += laterMs;
    const published = await this.storage.evaluate(this.nowMs);
    await this.check();
    return published;
  }

  /** Time passes. */
  pass(minutes: number): Promise<boolean> {
    return this.commit('SELECT 1', minutes * MINUTE_MS);
  }

  key(table: string, who: string | Partial<Attributes> = '', profile = 0): ScopeKey {
    return scopeOf(this.config, table, who, profile);
  }

  /** Makes the scopes of the tables for a person of these attributes. */
  async activate(who: string | Partial<Attributes>, ...tables: readonly string[]): Promise<ScopeKey[]> {
    const keys = tables.map((table) => this.key(table, who));
    await this.storage.activate({ user: JSON.stringify(who), claims: {} }, keys, this.nowMs);
    await this.check();
    return keys;
  }

  /** First key values of the live rows of the scope. */
  async rows(key: ScopeKey): Promise<string[]> {
    const entries = await this.entries(key);
    const table = this.config.tables.find(({ id }) => id === key.table);
    return entries.filter(({ values }) => values).map(({ values }) => String(values?.[key.columns.indexOf(table?.columns[table.key[0] ?? 0]?.name ?? '')])).sort();
  }

  entries(key: ScopeKey, after = 0): Promise<ReturnType<Snapshot['feed']>['entries']> {
    return this.storage.read((snapshot) => {
      const scope = snapshot.scope(key);
      if (!scope) throw new Error(`no scope of node ${key.node} for ${key.param}`);
      return snapshot.feed(scope, { seq: after, rid: LAST_RID }, 1e9, 1e9).entries;
    });
  }

  async state(): Promise<ReturnType<Snapshot['state']>> {
    return this.storage.read((snapshot) => snapshot.state());
  }

  /** Goes over to other profiles. */
  async reconfigure(profiles: Profiles): Promise<void> {
    this.config = compileFor(this.store.files.database, profilesOf(profiles), this.store.files.store);
    this.nowMs++;
    await this.storage.reconfigure(this.config, this.nowMs, () => undefined);
    this.#audit.useConfig(this.config);
    await this.check();
  }

  async check(): Promise<void> {
    const { checkpoint, floor } = await this.state();
    const clockMs = storedClock(this.store.files.store);
    const business = new Database(this.store.files.database);
    try {
      this.#audit.check(checkpoint, floor, (table, scope) => {
        const columns = scope ? table.columns : [...table.columns, ...table.hidden];
        const filled = table.key.map((i) => `x.${quoteName(table.columns[i]?.name ?? '')} IS NOT NULL`).join(' AND ');
        const share = scope && new ShareSql(this.config, attributesOf(scope.param), clockMs).of(scope.node, 'x');
        const sql = `SELECT ${columns.map(({ name }) => `x.${quoteName(name)}`).join(', ')} FROM ${quoteName(table.name)} x WHERE ${filled} AND ${share?.sql ?? 'true'}`;
        return sortedTexts(business.exact(sql, ...share?.values ?? []));
      });
    } finally {
      business.close();
    }
  }

  end(): void {
    this.#audit.close();
  }
}

function storedClock(file: string): number {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return Number(db.prepare('SELECT clock_ms FROM sync_state').get()?.['clock_ms']);
  } finally {
    db.close();
  }
}

/** Runs the test on a store that has read everything, at that time. */
export function withRules(sql: string, profiles: Profiles, work: (bench: RulesBench) => Promise<void>, nowMs = 1_000_000): Promise<void> {
  return withStore(`PRAGMA foreign_keys = OFF; ${sql}`, profiles, async (store) => {
    const bench = new RulesBench(store, nowMs);
    try {
      await store.storage.prepare(() => undefined);
      await store.storage.evaluate(nowMs);
      await bench.check();
      await work(bench);
    } finally {
      bench.end();
    }
  });
}

