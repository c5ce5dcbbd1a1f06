import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { CommitFrame, Frame, PackSpec } from '@carryon/protocol';
import { check, readCheck, type CheckLimits } from '../core/check.ts';
import { scopeOf } from '../core/cut.ts';
import { parseProfile } from '../core/profile.ts';
import { pull, type PullAnswer } from '../core/pull.ts';
import { tokenFromText, type Token } from '../core/token.ts';
import { PackFiles } from '../packs/files.ts';
import { Planner } from '../packs/planner.ts';
import { PackUrls } from '../packs/url.ts';
import type { Clock } from '../ports/clock.ts';
import type { Snapshot, Storage, SyncedTable } from '../ports/storage.ts';
import { openDirectStorage } from '../storage/sqlite/storage.ts';
import { compileFor, type StoreFiles } from '../storage/sqlite/store.ts';
import { PROFILE, runTransaction, SCHEMA, USERS, type Step, type SyncStep, type Write } from './history.ts';
import { ModelDevice, rowText } from './model-device.ts';
import { shareOf } from './oracle.ts';
import { ensure, same, sortedTexts, StoreAudit, type Expected } from './store-audit.ts';

/** A fault put in on purpose, to see that the checks find it. */
export interface Mutant {
  readonly snapshot?: (snapshot: Snapshot) => Snapshot;
  readonly frames?: (frames: readonly Frame[]) => readonly Frame[];
  readonly token?: (text: string) => string;
  readonly versionCheck?: false;
}

/** A device and what it still has to fetch. */
export interface Session {
  readonly device: ModelDevice;
  /** Starts with a plan of packs, or reads the feed from nothing. */
  readonly start: 'plan' | 'zero';
  packs: PackSpec[];
}

const TICK_MS = 1000;
const BYTES = 1 << 20;

/** A business database, a server's core and storage around it, and model devices: everything moves by calls alone. */
export class SyncWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'carryon-world-'));
  readonly tables: readonly SyncedTable[];
  readonly sessions: Session[] = [];
  readonly #business: DatabaseSync;
  readonly #files: StoreFiles = { database: join(this.folder, 'app.db'), store: join(this.folder, 'sync.db') };
  readonly #packFiles = new PackFiles(join(this.folder, 'packs'));
  readonly #mutant: Mutant;
  readonly #packWidth: number;
  readonly #shares: Expected[] = [];
  readonly #publishedMs: number[] = [];
  #storage: Storage | undefined;
  #audit: StoreAudit | undefined;
  #planner: Planner | undefined;
  #nowMs = 1_000_000;
  #ids = 0;

  constructor(options: { readonly mutant?: Mutant; readonly packWidth?: number } = {}) {
    this.#mutant = options.mutant ?? {};
    this.#packWidth = options.packWidth ?? 0;
    this.#business = new DatabaseSync(this.#files.database);
    this.#business.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; ${SCHEMA}`);
    this.tables = compileFor(this.#files.database, parseProfile(PROFILE));
  }

  /** Starts the server: the first checkpoint is there afterwards. */
  async start(): Promise<void> {
    await this.#packFiles.open();
    this.#open();
    for (const table of this.tables) if (this.#packWidth > 0) await this.storage.setWidth({ table: table.id, param: '' }, this.#packWidth);
    await this.storage.prepare(() => undefined);
    ensure('the first evaluation publishes', await this.evaluate());
  }

  async close(): Promise<void> {
    this.#audit?.close();
    await this.#storage?.close();
    this.#business.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The process ends and another one starts. */
  async restart(): Promise<void> {
    this.#audit?.close();
    await this.storage.close();
    this.#open(true);
  }

  get storage(): Storage {
    if (!this.#storage) throw new Error('the world was not started');
    return this.#storage;
  }

  join(user: string, start: Session['start']): Session {
    const session: Session = { device: new ModelDevice(user, this.tables, { versionCheck: this.#mutant.versionCheck ?? true }), start, packs: [] };
    this.sessions.push(session);
    return session;
  }

  transaction(writes: readonly Write[], rolledBack = false): void {
    runTransaction(this.#business, writes, rolledBack);
  }

  /** Takes in what changed; what was published, or left unpublished, must be what the business database holds. */
  async evaluate(): Promise<boolean> {
    this.#nowMs += TICK_MS;
    const published = await this.storage.evaluate(this.#nowMs);
    const shares = this.#oracle();
    if (published) await this.#note(shares);
    else for (const table of this.tables) same('I4 nothing is published and nothing has changed', shares(table), this.#shares.at(-1)?.(table));
    return published;
  }

  /** Forgets tombstones of all but the last checkpoints. */
  async expire(keep: number): Promise<void> {
    const at = this.#publishedMs[Math.max(0, this.#publishedMs.length - 1 - keep)] ?? 0;
    await this.storage.expire(at + 1);
    await this.#check();
  }

  /** One step of a history. */
  async play(step: Step): Promise<void> {
    switch (step.op) {
      case 'transaction': return this.transaction(step.writes, step.rolledBack);
      case 'evaluate': return void (await this.evaluate());
      case 'expire': return this.expire(step.keep);
      case 'restart': return this.restart();
      case 'crash': return this.crash(this.#session(step.device));
      case 'fresh': return this.fresh(this.#session(step.device), step.tables);
      case 'sync': return this.sync(this.#session(step.device), step);
      default: return step satisfies never;
    }
  }

  /** A device that once had something downloads some tables again. */
  async fresh(session: Session, chosen: readonly number[]): Promise<void> {
    if (session.device.token !== null) await this.plan(session, this.tables.filter((_, i) => chosen.includes(i)));
  }

  /** Some exchanges of one device. */
  async sync(session: Session, step: SyncStep): Promise<void> {
    for (let i = 1; i <= step.answers; i++) await this.#exchange(session, step, step.lost && i === step.answers);
  }

  crash(session: Session): void {
    session.device.crash();
    session.packs = [];
  }

  /** One answer, as the HTTP side would give it. */
  async ask(device: ModelDevice, token: Token, tables: readonly SyncedTable[], pageRows: number, observe = (snapshot: Snapshot): Snapshot => snapshot): Promise<PullAnswer> {
    await this.#activate(device.user);
    const limits = { pageRows, pageBytes: BYTES };
    const mutate = (snapshot: Snapshot): Snapshot => this.#mutant.snapshot?.(snapshot) ?? snapshot;
    const seal = this.#mutant.token ?? ((text: string): string => text);
    return this.storage.read((snapshot) => pull(observe(mutate(snapshot)), { user: device.user, device: 'device', token, tables, nowMs: this.#nowMs, seal }, limits));
  }

  /** One check of a table: gives the answer's frames, after the device took them and holds its share. */
  async check({ device }: Session, table: SyncedTable, width: number, limits: CheckLimits): Promise<readonly Frame[]> {
    await this.#activate(device.user);
    const asked = { table: table.id, width, ranges: device.measure(table.id, width) };
    const token = await this.tokenOf(device);
    const question = { user: device.user, device: 'device', token, table: readCheck(asked, token, this.tables), check: asked, nowMs: this.#nowMs, seal: (text: string): string => text };
    const { frames } = await this.storage.read((snapshot) => check(this.#mutant.snapshot?.(snapshot) ?? snapshot, question, limits));
    this.#checkFrames(device, frames);
    if (frames.some((frame) => 'lost' in frame)) return frames;
    device.beginCheck(table.id);
    for (const commit of frames.flatMap((frame) => device.take(frame) ?? [])) this.#checkCommit(device, commit);
    return frames;
  }

  async tokenOf(device: ModelDevice): Promise<Token> {
    const { epoch } = await this.storage.read((snapshot) => snapshot.state());
    const token = device.token === null ? { epoch, tables: new Map(this.tables.map((table) => [table.id, { at: 0 }])) } : tokenFromText(device.token);
    if (!token) throw new Error('a token cannot be read');
    return token;
  }

  /** What the device holds must be the person's share as it is now. */
  checkEqual(session: Session): void {
    for (const table of this.tables) this.#compare(session.device, table, this.#oracle(), 'I15 after a round without changes');
  }

  async #exchange(session: Session, step: SyncStep, lost: boolean): Promise<void> {
    const { device } = session;
    if (device.token === null && session.start === 'plan') return this.plan(session, this.tables, lost);
    if (session.packs.length > 0 && !step.latePacks) return this.#takePacks(session, 1);
    const chosen = device.token === null ? [] : step.tables;
    const tables = this.tables.filter((_, i) => chosen.length === 0 || chosen.includes(i));
    const answer = await this.ask(device, await this.tokenOf(device), tables, step.pageRows);
    const frames = this.#mutant.frames?.(answer.frames) ?? answer.frames;
    this.#checkFrames(device, frames);
    if (lost) return;
    const commits = take(session, frames, step.twice, () => this.#takePacks(session, session.packs.length));
    for (const commit of commits) this.#checkCommit(device, commit);
  }

  /** A plan for tables that the device has nothing of, or no longer trusts. */
  async plan(session: Session, tables: readonly SyncedTable[], lost = false): Promise<void> {
    const { device } = session;
    if (session.packs.length > 0) return;
    await this.#activate(device.user);
    const { epoch, tables: positions } = await this.tokenOf(device);
    const kept = device.token === null ? [] : [...positions].filter(([id]) => !tables.some((table) => table.id === id));
    const request = { user: device.user, token: { epoch, tables: new Map(kept) }, tables, codec: 'zstd' as const, seal: (text: string): string => text };
    for await (const frame of this.#planner?.plan(request) ?? []) {
      if (!('plan' in frame) || lost) continue;
      device.takePlan(frame);
      session.packs = [...frame.plan.packs];
    }
  }

  /** Takes packs, the last ones first, and each twice. */
  #takePacks(session: Session, count: number): void {
    for (let i = 0; i < count; i++) {
      const spec = session.packs.pop();
      if (!spec) return;
      const bytes = readFileSync(join(this.folder, 'packs', spec.name));
      session.device.takePack(spec, bytes);
      session.device.takePack(spec, bytes);
    }
  }

  /** I12: every row sent belongs to the person's share at the answer's checkpoint. */
  #checkFrames(device: ModelDevice, frames: readonly Frame[]): void {
    const header = frames[0];
    const checkpoint = header && 'header' in header ? header.header.checkpoint : 0;
    let table = 0;
    for (const frame of frames) {
      if ('table' in frame) table = frame.table;
      if ('commit' in frame) ensure('I3 commits of one answer are of one checkpoint', frame.commit.checkpoint === checkpoint);
      if (0 in frame && frame[0] === 'P') {
        ensure(`I12 row ${frame[1]} belongs to the person's share`, this.#sharesAt(checkpoint)(this.#table(table), device.user).includes(JSON.stringify(frame.slice(3))));
      }
    }
  }

  #checkCommit(device: ModelDevice, commit: CommitFrame['commit']): void {
    for (const { table } of commit.tables) this.#compare(device, this.#table(table), this.#sharesAt(commit.checkpoint), `I1 at checkpoint ${commit.checkpoint}`);
  }

  #compare(device: ModelDevice, table: SyncedTable, shares: Expected, when: string): void {
    same(`${when}, ${table.name} of ${device.user}`, sortedTexts((device.rows(table.id) ?? []).map((row) => row.values)), shares(table, device.user));
  }

  #session(device: number): Session {
    const session = this.sessions[device];
    if (!session) throw new Error(`no device ${device}`);
    return session;
  }

  #table(id: number): SyncedTable {
    const table = this.tables.find((candidate) => candidate.id === id);
    if (!table) throw new Error(`no table ${id}`);
    return table;
  }

  #sharesAt(checkpoint: number): Expected {
    const shares = this.#shares[checkpoint];
    if (!shares) throw new Error(`nothing is known of checkpoint ${checkpoint}`);
    return shares;
  }

  /** The shares as the business database has them now, remembered as they are. */
  #oracle(): Expected {
    const rows = new Map(this.tables.map((table) => [table.id, { all: shareOf(this.#business, table), own: new Map<string, string[]>() }]));
    for (const table of this.tables) {
      for (const user of USERS) rows.get(table.id)?.own.set(user, sortedTexts(shareOf(this.#business, table, user)));
    }
    const all = new Map([...rows].map(([id, of]) => [id, of.all.map(rowText).sort()]));
    return (table, user) => {
      const found = user === undefined || table.rule.kind === 'all' ? all.get(table.id) : rows.get(table.id)?.own.get(user);
      if (!found) throw new Error(`nothing is known of ${table.name} for ${user}`);
      return found;
    };
  }

  async #activate(user: string): Promise<void> {
    const keys = this.tables.map((table) => scopeOf(table, user));
    const missing = await this.storage.read((snapshot) => keys.filter((key) => !snapshot.scope(key)));
    if (missing.length === 0) return;
    this.#nowMs += TICK_MS;
    await this.storage.activate(missing, this.#nowMs);
    for (const key of missing) if (this.#packWidth > 0) await this.storage.setWidth(key, this.#packWidth);
    const last = this.#shares.at(-1);
    if (last) await this.#note(last);
  }

  /** Notes the shares of every checkpoint published since. */
  async #note(shares: Expected): Promise<void> {
    const { checkpoint } = await this.storage.read((snapshot) => snapshot.state());
    for (let cp = Math.max(1, this.#shares.length); cp <= checkpoint; cp++) {
      this.#shares[cp] = shares;
      this.#publishedMs.push(this.#nowMs);
    }
    await this.#check();
  }

  async #check(): Promise<void> {
    const { checkpoint, floor } = await this.storage.read((snapshot) => snapshot.state());
    this.#audit?.check(checkpoint, floor, this.#sharesAt(checkpoint));
  }

  #open(again = false): void {
    this.#storage = openDirectStorage(this.#files, this.tables, () => `id-${++this.#ids}`);
    this.#planner = new Planner(this.#storage, this.#packFiles, new PackUrls(new Uint8Array(32)), this.#clock);
    this.#audit = again && this.#audit ? this.#audit.reopen() : new StoreAudit(this.#files.store, this.tables);
  }

  readonly #clock: Clock = { nowMs: () => this.#nowMs, after: () => () => undefined };
}

/** Gives the frames to the device, packs at the latest before the first commit; rows may come twice. Returns the commits. */
function take(session: Session, frames: readonly Frame[], twice: boolean, takePacks: () => void): CommitFrame['commit'][] {
  const commits: CommitFrame['commit'][] = [];
  const first = frames.findIndex((frame) => 'commit' in frame || 'page' in frame);
  for (const frame of twice ? [...frames.slice(0, first), ...frames] : frames) {
    if ('commit' in frame) takePacks();
    const commit = session.device.take(frame);
    if (commit) commits.push(commit);
  }
  return commits;
}
