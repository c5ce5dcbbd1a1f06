import { createHash } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { Codec } from '@carryon/protocol';

const ZSTD_LEVEL = 3;
/** 2 MB: what a device needs to decompress, whatever the pack's size. */
const ZSTD_WINDOW_LOG = 21;
const GZIP_LEVEL = 6;
const READ_CHUNK = 1024 * 1024;

const zstd = promisify(zlib.zstdCompress);
const gzip = promisify(zlib.gzip);

/** The folder with the server's packs. Each file's name is the SHA-256 of its bytes, so files never change. */
export class PackFiles {
  readonly #folder: string;
  #written = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes the folder and clears away files that a killed server left half-written. */
  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    for (const name of await readdir(this.#folder)) {
      if (name.endsWith('.part')) await rm(join(this.#folder, name), { force: true });
    }
  }

  async write(raw: Uint8Array, codec: Codec): Promise<{ name: string; bytes: number }> {
    const packed = codec === 'zstd'
      ? await zstd(raw, { params: { [zlib.constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL, [zlib.constants.ZSTD_c_windowLog]: ZSTD_WINDOW_LOG } })
      : await gzip(raw, { level: GZIP_LEVEL });
    const name = createHash('sha256').update(packed).digest('hex');
    const part = join(this.#folder, `${process.pid}-${this.#written++}.part`);
    await writeFile(part, packed, { flush: true });
    await rename(part, this.#path(name));
    return { name, bytes: packed.length };
  }

  /** The file's size in bytes; undefined when it is not there. */
  async size(name: string): Promise<number | undefined> {
    try {
      return (await stat(this.#path(name))).size;
    } catch {
      return undefined;
    }
  }

  read(name: string, start: number, end: number): ReadStream {
    return createReadStream(this.#path(name), { start, end, highWaterMark: READ_CHUNK });
  }

  async remove(name: string): Promise<void> {
    await rm(this.#path(name), { force: true });
  }

  #path(name: string): string {
    if (!/^[0-9a-f]{64}$/.test(name)) throw new RangeError('not the name of a pack');
    return join(this.#folder, name);
  }
}
