import { Watch } from '../fuzz/watch.ts';
import { minSec } from '../timeline/sample.ts';
import { FAST, MINUTE, SECOND, type ScenarioOptions } from './scenario.ts';
import type { Stage } from './stage.ts';

/** A service company with rules of every kind, on a link on which its first sync lasts seconds. */
export const SERVED = { ...FAST, business: { kind: 'service' } } as const satisfies ScenarioOptions;
/** The same on a link on which it lasts minutes. */
export const SLOWLY_SERVED = { link: { downBytesPerSecond: 200 }, business: { kind: 'service', jobs: 300, textLength: 200 } } as const satisfies ScenarioOptions;

/** So often somebody looks, for a look takes longer than most of what happens. */
const LOOK_MS = 250;

/** A stage on which what people may have changes, and what must come of that. */
export class ShareStage {
  readonly stage: Stage;

  private constructor(stage: Stage) {
    this.stage = stage;
  }

  /** Plays a scenario before the eyes of all who read whole tables and answers. */
  static playing(run: (stage: ShareStage) => Promise<void>): (stage: Stage) => Promise<void> {
    return async (stage) => {
      const watch = new Watch(stage.lab, []);
      const mustBeRight = (): void => {
        const [problem] = watch.problems;
        stage.is(problem === undefined, `the checker ${problem?.checker} complained at ${minSec(problem?.atMs ?? 0)}: ${problem?.what}`);
      };
      try {
        // What a checker saw comes before what then went wrong.
        await run(new ShareStage(stage)).finally(mustBeRight);
        await watch.end();
        mustBeRight();
      } finally {
        watch.close();
      }
    };
  }

  /** Opens the app and lets the first sync come to its end. */
  async settlesIn(): Promise<void> {
    await this.stage.does('open');
    await this.stage.completes(MINUTE);
    await this.stage.passes(MINUTE);
    this.isExact();
  }

  /** The business application writes. */
  async writes(sql: string): Promise<void> {
    await this.stage.does({ do: 'write', sql });
    await this.stage.passes(100);
  }

  async reloads(to: string, how?: 'killed'): Promise<void> {
    await this.stage.does({ do: 'reload', to, ...(how ? { how } : {}) });
    await this.stage.passes(100);
  }

  /** The person changes a row, or makes one. */
  async edits(table: 'steps' | 'jobs', op: 'update' | 'insert' = 'update'): Promise<void> {
    const { world } = this.stage.lab;
    const { length } = world.trace.entries;
    const isWritten = (): boolean => world.trace.entries.slice(length).some(({ what }) => what === 'edit');
    await this.stage.does({ do: 'edit', by: 'sql', statements: [op === 'update' ? { op, table, at: 0, count: 1 } : { op, table, count: 1 }] });
    await world.runWhile(() => !isWritten(), SECOND);
    this.stage.is(isWritten(), 'the person should be able to edit');
  }

  /** The device holds the share: these tables and no others, row for row. */
  isExact(): void {
    const { server, device } = this.stage.lab;
    const [different] = server.differences(device);
    this.stage.is(different === undefined, `the device should hold the share: ${different}`);
  }

  /** It does so within that time, and did not before. */
  async becomesExact(withinMs: number): Promise<void> {
    const { server, device, world } = this.stage.lab;
    const isBehind = (): boolean => server.differences(device).length > 0;
    this.stage.is(isBehind(), 'nothing has changed that the device could get');
    const lastMs = world.queue.steadyMs + withinMs;
    while (isBehind() && world.queue.steadyMs < lastMs) await this.stage.passes(LOOK_MS);
    this.isExact();
  }

  /** What the device has is not the share all that time. */
  async staysBehind(ms: number): Promise<void> {
    const { server, device } = this.stage.lab;
    await this.stage.passes(ms);
    this.stage.is(server.differences(device).length > 0, 'the news should not come');
  }

  has(tables: readonly string[]): void {
    const found = this.stage.lab.device.tables().filter((name) => name !== 'carryon_sync_error').sort();
    this.stage.is(found.join() === [...tables].sort().join(), `the device should have the tables ${tables.join(', ')}; it has ${found.join(', ')}`);
  }

  count(table: string): number {
    return this.stage.lab.device.rows(table)?.length ?? 0;
  }

  /** Of nothing that was planned at the beginning a byte came twice. */
  fetchedNothingTwice(): void {
    const { packs } = this.stage.lab.device.link;
    const twice = [...this.stage.planned].filter(([name, bytes]) => packs.of(name).received > bytes).map(([name]) => name.slice(0, 12));
    this.stage.is(twice.length === 0, `packs came twice: ${twice.join(', ')}`);
  }

  /** All is well again, and the device holds the share. */
  async finishes(): Promise<void> {
    const { lab } = this.stage;
    await lab.heal();
    lab.check();
    const [problem] = lab.problems;
    this.stage.is(problem === undefined, `the checker ${problem?.checker} complained at ${minSec(problem?.atMs ?? 0)}: ${problem?.what}`);
  }
}
