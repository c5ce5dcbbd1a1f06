import { CarryonError } from '@carryon/protocol';
import { readConfigText, type Config } from '../../core/config.ts';
import type { Database } from './driver.ts';

/** The rules that a connection reads, as they are in its present transaction; read anew when they have changed. */
export class ConfigCache {
  readonly #db: Database;
  #version = 0;
  #config: Config | undefined;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The version is that of the present transaction, where it is known already. */
  get(version = this.#db.get<{ config_ver: number }>('SELECT config_ver FROM sync_state')?.config_ver): Config {
    if (this.#config && version === this.#version) return this.#config;
    const found = this.#db.get<{ config_ver: number; config: string }>('SELECT config_ver, config FROM sync_state');
    if (!found) throw new CarryonError('internal', 'The store has no state.');
    this.#version = found.config_ver;
    this.#config = readConfigText(found.config);
    return this.#config;
  }
}
