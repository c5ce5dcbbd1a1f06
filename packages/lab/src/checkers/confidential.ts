import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { parseFrame, type Frame, type TableSpec } from '@carryon/protocol';
import type { LabDevice } from '../actors/device.ts';
import type { LabAnswer, LabRequest, LabServer } from '../actors/server.ts';
import { serverFiles } from '../actors/template.ts';
import type { Shares } from './shares.ts';

/** The texts by which rows are known: what the business wrote, `~jobs 17 0~`, and what a device did, `edit desk 2.0:17`. */
const MARKS = /~[a-z_]+ [^~\n]{1,40}~|edit [a-z]+ \d+\.\d+:\w+/g;
const ERRORS = 'carryon_sync_error';
const GZIP = Buffer.from([0x1f, 0x8b]);

const marksIn = (text: string): readonly string[] => text.match(MARKS) ?? [];
const ok = ({ status }: LabAnswer): boolean => status === 200 || status === 206;

/** An address of a pack that the person was given, and the tables inside. */
interface Given { readonly url: string; readonly tables: readonly string[] }

/**
 * Reads all that the server says to a person, the packs that they fetch, and every table on their device, the engine's own among them: nothing
 * is there that was at no checkpoint in the person's share. Of tables that the person has no more, no address of a pack that they were ever
 * given works.
 */
export class Confidential {
  readonly #device: LabDevice;
  readonly #server: LabServer;
  readonly #note: (found: readonly string[]) => void;
  /** Whatever the person may have seen at some time. */
  readonly #allowed = new Set<string>();
  readonly #known = new Set<string>();
  readonly #packs = new Set<string>();
  readonly #names = new Map<number, string>();
  readonly #given = new Map<string, Given>();
  readonly #stop: () => void;

  constructor(device: LabDevice, server: LabServer, shares: Shares, note: (found: readonly string[]) => void) {
    this.#device = device;
    this.#server = server;
    this.#note = note;
    this.learn(shares);
    this.#stop = server.onAnswer((user, request, answer) => { if (user === device.user) this.#hear(request, answer); });
  }

  /** The person's share is another now. */
  learn(shares: Shares): void {
    for (const [table, { lines }] of shares.now()) for (const line of lines) this.#learnLine(table, line);
  }

  /** The server's sync data was made anew: tables have other numbers, and no pack of before is there. */
  renew(): void {
    this.#names.clear();
    this.#given.clear();
    this.#packs.clear();
  }

  /** What is wrong with what the device holds. */
  look(): string[] {
    const { database } = this.#device.disk;
    if (!existsSync(database)) return [];
    const db = new DatabaseSync(database, { readOnly: true });
    try {
      const names = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all().map(({ name }) => String(name));
      return names.flatMap((name) => this.#strange(JSON.stringify(db.prepare(`SELECT * FROM "${name}"`).all()), `table ${name} on ${this.#device.name}`));
    } finally {
      db.close();
    }
  }

  /** Asks for every pack that the person was ever given an address of. */
  async end(): Promise<string[]> {
    const found = this.look();
    const has = this.#server.rights.tablesOf(this.#device.user);
    for (const { url, tables } of this.#given.values()) {
      const former = tables.filter((table) => !has.includes(table));
      if (former.length > 0 && ok(await this.#server.ask({ method: 'GET', url }))) found.push(`${this.#device.user} still gets a pack with ${former.join(', ')}`);
    }
    return found;
  }

  close(): void {
    this.#stop();
  }

  #learnLine(table: string, line: string): void {
    if (this.#known.has(line)) return;
    this.#known.add(line);
    const marks = [...line.matchAll(/(?:^| )t([0-9A-F]+)/g)].flatMap(([, hex = '']) => marksIn(Buffer.from(hex, 'hex').toString()));
    // An error may repeat what the person did, and not what they may not see.
    for (const mark of marks) if (table !== ERRORS || mark.startsWith('edit ')) this.#allowed.add(mark);
  }

  #hear({ url }: LabRequest, answer: LabAnswer): void {
    if (!ok(answer)) return;
    const pack = /\/packs\/(\w+)/.exec(url)?.[1];
    if (pack === undefined) this.#hearFrames(answer);
    else this.#hearPack(pack);
  }

  #hearFrames({ headers, body }: LabAnswer): void {
    const text = (headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString();
    this.#note(this.#strange(text, 'an answer'));
    for (const frame of text.split('\n').filter((line) => line !== '').map(parseFrame)) if (frame) this.#hearFrame(frame);
  }

  #hearFrame(frame: Frame): void {
    const name = (tables: readonly TableSpec[]): void => { for (const table of tables) this.#names.set(table.id, table.name); };
    if ('tables' in frame) name(frame.tables);
    if (!('plan' in frame)) return;
    name(frame.plan.tables);
    for (const { url, parts } of frame.plan.packs) this.#given.set(url, { url, tables: parts.map(({ table }) => this.#names.get(table) ?? String(table)) });
  }

  /** The whole of it, whatever part the person asked for. */
  #hearPack(name: string): void {
    const file = join(serverFiles(this.#server.folder).packs, name);
    if (this.#packs.has(name) || !existsSync(file)) return;
    this.#packs.add(name);
    const bytes = readFileSync(file);
    const raw = bytes.subarray(0, 2).equals(GZIP) ? gunzipSync(bytes) : zstdDecompressSync(bytes);
    // Among bytes nobody can tell where a device's mark ends.
    this.#note(this.#strange(raw.toString('latin1').replaceAll('edit ', ''), 'a pack'));
  }

  #strange(text: string, where: string): string[] {
    const own = `edit ${this.#device.name} `;
    const strange = [...new Set(marksIn(text))].filter((mark) => !this.#allowed.has(mark) && !mark.startsWith(own));
    return strange.length === 0 ? [] : [`${where} shows ${this.#device.user} "${strange[0]}" and ${strange.length - 1} more that was never in their share`];
  }
}
