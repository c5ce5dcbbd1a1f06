import { CarryonError, type ErrorCode, type PackSpec } from '@carryon/protocol';
import type { Answer, Durable, Effect, EngineEvent, Happening } from '../core/event.ts';
import { DEFAULT_CONFIG, EMPTY_OUTBOX, initialState, type EngineState, type Segment, type Step } from '../core/state.ts';
import { thrownAway } from '../core/choose.ts';
import { step } from '../core/step.ts';
import type { Report } from '../ports/host.ts';
import type { Transfer } from '../ports/transfers.ts';
import { CoreEdits } from './core-edits.ts';
import { CoreShare, type Told } from './core-share.ts';
import { AT_WORK } from './manual-host.ts';

type Work = Extract<Effect, { type: 'ask' | 'fetch' | 'unpack' | 'step' | 'hand' | 'list' | 'recall' }>;

/** Throws when something does not hold. */
export function ensure(what: string, holds: boolean): void {
  if (!holds) throw new Error(`does not hold: ${what}`);
}

export interface Recorded {
  readonly event: EngineEvent;
  readonly effects: readonly Effect[];
}

export const NO_DURABLE: Durable = { device: 'd', epoch: undefined, user: undefined, token: null, tables: [], packs: [], outbox: EMPTY_OUTBOX };
/** Failures that pass; the engine goes on after any number of them when it may. */
const PASSING: readonly ErrorCode[] = ['server.unreachable', 'server.unavailable', 'server.busy', 'server.preparing', 'protocol.bad-answer'];

export interface World {
  readonly tables: number;
  readonly levels: number;
  readonly packs: number;
  /** The OS has a transfer service. */
  readonly transfers?: boolean;
  /** The person's tables change meanwhile. */
  readonly changes?: boolean;
}

/** Answers the pure engine's effects by a list of choices, and checks what must always hold. When the choices end, all goes well. */
export class CoreDriver {
  readonly #world: World;
  readonly #choices: readonly number[];
  #at = 0;
  state: EngineState;
  history: Recorded[] = [];
  nowMs = 1_000_000;
  #work: Work[] = [];
  #wakeMs: number | undefined;
  #lookMs: number | undefined;
  #hasLease = false;
  /** Revocations that still wait for their rest. */
  #leaving = false;
  #serial = 0;
  #withdrawals = 0;
  readonly #wrong = new Map<string, number>();
  /** Packs on the device's disk, and those whose rows are in. */
  readonly #here = new Set<string>();
  readonly #applied = new Set<string>();
  /** Packs that the OS fetches, or has given up without a word. */
  readonly #os = new Map<string, 'running' | 'failed'>();
  readonly #edits = new CoreEdits();
  readonly share: CoreShare;
  rests = 0;
  mayRestart = true;
  finished: { readonly error?: CarryonError } | undefined;

  constructor(world: World, choices: readonly number[]) {
    this.#world = world;
    this.#choices = choices;
    this.share = new CoreShare(world.tables, world.levels);
    this.state = this.#start(NO_DURABLE);
  }

  get isCalm(): boolean {
    return this.#at >= this.#choices.length;
  }

  #choose(most: number): number {
    return (this.#choices[this.#at++] ?? 0) % most;
  }

  #start(durable: Durable): EngineState {
    this.history = [];
    this.finished = undefined;
    this.#work = [];
    this.#wakeMs = undefined;
    this.#lookMs = undefined;
    this.#hasLease = false;
    this.#leaving = false;
    this.state = initialState({ ...DEFAULT_CONFIG, mostAttempts: 1e9 }, this.#world.transfers === true);
    this.send({ type: 'started', durable });
    return this.state;
  }

  /** The process ends and starts again with what was on its disk. */
  restart(): void {
    const { device, epoch, user, token, tables, packs } = this.state;
    const stageOf = (name: string): 'applied' | 'stored' | 'wanted' => (this.#applied.has(name) ? 'applied' : this.#here.has(name) ? 'stored' : 'wanted');
    this.#start({
      device, token, epoch, user, outbox: this.#edits.outbox, tables: tables.map((table) => ({ ...table, fresh: false })),
      packs: packs.map((pack) => ({ ...pack, stage: stageOf(pack.name), verified: false, wrong: 0, own: this.#world.transfers !== true, handed: 0 })),
    });
    this.#wrong.clear();
    this.#withdrawals = 0;
  }

  send(happening: Happening): void {
    const event = { ...happening, nowMs: this.nowMs, steadyMs: this.nowMs, random: this.#choose(10) / 10 };
    const next = step(this.state, event);
    this.state = next.state;
    this.history.push({ event, effects: next.effects });
    for (const effect of next.effects) this.#take(effect);
  }

  #take(effect: Effect): void {
    switch (effect.type) {
      case 'journal': case 'abort': case 'wish': return;
      case 'timer':
        if (effect.timer === 'look') return void (this.#lookMs = effect.atMs);
        this.#wakeMs = effect.atMs;
        return ensure('a wake is for later', (effect.atMs ?? this.nowMs) >= this.nowMs);
      case 'rested':
        ensure('rests once for a revocation, with nothing in flight', this.#leaving && this.#work.length === 0);
        this.#leaving = false;
        this.rests++;
        return;
      case 'finished':
        ensure('finishes once', this.finished === undefined);
        this.finished = effect.error ? { error: effect.error } : {};
        return;
      default: return this.#begin(effect);
    }
  }

  #begin(work: Work): void {
    ensure(`${work.type} only with a lease, at rest from the last`, this.#hasLease && !this.#leaving);
    ensure('nothing begins after the end', this.finished === undefined);
    ensure('one step, one question at a time', work.type === 'fetch' || !this.#work.some((other) => other.type === work.type));
    if (work.type === 'hand' || work.type === 'list' || work.type === 'recall') this.#checkTransfers(work);
    if (work.type === 'fetch' || work.type === 'unpack') {
      const { name } = work.pack;
      ensure('a pack is in one place', !this.#work.some((other) => (other.type === 'fetch' || other.type === 'unpack') && other.pack.name === name));
      ensure(work.type === 'fetch' ? 'a pack that is here is not fetched' : 'only a pack that is here is unpacked', this.#here.has(name) === (work.type === 'unpack') || this.#isAlone(work));
      ensure('an applied pack is not touched', !this.#applied.has(name));
      ensure('what the OS fetches is not fetched', work.type === 'unpack' || this.#isAlone(work) || this.#os.get(name) !== 'running');
      ensure('no more than may be at a time', work.type === 'unpack' || this.#work.filter(({ type }) => type === 'fetch').length < this.state.config.fetches);
      ensure('no more packs ahead than may be', this.#world.transfers === true || this.#here.size - this.#applied.size < this.state.config.storedAhead || work.type === 'unpack');
    }
    if (work.type === 'step') this.#checkStep(work.step);
    this.#work.push(work);
  }

  /** A service that never answers is done without: then a pack may come twice. */
  #isAlone(work: Work): boolean {
    return work.type === 'fetch' && this.#world.transfers === true && !this.state.hasTransfers;
  }

  #checkTransfers(work: Extract<Work, { type: 'hand' | 'list' | 'recall' }>): void {
    ensure('transfers only where there are', this.#world.transfers === true);
    ensure('one call of the service at a time', !this.#work.some(({ type }) => type === 'hand' || type === 'list' || type === 'recall'));
    if (work.type !== 'hand') return;
    ensure('what is here, or with the OS already, is not handed over', work.packs.every(({ name }) => !this.#here.has(name) && this.#os.get(name) !== 'running'));
    ensure('what is on its way is not handed over', !this.#work.some((other) => other.type === 'fetch' && work.packs.some(({ name }) => name === other.pack.name)));
  }

  #checkStep(begun: Step): void {
    if (begun.kind === 'apply') ensure('only a pack that is here is applied', this.#here.has(begun.pack.name) && !this.#applied.has(begun.pack.name));
    if (begun.kind === 'index') ensure('an index comes after all packs', this.state.packs.every((pack) => this.#applied.has(pack.name) || pack.parts.every((part) => part.table !== begun.table.id)));
    ensure('what is in flight is not thrown away', !this.#work.some((work) => (work.type === 'fetch' || work.type === 'unpack') && thrownAway(begun).includes(work.pack.name)));
    if (begun.kind !== 'segment') return;
    for (const { table } of begun.segment.commit?.tables ?? []) {
      const found = begun.tables.find(({ id }) => id === table);
      ensure('a commit is for whole tables', found !== undefined && (found.load === 'indexed' || (found.load === 'none' && found.usable)));
    }
  }

  /** One thing happens; false when there is nothing left that could. */
  turn(): boolean {
    const chance = this.isCalm ? 0 : this.#choose(12);
    if (chance === 1) this.revoke();
    else if (chance === 2) this.grant();
    else if (chance === 3 && this.mayRestart) this.restart();
    else if (chance === 4) this.#syncNow();
    else if (chance === 5) this.#wake();
    else if (chance === 6 && this.#os.size > 0) this.#transfer();
    else if (chance === 7) this.#leave();
    else if (chance === 8) this.#write();
    else if (this.#work.length > 0) this.#end(this.#work.splice(this.#choose(this.#work.length), 1)[0]);
    else if (!this.#hasLease) this.grant();
    else if (this.#wakeMs !== undefined) this.#wake();
    else if ([...this.#os.values()].includes('running')) this.#transfer();
    else if (this.#lookMs !== undefined) this.#look();
    else return false;
    return true;
  }

  grant(): void {
    this.#hasLease = true;
    this.send({ type: 'situation', report: this.#report });
  }

  get #report(): Report {
    return this.#world.transfers ? { ...AT_WORK, platform: 'windows11' } : AT_WORK;
  }

  /** The person minimizes the window, where everything goes on. */
  #leave(): void {
    if (this.#hasLease && this.#world.transfers) this.send({ type: 'situation', report: { ...this.#report, app: 'background' } });
  }

  /** The OS has fetched a pack, or given it up, and says so or not. */
  #transfer(): void {
    const running = [...this.#os].filter(([, phase]) => phase === 'running').map(([name]) => name);
    const [name] = running.slice(this.isCalm ? 0 : this.#choose(running.length || 1));
    if (name === undefined) return;
    const outcome = this.isCalm ? 0 : this.#choose(4);
    if (outcome === 1) return void this.#os.delete(name);
    if (outcome === 2) this.#os.set(name, 'failed');
    else {
      this.#os.delete(name);
      this.#here.add(name);
    }
    if (!this.isCalm && this.#choose(2) === 0) return;
    this.send({ type: 'transfer', transfer: outcome === 2 ? { name, phase: 'failed', received: 0, ...(this.#choose(3) === 0 ? { status: 403 } : {}) } : { name, phase: 'stored', received: 10 } });
  }

  revoke(): void {
    this.#leaving = true;
    this.#hasLease = false;
    this.send({ type: 'situation', report: { ...this.#report, app: 'frozen' } });
  }

  /** A run that is complete begins anew by this. */
  #syncNow(): void {
    if (!this.finished?.error) this.finished = undefined;
    this.send({ type: 'sync-asked', asked: { kind: 'delta' } });
  }

  /** The app changes a row, whatever the engine is doing. */
  #write(): void {
    const usable = this.state.tables.filter((table) => table.usable);
    const table = usable[this.#choose(usable.length || 1)];
    if (!table || this.finished?.error) return;
    this.finished = undefined;
    this.send({ type: 'wrote', outbox: this.#edits.write(table.id) });
  }

  #wake(): void {
    if (this.#wakeMs === undefined) return;
    this.nowMs = Math.max(this.nowMs, this.#wakeMs);
    this.#wakeMs = undefined;
    this.send({ type: 'woke', timer: 'retry' });
  }

  /** The engine looks again at what it waits for. */
  #look(): void {
    this.nowMs = Math.max(this.nowMs, this.#lookMs ?? 0);
    this.#lookMs = undefined;
    this.send({ type: 'woke', timer: 'look' });
  }

  #end(work: Work | undefined): void {
    if (!work) return;
    const fails = !this.isCalm && this.#choose(3) === 0;
    const error = new CarryonError(PASSING[fails ? this.#choose(PASSING.length) : 0] ?? 'server.unreachable', 'by chance', this.isCalm || this.#choose(4) > 0 ? {} : { retryAfterMs: 5000 });
    switch (work.type) {
      case 'ask':
        // An answer that is lost may have been given all the same.
        if (work.push && this.#choose(2) === 0) this.send({ type: 'asked', id: work.id });
        if (fails && work.push && this.#choose(2) === 0) this.#edits.push();
        return this.send(fails ? { type: 'ask-failed', id: work.id, error } : { type: 'answered', id: work.id, answer: this.#answer(work) });
      case 'fetch': return this.#endFetch(work.pack.name, fails ? error : undefined);
      case 'unpack': return this.#endUnpack(work.pack.name, fails);
      case 'step': return this.#endStep(work.step, fails);
      case 'hand': return this.#endHand(work.packs.map(({ name }) => name), fails);
      case 'recall': for (const name of work.names) this.#os.delete(name); return this.#endList(fails);
      case 'list': return this.#endList(fails);
      default: return work satisfies never;
    }
  }

  #endHand(names: readonly string[], fails: boolean): void {
    const refused = fails ? names.slice(this.#choose(names.length)) : [];
    for (const name of names) if (!refused.includes(name)) this.#os.set(name, 'running');
    this.send({ type: 'handed', refused });
  }

  #endList(fails: boolean): void {
    const transfers = [...this.#os].map(([name, phase]): Transfer => ({ name, phase, received: 0 }));
    this.send({ type: 'listed', transfers: fails ? undefined : transfers, stored: [...this.#here].filter((name) => !this.#applied.has(name)) });
  }

  /** A pack may come wrong twice; a third time would end the run. */
  #mayBeWrong(name: string): boolean {
    const times = this.#wrong.get(name) ?? 0;
    this.#wrong.set(name, times + 1);
    return times < 2;
  }

  #endFetch(name: string, error: CarryonError | undefined): void {
    if (!error) {
      this.#here.add(name);
      return this.send({ type: 'fetched', name });
    }
    const kind = this.#choose(4);
    const code: ErrorCode = kind === 1 ? 'pack.url-expired' : kind === 2 ? 'pack.gone' : kind === 3 && this.#mayBeWrong(name) ? 'pack.wrong-bytes' : error.code;
    this.send({ type: 'fetch-failed', name, error: new CarryonError(code, 'by chance') });
  }

  #endUnpack(name: string, fails: boolean): void {
    if (!fails || !this.#mayBeWrong(name)) return this.send({ type: 'unpacked', name });
    this.#drop(name);
    this.send({ type: 'unpack-failed', name, error: new CarryonError('pack.wrong-bytes', 'by chance') });
  }

  /** A pack that is not right is cleared away, and its transfer ended. */
  #drop(name: string): void {
    this.#here.delete(name);
    this.#os.delete(name);
  }

  #endStep(done: Step, fails: boolean): void {
    if (fails && done.kind === 'apply' && this.#mayBeWrong(done.pack.name)) {
      this.#drop(done.pack.name);
      return this.send({ type: 'step-failed', error: new CarryonError('pack.wrong-bytes', 'by chance') });
    }
    if (fails && done.kind === 'segment') return this.send({ type: 'step-failed', error: new CarryonError('protocol.bad-answer', 'by chance') });
    if (done.kind === 'apply') this.#applied.add(done.pack.name);
    if (done.kind === 'segment' && done.segment.commit) this.#withdrawals = 0;
    for (const name of thrownAway(done)) { this.#here.delete(name); this.#applied.delete(name); this.#os.delete(name); }
    const differing = !this.isCalm && done.kind === 'segment' ? (done.segment.commit?.tables ?? []).map(({ table }) => table).filter((id) => !this.state.repaired.includes(id) && this.#choose(8) === 0) : [];
    this.send({ type: 'stepped', result: { differing, rows: new Map(), outbox: this.#edits.done(done) } });
  }

  #answer({ request }: Extract<Work, { type: 'ask' }>): Answer {
    const { epoch, user } = { epoch: 'e', user: 'u' };
    if (request.urls) {
      // The server gives packs up at most so often that the device still believes it.
      const mayWithdraw = !this.isCalm && this.#withdrawals < 3 && this.#choose(2) === 0;
      if (mayWithdraw && request.urls.length > 0) this.#withdrawals++;
      return { epoch, user, urls: request.urls.map((name, i) => (mayWithdraw && i === 0 ? '' : `${name}?${this.#serial++}`)), segments: [] };
    }
    if (this.#world.changes && !this.isCalm && this.#choose(6) === 0) this.share.change((most) => this.#choose(most));
    const told = this.share.answer(request.token, request.tables, request.fresh);
    const pushed = request.push ? { pushed: this.#edits.push() } : {};
    const tables = told.tables ? { tables: told.tables } : {};
    if (told.lacking.length > 0) return { epoch, user, ...pushed, ...tables, plan: this.#plan(told), segments: [] };
    // A push that asks about no tables is answered by its outcomes alone, unless there is news.
    if (request.push && request.tables?.length === 0 && !told.tables) return { epoch, user, ...pushed, segments: [] };
    return { epoch, user, ...pushed, ...tables, ...this.#segments(told) };
  }

  #plan({ lacking: tables, token }: Told): Extract<Step, { kind: 'plan' }> {
    const packs = Array.from({ length: this.isCalm ? tables.length : this.#choose(this.#world.packs + 1) }, (_, i): PackSpec | undefined => {
      const first = tables[i % tables.length];
      const shared = tables.filter((table) => table.level === first?.level).slice(0, 1 + (i % 3));
      if (!first) return undefined;
      const parts = [...new Set([first, ...shared])].map(({ id }) => ({ table: id, rows: 1, sum: 1 }));
      const name = (++this.#serial).toString(16).padStart(64, '0');
      return { name, bytes: 10, rawBytes: 10, codec: 'gzip', level: first.level, parts, asOf: 1, url: name };
    });
    return { kind: 'plan', tables, packs: packs.filter((pack) => pack !== undefined).sort((a, b) => a.level - b.level), token: token(), epoch: 'e', user: 'u' };
  }

  #segments({ ids, token }: Told): { segments: Segment[]; error?: CarryonError } {
    const segment = (commit?: Segment['commit']): Segment => ({ puts: new Map(), removes: new Map(), lives: new Map(), rows: 1, token: token(), ...(commit ? { commit } : {}) });
    const commitOf = (tables: readonly number[]): Segment => segment({ checkpoint: 1, token: 't', ack: this.#edits.ack, tables: tables.map((table) => ({ table })) });
    if (ids.length === 0) return { segments: [commitOf([])] };
    const shape = this.isCalm ? 0 : this.#choose(4);
    const levels = [...new Set(ids.map((id) => id % this.#world.levels))].sort();
    const commits = levels.map((level) => commitOf(ids.filter((id) => id % this.#world.levels === level)));
    if (shape === 1) return { segments: [segment()] };
    if (shape === 2) return { segments: [...commits.slice(0, 1), segment()] };
    if (shape === 3) return { segments: commits.slice(0, 1), error: new CarryonError('server.unreachable', 'broke off') };
    return { segments: commits };
  }
}
