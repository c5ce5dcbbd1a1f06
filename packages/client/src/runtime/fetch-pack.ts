import { CarryonError } from '@carryon/protocol';
import type { Pack } from '../core/state.ts';
import type { Clock } from '../ports/clock.ts';
import type { Net, NetResponse } from '../ports/net.ts';
import type { PackStore, PackWriter } from '../ports/pack-store.ts';
import { isPage, notCarryon, refusal } from './http.ts';
import { Watchdog } from './watchdog.ts';

export interface FetchPorts {
  readonly net: Net;
  readonly packs: PackStore;
  readonly clock: Clock;
  readonly serverUrl: string;
  /** So many bytes came, and so many of the pack are there now. */
  readonly onBytes: (bytes: number, offset: number) => void;
}

/**
 * Downloads one pack, going on after the bytes that are there, and keeps it only if size and SHA-256 are as announced.
 * Abort leaves what was written. Throws `pack.wrong-bytes`, `pack.url-expired`, `pack.gone`,
 * `server.*` or `device.*`.
 */
export async function fetchPack(pack: Pack, signal: AbortSignal, ports: FetchPorts): Promise<void> {
  const writer = await ports.packs.write(pack.name);
  const watchdog = new Watchdog(ports.clock, signal);
  try {
    if (writer.offset > pack.bytes) await writer.restart();
    if (writer.offset < pack.bytes) await download(pack, writer, watchdog, ports);
    await settle(pack, writer);
  } catch (error) {
    await writer.close();
    throw error;
  } finally {
    watchdog.done();
  }
}

async function download(pack: Pack, writer: PackWriter, watchdog: Watchdog, ports: FetchPorts): Promise<void> {
  const headers: Record<string, string> = writer.offset > 0 ? { range: `bytes=${writer.offset}-`, 'if-range': `"${pack.name}"` } : {};
  const response = await ports.net.request({ method: 'GET', url: new URL(pack.url, ports.serverUrl).href, headers, signal: watchdog.signal });
  if (response.status !== 200 && response.status !== 206) throw await refusal(response, ports.clock.nowMs());
  if (isPage(response)) throw notCarryon();
  if (response.status === 200 && writer.offset > 0) await writer.restart();
  await copyBody(pack, response, writer, watchdog, ports);
}

async function copyBody(pack: Pack, response: NetResponse, writer: PackWriter, watchdog: Watchdog, ports: FetchPorts): Promise<void> {
  for await (const chunk of response.body) {
    watchdog.feed();
    if (writer.offset + chunk.length > pack.bytes) {
      await writer.restart();
      throw wrong(pack, 'it is longer');
    }
    await writer.append(chunk);
    ports.onBytes(chunk.length, writer.offset);
  }
}

async function settle(pack: Pack, writer: PackWriter): Promise<void> {
  if (writer.offset < pack.bytes) throw new CarryonError('server.unreachable', `The connection ended after ${writer.offset} of ${pack.bytes} bytes of a pack.`);
  const { sha256 } = await writer.digest();
  if (sha256 !== pack.name) {
    await writer.restart();
    throw wrong(pack, 'its SHA-256 differs');
  }
  await writer.keep();
}

function wrong(pack: Pack, why: string): CarryonError {
  return new CarryonError('pack.wrong-bytes', `Pack ${pack.name.slice(0, 12)} is not the file that was announced: ${why}.`);
}

/** Checks a pack that is complete on the disk from before this process; removes it when it is wrong. */
export async function verifyStored(pack: Pack, packs: PackStore): Promise<void> {
  const { bytes, sha256 } = await packs.digest(pack.name);
  if (bytes === pack.bytes && sha256 === pack.name) return;
  await packs.remove(pack.name);
  throw wrong(pack, bytes === pack.bytes ? 'its SHA-256 differs' : `it has ${bytes} bytes, not ${pack.bytes}`);
}
