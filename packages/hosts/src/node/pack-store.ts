import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { PackDigest, PackSource, PackStore, PackWriter, StoredPack } from '@carryon/client';
import { CarryonError, toCarryonError, type Codec } from '@carryon/protocol';

const CHUNK = 512 * 1024;
const PART = '.part';
const RAW = '.db';

/** A folder of packs: NAME.part while it comes, NAME when complete, NAME.db while it is applied. */
export class NodePackStore implements PackStore {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string): Promise<NodePackStore> {
    await guard(mkdir(folder, { recursive: true }));
    return new NodePackStore(folder);
  }

  async list(): Promise<StoredPack[]> {
    const packs: StoredPack[] = [];
    for (const file of await guard(readdir(this.#folder))) {
      if (file.endsWith(RAW)) await rm(join(this.#folder, file), { force: true });
      else packs.push({ name: file.replace(PART, ''), bytes: (await guard(stat(join(this.#folder, file)))).size, complete: !file.endsWith(PART) });
    }
    return packs;
  }

  async write(name: string): Promise<PackWriter> {
    const path = this.#path(name);
    const handle = await guard(open(path + PART, 'a+'));
    const hash = createHash('sha256');
    const { size } = await handle.stat();
    if (size > 0) for await (const chunk of createReadStream(path + PART, { highWaterMark: CHUNK })) hash.update(chunk as Uint8Array);
    return new FileWriter(path, handle, hash, size);
  }

  async digest(name: string): Promise<PackDigest> {
    return guard((async () => {
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const chunk of createReadStream(this.#path(name), { highWaterMark: CHUNK })) {
        hash.update(chunk as Uint8Array);
        bytes += (chunk as Uint8Array).length;
      }
      return { bytes, sha256: hash.digest('hex') };
    })());
  }

  async unpack(name: string, codec: Codec, rawBytes: number): Promise<PackSource> {
    const path = this.#path(name);
    const inflate = codec === 'zstd' ? createZstdDecompress({ chunkSize: CHUNK }) : createGunzip({ chunkSize: CHUNK });
    let bytes = 0;
    const measured = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        if (bytes > rawBytes) throw new CarryonError('pack.wrong-bytes', `Pack ${name.slice(0, 12)} is larger inside than announced.`);
        yield chunk;
      }
    };
    try {
      await pipeline(createReadStream(path, { highWaterMark: CHUNK }), inflate, measured, createWriteStream(path + RAW));
    } catch (cause) {
      throw fileError(cause, (why) => new CarryonError('pack.wrong-bytes', `Pack ${name.slice(0, 12)} could not be decompressed: ${why}.`, { cause }));
    }
    if (bytes !== rawBytes) throw new CarryonError('pack.wrong-bytes', `Pack ${name.slice(0, 12)} is smaller inside than announced.`);
    return { path: path + RAW };
  }

  async remove(name: string): Promise<void> {
    for (const ending of ['', PART, RAW]) await guard(rm(this.#path(name) + ending, { force: true }));
  }

  async freeBytes(): Promise<number | undefined> {
    const { bavail, bsize } = await guard(statfs(this.#folder));
    return bavail * bsize;
  }

  #path(name: string): string {
    if (!/^[0-9a-f]{64}$/.test(name)) throw new CarryonError('protocol.bad-answer', 'The server announced a pack whose name is not a hash.');
    return join(this.#folder, name);
  }
}

class FileWriter implements PackWriter {
  readonly #path: string;
  readonly #handle: FileHandle;
  #hash: Hash;
  offset: number;

  constructor(path: string, handle: FileHandle, hash: Hash, offset: number) {
    this.#path = path;
    this.#handle = handle;
    this.#hash = hash;
    this.offset = offset;
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    for (let from = 0; from < chunk.length;) {
      const { bytesWritten } = await guard(this.#handle.write(chunk, from));
      from += bytesWritten;
    }
    this.offset += chunk.length;
  }

  async restart(): Promise<void> {
    await guard(this.#handle.truncate(0));
    this.#hash = createHash('sha256');
    this.offset = 0;
  }

  async digest(): Promise<PackDigest> {
    return { bytes: this.offset, sha256: this.#hash.copy().digest('hex') };
  }

  async keep(): Promise<void> {
    await guard(this.#handle.sync());
    await this.#handle.close();
    await guard(rename(this.#path + PART, this.#path));
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

function guard<T>(work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    throw fileError(cause, (why) => new CarryonError('device.storage', `A file could not be read or written: ${why}.`, { cause }));
  });
}

function fileError(cause: unknown, otherwise: (why: string) => CarryonError): CarryonError {
  if (cause instanceof CarryonError) return cause;
  const { code } = cause as { code?: string };
  if (code === 'ENOSPC' || code === 'EDQUOT') return new CarryonError('device.disk-full', 'The device\'s disk is full.', { cause });
  return otherwise(code ?? toCarryonError(cause).message);
}
