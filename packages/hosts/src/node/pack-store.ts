import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { PackDigest, PackSource, PackStore, PackWriter, StoredPack } from '@carryon/client';
import { CarryonError, toCarryonError, type Codec } from '@carryon/protocol';

const CHUNK = 128 * 1024;
const PART = '.part';
const RAW = '.db';
const FILE = /^([0-9a-f]{64})(\.part|\.db)?$/;

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
      const [, name, ending] = FILE.exec(file) ?? [];
      if (name === undefined) continue;
      if (ending === RAW) await guard(rm(join(this.#folder, file), { force: true }));
      else packs.push({ name, bytes: (await guard(stat(join(this.#folder, file)))).size, complete: ending === undefined });
    }
    return packs;
  }

  async write(name: string): Promise<PackWriter> {
    const path = this.#path(name);
    const handle = await guard(open(path + PART, 'a+'));
    try {
      const { hash, bytes } = await guard(hashFile(path + PART));
      return new FileWriter(path, handle, hash, bytes);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async digest(name: string): Promise<PackDigest> {
    const { hash, bytes } = await hashFile(this.#path(name)).catch((cause: unknown) => {
      if ((cause as { code?: string }).code === 'ENOENT') throw new CarryonError('pack.wrong-bytes', `The file of pack ${name.slice(0, 12)} is gone.`, { cause });
      throw fileError(cause, storageError(cause));
    });
    return { bytes, sha256: hash.digest('hex') };
  }

  async unpack(name: string, codec: Codec, rawBytes: number): Promise<PackSource> {
    const path = this.#path(name);
    let bytes = 0;
    try {
      bytes = await inflate(path, path + RAW, codec === 'zstd' ? createZstdDecompress({ chunkSize: CHUNK }) : createGunzip({ chunkSize: CHUNK }), rawBytes);
    } catch (cause) {
      // A file that is gone is fetched again like a wrong one; any other fault of the disk is not the pack's.
      const { syscall, code } = cause as { syscall?: string; code?: string };
      if (syscall !== undefined && code !== 'ENOENT') throw fileError(cause, storageError(cause));
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

/** Decompresses a file piece by piece, so that memory stays the same for files of any size. Returns the bytes written. Throws `pack.wrong-bytes` when there are more than announced. */
async function inflate(from: string, to: string, stream: Transform, mostBytes: number): Promise<number> {
  const input = await open(from);
  const output = await open(to, 'w').catch(async (cause: unknown) => {
    await input.close();
    throw cause;
  });
  try {
    const [, bytes] = await Promise.all([feed(input, stream), drain(stream, output, mostBytes)]);
    return bytes;
  } finally {
    stream.destroy();
    await Promise.all([input.close(), output.close()]);
  }
}

async function feed(input: FileHandle, stream: Transform): Promise<void> {
  const piece = Buffer.allocUnsafe(CHUNK);
  for (let read = await input.read(piece); read.bytesRead > 0; read = await input.read(piece)) {
    await new Promise<void>((resolve, reject) => {
      stream.write(piece.subarray(0, read.bytesRead), (error) => (error ? reject(error) : resolve()));
    });
  }
  stream.end();
}

async function drain(stream: Transform, output: FileHandle, mostBytes: number): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new CarryonError('pack.wrong-bytes', 'A pack is larger inside than announced.');
    await writeAll(output, chunk);
    // A full piece is nobody else's: freed now, instead of 60 MB later at a garbage collection.
    if (chunk.length === chunk.buffer.byteLength) (chunk.buffer as ArrayBuffer).transfer(0);
  }
  return bytes;
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let from = 0; from < chunk.length;) from += (await handle.write(chunk, from)).bytesWritten;
}

async function hashFile(path: string): Promise<{ hash: Hash; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK })) {
    hash.update(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).length;
  }
  return { hash, bytes };
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
    await guard(writeAll(this.#handle, chunk));
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
    throw fileError(cause, storageError(cause));
  });
}

const storageError = (cause: unknown) => (why: string): CarryonError => new CarryonError('device.storage', `A file could not be read or written: ${why}.`, { cause });

function fileError(cause: unknown, otherwise: (why: string) => CarryonError): CarryonError {
  if (cause instanceof CarryonError) return cause;
  const { code } = cause as { code?: string };
  if (code === 'ENOSPC' || code === 'EDQUOT') return new CarryonError('device.disk-full', 'The device\'s disk is full.', { cause });
  return otherwise(code ?? toCarryonError(cause).message);
}
