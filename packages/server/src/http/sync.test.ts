import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { CarryonError, encodeValue, packTableName, type PackSpec } from '@carryon/protocol';
import { LIMITS } from '../core/limits.ts';
import { ModelDevice } from '../testing/model-device.ts';
import { shareOf } from '../testing/oracle.ts';
import { commitsOf, withApp, type Answer, type TempApp } from '../testing/temp-app.ts';

/** Plan, packs and feed: what a new device does. */
async function download(bench: TempApp, user: string): Promise<ModelDevice> {
  const device = new ModelDevice(user, []);
  const answer = await bench.ask(user);
  for (const frame of answer.frames) device.take(frame);
  const { plan } = answer.frames.find((frame) => 'plan' in frame) ?? expect.fail('there is no plan');
  device.takePlan({ plan });
  for (const spec of plan.packs) device.takePack(spec, (await bench.app.inject({ method: 'GET', url: spec.url })).rawPayload);
  await follow(bench, device);
  return device;
}

async function follow(bench: TempApp, device: ModelDevice, body: object = {}): Promise<Answer> {
  const answer = await bench.ask(device.user, { token: device.token, ...body });
  for (const frame of answer.frames) device.take(frame);
  return answer;
}

const lines = (rows: readonly (readonly unknown[])[]): string[] => rows.map((row) => JSON.stringify(row.map((value) => encodeValue(value as never)))).sort();

function expectShare({ tables, business }: TempApp, device: ModelDevice): void {
  for (const table of tables) expect(lines((device.rows(table.id) ?? []).map((row) => row.values)), `${table.name} of ${device.user}`).toEqual(lines(shareOf(business, table, table.name === 'job' ? { column: 'owner', user: device.user } : undefined)));
}

const namesFor = (packs: readonly PackSpec[], table: number): string[] => packs.filter((pack) => pack.parts.some((part) => part.table === table)).map((pack) => pack.name);

describe('a device over HTTP', () => {
  it('I1 I10 I15 S27 holds its share after packs and feed, and after each change', async () => {
    await withApp(async (bench) => {
      const [ann, bob] = [await download(bench, 'ann'), await download(bench, 'bob')];
      for (const device of [ann, bob]) expectShare(bench, device);
      bench.business.exec("UPDATE item SET v = 1.0 WHERE id = 7; DELETE FROM item WHERE id = 8; UPDATE job SET owner = 'bob' WHERE id = 1; INSERT INTO job VALUES(9, 'bob', x'00ff')");
      await bench.publish();
      for (const device of [ann, bob]) {
        await follow(bench, device);
        expectShare(bench, device);
        expect(commitsOf(await follow(bench, device)).flatMap(({ tables }) => tables)).toHaveLength(2);
        expectShare(bench, device);
      }
    });
  });

  it('I1 downloads single tables again when it says that they are fresh', async () => {
    await withApp(async (bench) => {
      const device = await download(bench, 'ann');
      const answer = await bench.ask('ann', { token: device.token, fresh: [2] });
      const plan = answer.frames.find((frame) => 'plan' in frame) ?? expect.fail('there is no plan');
      expect(plan.plan.tables.map(({ id }) => id)).toEqual([2]);
      device.takePlan(plan);
      for (const spec of plan.plan.packs) device.takePack(spec, (await bench.app.inject({ method: 'GET', url: spec.url })).rawPayload);
      await follow(bench, device);
      expectShare(bench, device);
    });
  });
});

describe('plans', () => {
  it('S32 asked for by many devices at once build each pack once', async () => {
    await withApp(async ({ plan, context }) => {
      const plans = await Promise.all(['ann', 'ann', 'bob', 'ann', 'bob'].map(plan));
      expect(context.planner.built.packs).toBe(3);
      expect(new Set(plans.flatMap(({ packs }) => packs.map(({ name }) => name))).size).toBe(3);
    });
  });

  it('S31 S32 I12 share packs of rows for all between people, never those of own rows', async () => {
    await withApp(async ({ plan }) => {
      const [ann, bob] = [await plan('ann'), await plan('bob')];
      expect(namesFor(ann.packs, 1)).toEqual(namesFor(bob.packs, 1));
      expect(namesFor(ann.packs, 2).filter((name) => namesFor(bob.packs, 2).includes(name))).toEqual([]);
      expect(ann.packs.map(({ parts }) => parts.map(({ table }) => table))).toEqual([[1], [2]]);
    });
  });

  it('S30 I12 announce packs with exactly these tables and rows', async () => {
    await withApp(async (bench) => {
      for (const spec of (await bench.plan('ann')).packs) {
        const db = new DatabaseSync(':memory:');
        const raw = gunzipSync(readFileSync(join(bench.packs, spec.name)));
        expect(raw.length).toBe(spec.rawBytes);
        db.deserialize(raw);
        const tables = db.prepare("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'").all().map(({ name }) => String(name));
        expect(tables).toEqual(spec.parts.map(({ table }) => packTableName(table)));
        expect(raw.includes('of bob')).toBe(false);
        db.close();
      }
    });
  });

  it('S30 take the compression that the device can undo', async () => {
    await withApp(async ({ ask }) => {
      const codecs = async (accept: readonly string[]): Promise<string[]> => {
        const answer = (await ask('ann', { accept })).frames.find((frame) => 'plan' in frame);
        return (answer?.plan.packs ?? []).map(({ codec }) => codec);
      };
      expect(await codecs(['gzip'])).toEqual(['gzip', 'gzip']);
      expect(await codecs(['gzip', 'zstd'])).toEqual(['zstd', 'zstd']);
    });
  });
});

describe('a plan that is cut short', () => {
  const logged = (error: Error): Promise<{ level: number; text: string; code: unknown }> => new Promise((resolve, reject) => {
    withApp(async ({ ask, log }) => {
      const before = log.length;
      const { frames } = await ask('ann');
      const line = log.slice(before).at(-1) ?? expect.fail('nothing was logged');
      resolve({ level: (JSON.parse(line) as { level: number }).level, text: line, code: frames.flatMap((frame) => ('error' in frame ? [frame.error.code] : []))[0] });
    }, { storage: (storage) => ({ ...storage, extent: () => Promise.reject(error) }) }).catch(reject);
  });

  it('S47 S94 by other rules is a warning, and no failure', async () => {
    const { level, text, code } = await logged(new CarryonError('server.preparing', 'The rules were changed.'));
    expect([level, text.includes('"stack"'), code]).toEqual([40, false, 'server.preparing']);
  });

  it('S47 by anything else is an error of the log', async () => {
    const { level, text, code } = await logged(new Error('a fault of ours'));
    expect([level, text.includes('"stack"'), code]).toEqual([50, true, 'server.unavailable']);
  });
});

describe('waiting', () => {
  /** A device that has everything and waits; `answer` is open until something ends the wait. */
  const withWaiting = (waitSeconds: number, work: (bench: TempApp & { answer: Promise<Answer>; isAnswered: () => boolean; device: ModelDevice }) => Promise<void>): Promise<void> =>
    withApp(async (bench) => {
      const device = await download(bench, 'ann');
      let answered = false;
      const answer = follow(bench, device, { waitSeconds }).finally(() => { answered = true; });
      await vi.waitFor(() => expect(bench.clock.timers).toBe(1));
      await work({ ...bench, answer, device, isAnswered: () => answered });
    });

  it('S60 ends with a change of the share', async () => {
    await withWaiting(30, async (bench) => {
      bench.business.exec("INSERT INTO job VALUES(9, 'ann', 'new')");
      await bench.publish();
      expect((await bench.answer).text).toContain('new');
      expectShare(bench, bench.device);
      expect(bench.clock.timers).toBe(0);
    });
  });

  it('S60 goes on when only other people\'s rows have changed', async () => {
    await withWaiting(30, async ({ business, publish, clock, answer, isAnswered }) => {
      business.exec("INSERT INTO job VALUES(9, 'bob', 'secret')");
      await publish();
      await vi.waitFor(() => expect(clock.timers).toBe(1));
      expect(isAnswered()).toBe(false);
      clock.pass(30_000);
      expect((await answer).text).not.toContain('secret');
    });
  });

  it('S60 ends when its time is up, and brings a commit', async () => {
    await withWaiting(30, async ({ clock, answer, isAnswered, context }) => {
      expect((await context.metrics.waiting.get()).values[0]?.value).toBe(1);
      clock.pass(29_999);
      await new Promise(setImmediate);
      expect(isAnswered()).toBe(false);
      clock.pass(1);
      expect(commitsOf(await answer)).toHaveLength(1);
      expect((await context.metrics.waiting.get()).values[0]?.value).toBe(0);
    });
  });

  it('S60 S46 is bounded, however long a device would wait', async () => {
    await withWaiting(1_000_000, async ({ clock, answer }) => {
      clock.pass(LIMITS.waitSeconds * 1000);
      expect((await answer).status).toBe(200);
    });
  });

  it('S60 ends when the server closes, and nobody waits after that', async () => {
    await withWaiting(30, async ({ answer, context, ask, device, clock }) => {
      context.changes.close();
      expect((await answer).status).toBe(200);
      expect((await ask('ann', { token: device.token, waitSeconds: 30 })).status).toBe(200);
      expect(clock.timers).toBe(0);
    });
  });
});
