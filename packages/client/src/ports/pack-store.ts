import type { Codec } from '@carryon/protocol';
import type { PackSource } from './sqlite.ts';

export interface StoredPack {
  readonly name: string;
  readonly bytes: number;
  /** False: a download that has not ended. */
  readonly complete: boolean;
}

export interface PackDigest {
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}

/** Writes one download. What was written stays when the process ends, and the next writer goes on after it. */
export interface PackWriter {
  /** Bytes that are there already. */
  readonly offset: number;
  append(chunk: Uint8Array): Promise<void>;
  /** Starts over from the first byte. */
  restart(): Promise<void>;
  /** Size and hash of all bytes; the download is not complete before `keep`. */
  digest(): Promise<PackDigest>;
  /** The file is whole and right. */
  keep(): Promise<void>;
  /** Closes without completing; what is there stays. */
  close(): Promise<void>;
}

/** The device's folder of downloaded packs. Rejects with `device.disk-full` or `device.storage`. */
export interface PackStore {
  list(): Promise<StoredPack[]>;
  write(name: string): Promise<PackWriter>;
  /** Size and hash of a complete pack. */
  digest(name: string): Promise<PackDigest>;
  /** Decompresses a complete pack; rejects with `pack.wrong-bytes` when it cannot be. */
  unpack(name: string, codec: Codec, rawBytes: number): Promise<PackSource>;
  /** Removes the pack in all its forms; no error when it is not there. */
  remove(name: string): Promise<void>;
  /** Bytes that may still be written; undefined when that cannot be known. */
  freeBytes(): Promise<number | undefined>;
}
