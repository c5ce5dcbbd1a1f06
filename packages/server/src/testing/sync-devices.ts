import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommitFrame, Frame, PackSpec, PlanFrame, TableSpec } from '@carryon/protocol';
import { check, readCheck, type CheckLimits } from '../core/check.ts';
import type { ActiveShare, Entitlement } from '../core/entitle.ts';
import { carriedToken, headerOf, positionOf, pull, tablesOf, type PullAnswer } from '../core/pull.ts';
import { moveToken, tokenFromText, tokenToText, type TablePosition, type Token } from '../core/token.ts';
import { readEntitled, type Asker } from '../entitled.ts';
import type { Planner } from '../packs/planner.ts';
import type { Person, Snapshot, Storage, StoreState } from '../ports/storage.ts';
import { ModelDevice, packRows, rowText } from './model-device.ts';
import { ensure, same, sortedTexts } from './store-audit.ts';
import type { Mutant } from './sync-mutants.ts';

/** What must be, by checkpoint. */
export interface Truth {
  /** The tables that the person has, with the names of their columns. */
  tables(checkpoint: number, user: string): ReadonlyMap<string, readonly string[]>;
  /** The person's rows of a table as sorted texts, with the columns that it has on the device. */
  rows(checkpoint: number, user: string, table: TableSpec): readonly string[];
  /** The rows that everybody gets, whoever it is. */
  publicRows(checkpoint: number, table: TableSpec): readonly string[];
  /** Whether the person may be told that the row is gone. */
  mayKnow(user: string, table: number, rid: number): boolean;
}

/** The server that devices talk to. */
export interface Served {
  readonly storage: Storage;
  readonly planner: Planner;
  readonly nowMs: () => number;
  readonly personOf: (user: string) => Person;
}

/** A device and what it still has to fetch. */
export interface Session {
  readonly device: ModelDevice;
  /** Starts with plans of packs, or reads the feed from nothing. */
  readonly start: 'plan' | 'zero';
  /** How the server has described tables, by their ids. */
  specs: Map<number, TableSpec>;
  /** The same as of the last commit. */
  committedSpecs: Map<number, TableSpec>;
  packs: PackSpec[];
}

export interface SyncStep {
  readonly op: 'sync';
  readonly device: number;
  /** How many answers the device takes now. */
  readonly answers: number;
  readonly pageRows: number;
  /** The last answer is lost on its way. */
  readonly lost: boolean;
  /** Rows arrive twice. */
  readonly twice: boolean;
  /** Packs are taken only when a commit cannot wait any longer. */
  readonly latePacks: boolean;
  /** Only these positions of tables take part; none: all. */
  readonly tables: readonly number[];
}

export const ONE_ANSWER: SyncStep = { op: 'sync', device: 0, answers: 1, pageRows: 3, lost: false, twice: false, latePacks: false, tables: [] };

const BYTES = 1 << 20;
const MOST_ANSWERS = 300;
const seal = (text: string): string => text;

interface Missing { readonly entitlement: Entitlement; readonly shares: readonly ActiveShare[]; readonly state: StoreState }

/** Model devices that sync as the HTTP side would let them. Whatever they are sent, and whatever they have at a commit, is compared with the truth. */
export class SyncDevices {
  readonly sessions: Session[] = [];
  readonly #packFolder: string;
  readonly #served: () => Served;
  readonly #truth: Truth;
  readonly #mutant: Mutant;
  /** Every pack that was planned for anybody. */
  readonly #planned = new Map<string, { readonly spec: PackSpec; readonly tables: readonly TableSpec[] }>();

  constructor(packFolder: string, served: () => Served, truth: Truth, mutant: Mutant = {}) {
    this.#packFolder = packFolder;
    this.#served = served;
    this.#truth = truth;
    this.#mutant = mutant;
  }

  join(user: string, start: Session['start']): Session {
    const session: Session = { device: new ModelDevice(user, [], { versionCheck: this.#mutant.versionCheck ?? true }), start, specs: new Map(), committedSpecs: new Map(), packs: [] };
    this.sessions.push(session);
    return session;
  }

  session(device: number): Session {
    const session = this.sessions[device % Math.max(1, this.sessions.length)];
    if (!session) throw new Error(`no device ${device}`);
    return session;
  }

  /** Some exchanges of one device. */
  async sync(session: Session, step: SyncStep): Promise<void> {
    for (let i = 1; i <= step.answers; i++) await this.#exchange(session, step, step.lost && i === step.answers);
  }

  crash(session: Session): void {
    session.device.crash();
    session.specs = new Map(session.committedSpecs);
    session.packs = [];
  }

  /** The device downloads some tables again, once it has anything. */
  async fresh(session: Session, chosen: readonly number[]): Promise<void> {
    const { device } = session;
    if (device.token === null || session.packs.length > 0) return;
    const specs = device.specs.filter((_, i) => chosen.includes(i));
    const token = await this.tokenOf(device);
    const kept = { ...token, tables: new Map([...token.tables].filter(([id]) => !specs.some((spec) => spec.id === id))) };
    const answer = await this.ask(device.user, kept, specs.map(({ id }) => id), 1);
    if ('shares' in answer) await this.#plan(session, kept, answer, false);
  }

  /** One answer, as the HTTP side would give it. */
  async ask(user: string, token: Token, tables: readonly number[] | undefined, pageRows: number, observe = (snapshot: Snapshot): Snapshot => snapshot): Promise<PullAnswer | Missing> {
    return this.#read(user, (snapshot, entitlement) => {
      const shares = entitlement.shares.filter(({ table }) => tables?.includes(table.id) ?? true);
      const carried = carriedToken(token, entitlement).tables;
      const missing = shares.filter(({ table }) => !carried.has(table.id));
      if (missing.length > 0) return { entitlement, shares: missing, state: snapshot.state() };
      const request = { user, device: 'device', token, entitlement, shares, nowMs: this.#served().nowMs(), seal: this.#mutant.token ?? seal };
      return pull(observe(snapshot), request, { pageRows, pageBytes: BYTES });
    });
  }

  /** One check of a table: gives the answer's frames, after the device took them and holds its share. */
  async check(session: Session, table: TableSpec, width: number, limits: CheckLimits): Promise<readonly Frame[]> {
    const { device } = session;
    const asked = { table: table.id, width, ranges: device.measure(table.id, width) };
    const token = await this.tokenOf(device);
    readCheck(asked, token);
    const { frames } = await this.#read(device.user, (snapshot, entitlement) =>
      check(snapshot, { user: device.user, device: 'device', token, entitlement, check: asked, nowMs: this.#served().nowMs(), seal }, limits));
    this.#checkFrames(device.user, frames, session.specs);
    if (frames.some((frame) => 'lost' in frame)) return frames;
    device.beginCheck(table.id);
    for (const commit of frames.flatMap((frame) => device.take(frame) ?? [])) this.#checkCommit(device, commit);
    return frames;
  }

  /** The same for one of the device's tables, with room for everything. While tables wait for a plan or a commit, what the device has of them is not what its token names. */
  async checkAny(session: Session, at: number, width: number): Promise<void> {
    const { device } = session;
    const { tables } = await this.tokenOf(device);
    const known = device.specs.filter(({ id }) => tables.has(id));
    const table = known[at % Math.max(1, known.length)];
    if (table && device.isCommitted) await this.check(session, table, width, { checkRows: 1000, checkBytes: BYTES });
  }

  async tokenOf(device: ModelDevice): Promise<Token> {
    const { epoch } = await this.#served().storage.read((snapshot) => snapshot.state());
    const token = device.token === null ? { epoch, specs: '', tables: new Map() } : tokenFromText(device.token);
    if (!token) throw new Error('a token cannot be read');
    return token;
  }

  /** One person asks with another's token: nothing comes that is not the asker's. */
  async steal(thief: string, { device, specs }: Session): Promise<void> {
    const answer = await this.ask(thief, await this.tokenOf(device), undefined, 5);
    if ('frames' in answer) this.#checkFrames(thief, answer.frames, specs);
  }

  /** One person asks with a token that was made up after a device's: nothing comes that is not the asker's. */
  async forge(forger: string, { device, specs }: Session, numbers: readonly number[]): Promise<void> {
    const token = await this.tokenOf(device);
    const tables = new Map([...token.tables].map(([id, { form }], i) => [id, forgedPosition(form, numbers.slice(i % 3))]));
    const answer = await this.ask(forger, { ...token, tables }, undefined, 5);
    if ('frames' in answer) this.#checkFrames(forger, answer.frames, specs);
  }

  /** Packs that the person may fetch, whoever they were planned for, hold nothing that is not the person's. */
  async probe(user: string): Promise<void> {
    for (const [name, { spec, tables }] of this.#planned) {
      if (await this.#served().planner.mayRead({ name, user })) await this.#checkPack(user, spec, tables);
    }
  }

  /** Without further changes a round ends, the device holds its share and nothing else, and asking again gives and costs nothing. */
  async finish(session: Session, checkpoint: number): Promise<void> {
    const { device } = session;
    for (let answers = 0; ; answers++) {
      ensure('I9 a round without changes ends', answers < MOST_ANSWERS);
      const before = device.token;
      await this.sync(session, ONE_ANSWER);
      if (before !== null && session.packs.length === 0 && device.isCommitted && device.token === before) break;
    }
    this.checkEqual(session, checkpoint);
    let reads = 0;
    const count = (snapshot: Snapshot): Snapshot => ({
      ...snapshot,
      feed: (...args) => { reads++; return snapshot.feed(...args); },
      liveRids: (...args) => { reads++; return snapshot.liveRids(...args); },
      leavers: (...args) => { reads++; return snapshot.leavers(...args); },
    });
    const answer = await this.ask(device.user, await this.tokenOf(device), undefined, 1, count);
    const last = 'frames' in answer ? answer.frames.at(-1) : undefined;
    same('I21 a poll with nothing new reads and sends no rows', { reads, rows: 'rows' in answer ? answer.rows : undefined, isNews: 'isNews' in answer && answer.isNews }, { reads: 0, rows: 0, isNews: false });
    same('I15 the token stays', last && 'commit' in last ? last.commit.token : last, device.token);
  }

  /** What the device holds must be the person's share at that checkpoint: its tables and their rows, and nothing else. */
  checkEqual({ device }: Session, checkpoint: number): void {
    this.#checkTables(device, checkpoint, 'I15 after a round without changes');
    for (const table of device.specs) this.#compare(device, table, checkpoint, 'I15 after a round without changes');
  }

  async #read<T>(user: string, use: (snapshot: Snapshot, entitlement: Entitlement) => T): Promise<T> {
    const { storage, nowMs, personOf } = this.#served();
    const asker: Asker = { personOf: () => personOf(user), nowMs };
    return readEntitled(storage, asker, (snapshot, entitlement) => use(this.#mutant.snapshot?.(snapshot) ?? snapshot, this.#mutant.entitlement?.(entitlement, snapshot) ?? entitlement));
  }

  async #exchange(session: Session, step: SyncStep, lost: boolean): Promise<void> {
    const { device } = session;
    if (session.packs.length > 0 && !step.latePacks) return this.#takePacks(session, 1);
    const chosen = device.token === null || step.tables.length === 0 ? undefined : device.specs.filter((_, i) => step.tables.includes(i)).map(({ id }) => id);
    const token = await this.tokenOf(device);
    const answer = await this.ask(device.user, token, chosen, step.pageRows);
    if ('shares' in answer) return this.#plan(session, token, answer, lost);
    const frames = this.#mutant.frames?.(answer.frames) ?? answer.frames;
    this.#checkFrames(device.user, frames, session.specs);
    if (lost) return;
    learn(session, frames);
    this.#take(session, frames, step.twice);
  }

  async #plan(session: Session, token: Token, missing: Missing, lost: boolean): Promise<void> {
    const { device } = session;
    const frames = session.start === 'plan' ? await this.#planFrames(token, missing) : planOfNothing(token, missing);
    const plan = frames.find((frame) => 'plan' in frame);
    for (const spec of plan?.plan.packs ?? []) {
      this.#planned.set(spec.name, { spec, tables: plan?.plan.tables ?? [] });
      await this.#checkPack(device.user, spec, plan?.plan.tables ?? []);
    }
    this.#checkFrames(device.user, frames, session.specs);
    if (lost || !plan) return;
    session.packs = [...withoutTables(session.packs, plan), ...plan.plan.packs];
    for (const frame of frames) if ('tables' in frame) device.take(frame);
    device.takePlan(plan);
    learn(session, frames);
  }

  async #planFrames(token: Token, { entitlement, shares, state }: Missing): Promise<Frame[]> {
    const frames: Frame[] = [headerFrame(entitlement, state)];
    for await (const frame of this.#served().planner.plan({ token, entitlement, shares, checkpoint: state.checkpoint, codec: 'zstd', seal })) frames.push(frame);
    return frames;
  }

  /** Gives the frames to the device, packs at the latest before the first commit; rows may come twice. */
  #take(session: Session, frames: readonly Frame[], twice: boolean): void {
    const { device } = session;
    const first = frames.findIndex((frame) => 'commit' in frame || 'page' in frame);
    for (const frame of twice ? [...frames.slice(0, first), ...frames] : frames) {
      if ('commit' in frame) this.#takePacks(session, session.packs.length);
      const commit = device.take(frame);
      if (!commit) continue;
      session.committedSpecs = new Map(session.specs);
      this.#checkCommit(device, commit);
    }
  }

  /** Takes packs, the last ones first, and each twice. */
  #takePacks(session: Session, count: number): void {
    for (let i = 0; i < count; i++) {
      const spec = session.packs.pop();
      if (!spec) return;
      for (const _ of [1, 2]) session.device.takePack(spec, this.#bytesOf(spec));
    }
  }

  #bytesOf({ name }: PackSpec): Uint8Array {
    return readFileSync(join(this.#packFolder, name));
  }

  /** I12: every table and row sent belongs to the person's share at the answer's checkpoint. */
  #checkFrames(user: string, frames: readonly Frame[], known: ReadonlyMap<number, TableSpec>): void {
    const header = frames[0];
    const checkpoint = header && 'header' in header ? header.header.checkpoint : 0;
    const specs = new Map(known);
    let table: TableSpec | undefined;
    let level = -1;
    for (const frame of frames) {
      if ('tables' in frame) same(`I12 the tables of ${user}`, named(frame.tables), [...this.#truth.tables(checkpoint, user)].sort(byName));
      const described = describedIn(frame);
      for (const spec of described) same(`I12 the columns of ${spec.name} for ${user}`, spec.columns.map(({ name }) => name), this.#truth.tables(checkpoint, user).get(spec.name));
      for (const spec of described) specs.set(spec.id, spec);
      if ('table' in frame) table = specs.get(frame.table);
      if ('commit' in frame) {
        ensure('I3 commits of one answer are of one checkpoint', frame.commit.checkpoint === checkpoint);
        const levels = frame.commit.tables.map(({ table: id }) => specs.get(id)?.level ?? -1);
        ensure('I19 lower levels are committed first', levels.every((one) => one > level));
        level = Math.max(level, ...levels);
      }
      if (0 in frame && frame[0] === 'R') ensure(`I12 row ${frame[1]} of ${table?.name}, which is removed, was in the share of ${user} once`, this.#truth.mayKnow(user, table?.id ?? 0, frame[1]));
      if (0 in frame && frame[0] === 'P') {
        if (!table) throw new Error('I12 a row of no table');
        ensure(`I12 row ${frame[1]} of ${table.name} belongs to the share of ${user}`, this.#truth.rows(checkpoint, user, table).includes(JSON.stringify(frame.slice(3))));
      }
    }
  }

  /** I12: what a pack holds was the person's, or everybody's, at some checkpoint since it was made. */
  async #checkPack(user: string, spec: PackSpec, tables: readonly TableSpec[]): Promise<void> {
    const { checkpoint } = await this.#served().storage.read((snapshot) => snapshot.state());
    const checkpoints = Array.from({ length: checkpoint - spec.asOf + 1 }, (_, i) => spec.asOf + i);
    for (const { table: id } of spec.parts) {
      const table = tables.find((candidate) => candidate.id === id);
      if (!table) throw new Error(`a pack has rows of the unknown table ${id}`);
      const allowed = new Set(checkpoints.flatMap((at) => [...this.#truth.rows(at, user, table), ...this.#truth.publicRows(at, table)]));
      for (const { rid, values } of packRows(spec, this.#bytesOf(spec), table)) ensure(`I12 row ${rid} of ${table.name} in a pack belongs to the share of ${user}`, allowed.has(rowText(values)));
    }
  }

  #checkCommit(device: ModelDevice, { checkpoint, tables }: CommitFrame['commit']): void {
    this.#checkTables(device, checkpoint, `I1 at checkpoint ${checkpoint}`);
    for (const { table: id } of tables) {
      const table = device.specs.find((spec) => spec.id === id);
      if (!table) throw new Error(`I1 a commit of the unknown table ${id}`);
      this.#compare(device, table, checkpoint, `I1 at checkpoint ${checkpoint}`);
    }
  }

  /** A device has no rows of a table that the person does not have. */
  #checkTables(device: ModelDevice, checkpoint: number, when: string): void {
    const tables = this.#truth.tables(checkpoint, device.user);
    for (const { id, name } of device.specs) if (device.rows(id)) ensure(`${when}, ${device.user} has no table ${name}`, tables.has(name));
    if (when.startsWith('I15')) same(`${when}, the tables of ${device.user}`, named(device.specs), [...tables].sort(byName));
  }

  #compare(device: ModelDevice, table: TableSpec, checkpoint: number, when: string): void {
    same(`${when}, ${table.name} of ${device.user}`, sortedTexts((device.rows(table.id) ?? []).map((row) => row.values)), this.#truth.rows(checkpoint, device.user, table));
  }
}

function forgedPosition(form: string, [at = 0, scope = 0, seq = 0, first = 0, marks = 0, pageScope = 0]: readonly number[]): TablePosition {
  if (marks > 9) return { at, scope, form };
  return { at, scope, form, page: { scope: marks % 2 === 0 ? scope : pageScope, seq, rid: 0, first, ...(marks % 3 === 0 ? { gap: true } : {}), ...(marks % 4 === 1 ? { swept: true } : {}) } };
}

/** The answer to a device that reads all from the feed: a plan without packs, that starts at nothing. */
function planOfNothing(token: Token, { entitlement, shares, state }: Missing): Frame[] {
  const positions = shares.map((share) => [share.table.id, positionOf(share, 0)] as const);
  const plan = { tables: shares.map(({ table }) => table), packs: [], token: seal(tokenToText(moveToken(carriedToken(token, entitlement), positions))) };
  return [headerFrame(entitlement, state), ...tablesOf(entitlement, token), { plan }];
}

const describedIn = (frame: Frame): readonly TableSpec[] => ('tables' in frame ? frame.tables : 'plan' in frame ? frame.plan.tables : []);

function learn({ specs }: Session, frames: readonly Frame[]): void {
  for (const spec of frames.flatMap(describedIn)) specs.set(spec.id, spec);
}

const headerFrame = ({ user }: Entitlement, state: StoreState): Frame => headerOf(state, user, 0);

/** Packs without the parts that the plan brings anew. */
const withoutTables = (packs: readonly PackSpec[], { plan }: PlanFrame): PackSpec[] =>
  packs.map((pack) => ({ ...pack, parts: pack.parts.filter((part) => !plan.tables.some(({ id }) => id === part.table)) })).filter(({ parts }) => parts.length > 0);

const byName = ([a]: readonly [string, ...unknown[]], [b]: readonly [string, ...unknown[]]): number => (a < b ? -1 : 1);
const named = (specs: readonly TableSpec[]): [string, string[]][] => specs.map(({ name, columns }): [string, string[]] => [name, columns.map((column) => column.name)]).sort(byName);
