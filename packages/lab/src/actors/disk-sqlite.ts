import type { NodeSqlite } from '@carryon/hosts/node';
import type { PackSource, Sqlite } from '@carryon/client';
import type { SqlValue } from '@carryon/protocol';
import type { LabDisk } from './disk.ts';

export type DiskCall = 'exec' | 'run' | 'runMany' | 'all' | 'begin' | 'commit' | 'attachPack' | 'detachPack' | 'close';
export type BeforeCall = (call: DiskCall) => Promise<void> | void;

const WRITES: readonly DiskCall[] = ['exec', 'run', 'runMany', 'commit'];

/** Real SQLite on a disk that may be full or unreadable. */
export class DiskSqlite implements Sqlite {
  readonly #disk: LabDisk;
  readonly #inner: NodeSqlite;
  readonly #before: BeforeCall;

  constructor(disk: LabDisk, inner: NodeSqlite, before: BeforeCall) {
    this.#disk = disk;
    this.#inner = inner;
    this.#before = before;
  }

  async exec(sql: string): Promise<void> {
    await this.#enter('exec');
    return this.#inner.exec(sql);
  }

  async run(sql: string, ...values: readonly SqlValue[]): Promise<number> {
    await this.#enter('run');
    return this.#inner.run(sql, ...values);
  }

  async runMany(sql: string, rows: Iterable<readonly SqlValue[]>): Promise<void> {
    await this.#enter('runMany');
    return this.#inner.runMany(sql, rows);
  }

  async all<T>(sql: string, ...values: readonly SqlValue[]): Promise<T[]> {
    await this.#enter('all');
    return this.#inner.all<T>(sql, ...values);
  }

  async transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter('begin');
    return this.#inner.transaction(async () => {
      const result = await work();
      await this.#enter('commit');
      return result;
    });
  }

  async attachPack(source: PackSource): Promise<void> {
    await this.#enter('attachPack');
    return this.#inner.attachPack(source);
  }

  async detachPack(): Promise<void> {
    await this.#before('detachPack');
    return this.#inner.detachPack();
  }

  onWrite(listener: () => void): () => void {
    return this.#disk.onWrite(listener);
  }

  async close(): Promise<void> {
    await this.#before('close');
    return this.#inner.close();
  }

  async #enter(call: DiskCall): Promise<void> {
    await this.#before(call);
    if (WRITES.includes(call)) this.#disk.checkSpace(0);
    else this.#disk.checkReadable();
  }
}
