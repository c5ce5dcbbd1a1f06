import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { addDigest, digestOf, EMPTY_DIGEST, packTableName, packTableSql, type Codec, type Digest, type PackSpec, type SqlValue, type TableSpec } from '@carryon/protocol';

export interface FakeRow {
  readonly ver: number;
  readonly values: readonly SqlValue[];
}

export interface FakePart {
  readonly table: TableSpec;
  readonly rows: ReadonlyMap<number, FakeRow>;
}

export interface FakePack {
  readonly spec: PackSpec;
  readonly bytes: Uint8Array;
}

export function digestRows(rows: ReadonlyMap<number, FakeRow>): Digest {
  return [...rows].reduce((digest, [rid, { ver }]) => addDigest(digest, { rows: 1, sum: digestOf(rid, ver) }), EMPTY_DIGEST);
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export interface PackOptions {
  readonly codec?: Codec;
  readonly asOf?: number;
  /** Changes the file before it is compressed and named: a pack that is wrong in itself. */
  readonly tamper?: (db: DatabaseSync) => void;
  /** What the plan says otherwise than it is. */
  readonly announce?: Partial<PackSpec>;
  /** Puts other bytes in the file's place. */
  readonly replace?: (raw: Uint8Array) => Uint8Array;
}

/** A pack as a server makes it. */
export function makePack(parts: readonly FakePart[], options: PackOptions = {}): FakePack {
  const db = new DatabaseSync(':memory:');
  for (const { table, rows } of parts) {
    db.exec(packTableSql(table));
    const insert = db.prepare(`INSERT INTO ${packTableName(table.id)} VALUES(?, ?${', ?'.repeat(table.columns.length)})`);
    for (const [rid, { ver, values }] of [...rows].sort(([a], [b]) => a - b)) insert.run(BigInt(rid), BigInt(ver), ...values);
  }
  options.tamper?.(db);
  const made = new Uint8Array(db.serialize());
  db.close();
  const raw = options.replace?.(made) ?? made;
  const codec = options.codec ?? 'zstd';
  const bytes = codec === 'zstd' ? zstdCompressSync(raw) : gzipSync(raw);
  const name = sha256(bytes);
  const spec: PackSpec = {
    name, bytes: bytes.length, rawBytes: raw.length, codec, level: Math.min(...parts.map(({ table }) => table.level)), asOf: options.asOf ?? 1, url: `v1/packs/${name}`,
    parts: parts.map(({ table, rows }) => ({ table: table.id, ...digestRows(rows) })), ...options.announce,
  };
  return { spec, bytes };
}
