import type { AppStatement } from '../actors/app-edit.ts';
import { EditsWatch } from '../checkers/edits-watch.ts';
import { writesOf } from '../checkers/own-values.ts';
import { minSec } from '../timeline/sample.ts';
import type { Entry } from '../world/trace.ts';
import { FAST, HOUR, MINUTE, SECOND, type ScenarioOptions } from './scenario.ts';
import type { Stage } from './stage.ts';
import { Watcher } from './watcher.ts';

const ROWS = { customers: 60, jobs: 80, notes: 40, parts: 60 } as const;
/** A small share that people may edit, on a link on which it lasts seconds: for what comes after. */
export const EDITED = { ...FAST, business: { rows: ROWS, edits: true } } as const satisfies ScenarioOptions;
/** The same on a link on which the first sync lasts minutes. */
export const SLOWLY_EDITED = { link: { downBytesPerSecond: 200 }, business: { rows: { ...ROWS, parts: 500 }, packRows: 50, edits: true } } as const satisfies ScenarioOptions;

/** Two rows of a table that is among the first to be there. */
const UPDATE: AppStatement = { op: 'update', table: 'customers', at: 0, count: 2 };
const TO_SEE_MS = 100;

/** A stage on which a person edits rows, and what must come of that. */
export class EditStage {
  readonly stage: Stage;
  readonly #watch: EditsWatch;
  readonly #problems: string[] = [];
  readonly #stop: () => void;
  /** Texts that the person wrote, which the server has to get. */
  #texts: string[] = [];

  private constructor(stage: Stage) {
    const { devices, server, world } = stage.lab;
    this.stage = stage;
    const watch = EditsWatch.of(devices, server, (checker, found) => this.#problems.push(...found.map((what) => `${checker}: ${what}`)));
    if (!watch) throw new Error('this business lets nobody edit');
    this.#watch = watch;
    this.#stop = world.trace.onEntry((entry) => this.#see(entry));
  }

  /** Plays a scenario in which a person edits; at its end every edit must have got where it belongs. */
  static playing(run: (stage: EditStage) => Promise<void>): (stage: Stage) => Promise<void> {
    return async (stage) => {
      const editing = new EditStage(stage);
      try {
        await run(editing);
        await editing.#ends();
      } finally {
        editing.#stop();
        editing.#watch.close();
      }
    };
  }

  /** Opens the app and lets the first sync come to its end. */
  async settlesIn(): Promise<void> {
    await this.stage.does('open');
    await this.stage.completes(MINUTE);
    await this.stage.passes(MINUTE);
  }

  /** Opens the app; the first sync goes on, and its first table is there. */
  async begins(): Promise<void> {
    const { lab } = this.stage;
    await this.stage.begin();
    const isThere = await lab.world.runWhile(() => lab.device.rows('customers') === undefined, HOUR);
    this.stage.is(isThere, 'the first table does not come');
    await this.stage.passes(5 * SECOND);
    this.stage.is(!lab.device.isUpToDate, 'the first sync should still go on');
  }

  /** The person edits rows. */
  async edits(statement: AppStatement = UPDATE): Promise<void> {
    const last = this.#texts.at(-1);
    await this.stage.does({ do: 'edit', by: 'sql', statements: [statement] });
    // The engine may be writing.
    await this.stage.lab.world.runWhile(() => this.#texts.at(-1) === last, SECOND);
    this.stage.is(this.#texts.at(-1) !== last, 'the person should be able to edit');
  }

  /** The edits are at the server within that time. */
  async goUp(withinMs: number): Promise<void> {
    const isDone = await this.stage.lab.world.runWhile(() => !this.isAtServer, withinMs);
    this.stage.is(isDone, `the edits should be at the server within ${minSec(withinMs)}`);
  }

  /** Nobody asks for anything during that time, and the edits stay here, where the person sees them. */
  async stay(ms: number): Promise<void> {
    const seen = new Watcher(this.stage.lab);
    await this.stage.passes(ms);
    this.stage.is(seen.request === undefined, `nothing should be asked for, but: ${seen.request}`);
    this.stage.is(!this.isAtServer, 'the edits should not be at the server');
    this.#areSeen();
  }

  /** The engine's first request of that time brings the edits. */
  async goFirst(ms: number): Promise<void> {
    const seen = new Watcher(this.stage.lab);
    await this.goUp(ms);
    this.stage.is(seen.request?.includes('"push":true') === true, `the edits should be the first that is sent, but it is: ${seen.request}`);
    this.#areSeen();
  }

  /** The engine has seen what the app wrote. */
  async isNoticed(): Promise<void> {
    await this.stage.passes(TO_SEE_MS);
  }

  get isAtServer(): boolean {
    const { server, device } = this.stage.lab;
    const rows = server.share(device.user, 'customers').join('\n');
    return this.#texts.every((text) => rows.includes(hexOf(text)));
  }

  #areSeen(): void {
    const rows = (this.stage.lab.device.rows('customers') ?? []).join('\n');
    this.stage.is(this.#texts.every((text) => rows.includes(hexOf(text))), 'the person should see what they wrote');
  }

  #see(entry: Entry): void {
    this.#watch.see(entry);
    if (entry.what !== 'edit') return;
    for (const write of writesOf(entry)) {
      if ('before' in write) this.#texts = this.#texts.filter((text) => text !== write.before);
      if (write.op !== 'delete') this.#texts.push(write.info);
    }
  }

  async #ends(): Promise<void> {
    await this.#watch.end();
    const [problem] = this.#problems;
    this.stage.is(problem === undefined, `a checker complained: ${problem}`);
  }
}

const hexOf = (text: string): string => Buffer.from(text).toString('hex').toUpperCase();
