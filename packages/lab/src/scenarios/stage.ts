import { DatabaseSync } from 'node:sqlite';
import type { DeviceStatus } from '@carryon/client';
import { decide, explain, mayUseOffline, type OnDevice, type Platform, type RuleId, type RuleSetName, type Verdict } from '@carryon/policy';
import type { Event, Lab } from '../lab.ts';
import { minSec } from '../timeline/sample.ts';
import { MINUTE, SECOND } from './scenario.ts';
import { Watcher } from './watcher.ts';

interface Note {
  readonly kind: 'start' | 'stop';
  readonly rule: RuleId;
  readonly atMs: number;
}

/** A step may have to end before the journal is written. */
const TO_WRITE_MS = 250;
/** So long before a lease's end, at most, the engine comes to rest. */
const TO_REST_MS = 500;

/** Where a scenario is played: what people do, and what must be so. Every demand that is not met throws with a sentence. */
export class Stage {
  readonly lab: Lab;
  readonly platform: Platform;
  readonly ruleSet: RuleSetName;
  /** Bytes of each pack of the plan. */
  #sizes = new Map<string, number>();
  #writes = 0;
  /** What the journal must tell; it is read when all is over. */
  readonly #notes: Note[] = [];

  constructor(lab: Lab, platform: Platform, ruleSet: RuleSetName) {
    this.lab = lab;
    this.platform = platform;
    this.ruleSet = ruleSet;
  }

  /** Bytes of each pack of the first plan. */
  get planned(): ReadonlyMap<string, number> {
    return this.#sizes;
  }

  /** Opens the app and lets the first sync come to a tenth of its bytes. */
  async begin(): Promise<void> {
    const { world, device } = this.lab;
    await this.does('open');
    await world.runWhile(() => this.#outstanding() === undefined, 10 * MINUTE);
    this.#sizes = this.#planned();
    const of = [...this.#sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
    this.#demand(of > 0 && await world.runWhile(() => device.link.packs.received < of / 10, 30 * MINUTE), 'the first sync does not begin');
    await this.passes(SECOND - world.queue.steadyMs % SECOND);
  }

  /** People or surroundings do these things, all at this moment. */
  async does(...events: (Event | 'open' | 'leave' | 'lock' | 'unlock' | 'use-other' | 'put-down' | 'quit' | 'kill' | 'plug')[]): Promise<void> {
    for (const event of events) await this.lab.do(typeof event === 'string' ? { do: event } : event);
  }

  passes(ms: number): Promise<void> {
    return this.lab.runFor(ms);
  }

  /** The engine works with the server by that row; `forMs`: for exactly so long at most, else without a limit. */
  runs(rule: RuleId, { forMs, because = [] }: { forMs?: number; because?: readonly RuleId[] } = {}): void {
    const { lease, verdict } = this.#tells(rule, because);
    this.#demand(lease?.network === true, `the engine should run by ${rule}, but it ${lease ? 'keeps off the network' : 'rests'}`);
    const leftMs = verdict.untilMs === undefined ? undefined : verdict.untilMs - this.#nowMs;
    this.#demand(leftMs === forMs, `by ${rule} it should run ${inWords(forMs)}, the verdict says ${inWords(leftMs)}`);
    this.#notes.push({ kind: 'start', rule, atMs: this.#nowMs });
  }

  /** The engine may work with what is here, and keeps off the network by that row. */
  keepsOffline(rule: RuleId, because: readonly RuleId[]): void {
    const { lease } = this.#tells(rule, because);
    this.#demand(lease?.network === false, 'the engine should have permission for what is here only');
  }

  /** The engine rests by that row; `nextInMs`: it goes on by itself in exactly so long; `noted`: the row of the stop, where another spoke then. */
  rests(rule: RuleId, { nextInMs, because = [], noted = rule }: { nextInMs?: number; because?: readonly RuleId[]; noted?: RuleId } = {}): void {
    const { lease, verdict, reasons, sync } = this.#tells(rule, because);
    this.#demand(!lease, `the engine should rest by ${rule}, but it has permission by ${lease?.rule}`);
    const leftMs = verdict.nextMs === undefined ? undefined : verdict.nextMs - this.#nowMs;
    this.#demand(leftMs === nextInMs, `by ${rule} it should go on ${inWords(nextInMs)}, the verdict says ${inWords(leftMs)}`);
    const given = reasons.find((reason) => reason.rule === rule);
    this.#demand(!sync || given?.message.includes(`(${rule})`) === true, `the status does not give ${rule} as a reason to wait`);
    this.#notes.push({ kind: 'stop', rule: noted, atMs: this.#nowMs });
  }

  /** No process: nobody works, and the policy says that this ends the sync. */
  isClosed(rule: RuleId): void {
    this.#demand(this.lab.device.status() === undefined && !this.lab.device.os.isRunning, 'the app should be closed');
    const verdict = this.outside();
    this.#demand(verdict.rule === rule && verdict.engine === 'stop', `closed, the policy should say ${rule} and stop, it says ${verdict.rule} and ${verdict.engine}`);
    this.#explains(verdict, rule);
  }

  /** What the policy says to whoever asks from outside, of the first sync. */
  outside(): Verdict {
    const situation = { ...this.lab.device.os.situation(), nowMs: this.#nowMs, steadyMs: this.lab.device.time.steadyMs() };
    return decide(this.ruleSet, situation, { kind: 'first', state: 'active' }, undefined);
  }

  /** Data keeps arriving during that time; in some minutes rows too. */
  async progresses(ms: number): Promise<void> {
    const seen = await this.#watch(ms);
    this.#demand(seen.bytes > 0, `nothing arrives in ${minSec(ms)}`);
    this.#demand(ms < 5 * MINUTE || seen.applied > 0, `no rows arrive in ${minSec(ms)}`);
  }

  /** Nothing arrives during that time, nobody asks for anything, and nothing is written. */
  async stands(ms: number): Promise<void> {
    const seen = await this.#watch(ms);
    const work = seen.engineWork ?? seen.osRequest;
    this.#demand(work === undefined, `nothing should happen, but: ${work}`);
    this.#demand(seen.bytes === 0 && seen.storedByOs === 0, `nothing should arrive, but ${seen.bytes} bytes came`);
  }

  /** The OS's transfers store packs during that time, without the engine. */
  async onlyTransfers(ms: number): Promise<void> {
    const seen = await this.#watch(ms);
    this.#demand(seen.engineWork === undefined, `the engine should rest, but: ${seen.engineWork}`);
    this.#demand(seen.bytes > 0, 'the OS\'s transfers should go on, but nothing arrives');
    this.#demand(ms < 5 * MINUTE || seen.storedByOs > 0, 'the OS\'s transfers should store packs');
    this.#demand(seen.applied === 0, 'rows were applied while the engine rested');
  }

  /** Stands for exactly that time, and goes on by itself at its end. */
  async standsUntil(ms: number): Promise<void> {
    await this.stands(ms - SECOND);
    const last = await this.#watch(SECOND);
    this.#demand(last.requestMs === this.lab.world.queue.steadyMs, `the engine should go on now: ${last.request ?? 'it asks for nothing'}`);
  }

  /** The sync comes to its end as things are. */
  async completes(mostMs: number): Promise<void> {
    const { world, device } = this.lab;
    const isDone = await world.runWhile(() => !device.isUpToDate, mostMs);
    await this.passes(SECOND);
    this.#demand(isDone, `the sync does not end in ${minSec(mostMs)}: ${device.status()?.state}, ${JSON.stringify(device.status()?.reasons)}`);
    this.#demand(device.journal().some(({ kind }) => kind === 'done'), 'the journal does not tell the end of the sync');
  }

  /** The business application changes a row of this person. */
  async writes(): Promise<void> {
    this.#writes += 1;
    await this.does({ do: 'write', sql: `UPDATE jobs SET state = 'changed ${this.#writes}' WHERE id = (SELECT min(id) FROM jobs WHERE owner = 'ann')` });
  }

  /** The device holds what the business application has. */
  get isCurrent(): boolean {
    const { device, server } = this.lab;
    return JSON.stringify(device.rows('jobs')) === JSON.stringify(server.share(device.user, 'jobs'));
  }

  /** What was written stays unknown to the device during that time: no sync starts. */
  async startsNone(ms: number): Promise<void> {
    this.#demand(!this.isCurrent, 'nothing was written that a new sync would bring');
    await this.stands(ms);
    this.#demand(!this.isCurrent, 'the news came without a sync');
  }

  /** A new sync brings what was written. */
  async getsNews(withinMs: number): Promise<void> {
    this.#demand(!this.isCurrent, 'nothing was written that a new sync would bring');
    const { queue } = this.lab.world;
    const lastMs = queue.steadyMs + withinMs;
    while (!this.isCurrent && queue.steadyMs < lastMs) await this.passes(SECOND);
    this.#demand(this.isCurrent, `no sync brings the news in ${minSec(withinMs)}`);
  }

  /** Whether the person may use the app offline, by the policy; a table is there to be read then. */
  mayUseOffline(allowed: boolean, rule: RuleId): void {
    const { device, server } = this.lab;
    const onDevice: OnDevice = { app: true, data: server.rights.tablesOf(device.user).every((name) => device.rows(name) !== undefined) };
    const told = mayUseOffline(this.ruleSet, onDevice);
    this.#demand(told.allowed === allowed && told.rule === rule, `offline use should be ${allowed ? 'allowed' : 'denied'} by ${rule}: ${JSON.stringify(told)}`);
  }

  /** What the app tells the person to do. */
  advises(text: string): void {
    const { verdict } = this.lab.device.status() ?? {};
    const advice = verdict ? explain(verdict, 'en').youCan.join(' ') : '';
    this.#demand(advice.includes(text), `the advice should tell "${text}": ${advice}`);
  }

  /** Watches from now on. */
  watch(): Watcher {
    return new Watcher(this.lab);
  }

  /** Healed, the device holds the person's share, no checker complained, and no byte came twice, but of so many packs. */
  async finishes({ again = 0 }: { again?: number } = {}): Promise<void> {
    await this.lab.heal();
    this.lab.check();
    const [problem] = this.lab.problems;
    this.#demand(problem === undefined, `the checker ${problem?.checker} complained at ${minSec(problem?.atMs ?? 0)}: ${problem?.what}`);
    const journal = this.lab.device.journal().filter(({ kind }) => kind === 'start' || kind === 'stop');
    for (const note of this.#notes) this.#mustHaveNoted(note, journal);
    const received = (name: string): number => this.lab.device.link.packs.of(name).received;
    const twice = [...this.#sizes].filter(([name, bytes]) => received(name) !== bytes).map(([name, bytes]) => `${name.slice(0, 12)} of ${bytes} with ${received(name)}`);
    this.#demand(twice.length <= again, `packs came with more bytes than they have: ${twice.join(', ')}`);
  }

  /** A demand of the scenario's own. */
  is(holds: boolean, sentence: string): void {
    this.#demand(holds, sentence);
  }

  get #nowMs(): number {
    return this.lab.device.time.nowMs();
  }

  #outstanding(): DeviceStatus['download'] {
    return this.lab.device.status()?.download;
  }

  #planned(): Map<string, number> {
    const db = new DatabaseSync(this.lab.device.disk.database, { readOnly: true });
    try {
      const rows = db.prepare("SELECT spec ->> '$.name' AS name, spec ->> '$.bytes' AS bytes FROM _carryon_pack").all() as unknown as { name: string; bytes: number }[];
      return new Map(rows.map(({ name, bytes }) => [name, bytes]));
    } finally {
      db.close();
    }
  }

  async #watch(ms: number): Promise<Watcher> {
    const seen = this.watch();
    await this.passes(ms);
    return seen;
  }

  /** The status cites the row, and its words do. */
  #tells(rule: RuleId, because: readonly RuleId[]): DeviceStatus & { verdict: Verdict } {
    const status = this.lab.device.status();
    const { verdict } = status ?? {};
    this.#demand(status !== undefined && verdict !== undefined, `the engine should cite ${rule}, but there is none`);
    if (!status || !verdict) throw new Error('unreachable');
    this.#demand(verdict.rule === rule, `the verdict should cite ${rule}, it cites ${verdict.reasons.join(', ')}`);
    for (const id of because) this.#demand(verdict.reasons.includes(id), `${id} should stand among the reasons ${verdict.reasons.join(', ')}`);
    this.#explains(verdict, rule);
    return { ...status, verdict };
  }

  #explains(verdict: Verdict, rule: RuleId): void {
    const { why } = explain(verdict, 'en');
    this.#demand(why.includes(`(${rule})`), `the words do not name ${rule}: ${why}`);
  }

  /** The journal's last word of that moment is of that kind; where it is not older, it cites the row. */
  #mustHaveNoted({ kind, rule, atMs }: Note, journal: ReturnType<Lab['device']['journal']>): void {
    const last = journal.findLast((entry) => entry.atMs <= atMs + TO_WRITE_MS);
    const isOld = last !== undefined && atMs - last.atMs > TO_REST_MS;
    const isRight = last?.kind === kind && (isOld || (last.rule === rule && last.detail.includes(`(${rule})`)));
    const when = new Date(atMs).toISOString();
    this.#demand(isRight, `the journal should say at ${when} that a ${kind} came by ${rule}; it says ${last?.kind} by ${last?.rule}: ${last?.detail}`);
  }

  #demand(holds: boolean, sentence: string): void {
    if (!holds) throw new Error(`${minSec(this.lab.world.queue.steadyMs)}: ${sentence}`);
  }
}

const inWords = (ms: number | undefined): string => (ms === undefined ? 'at no told time' : `in or for ${ms / SECOND} s`);
