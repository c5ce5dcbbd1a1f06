import type { Engine } from '@carryon/client';
import { refuse, tripPackStore, tripSqlite } from '@carryon/client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rig } from '../testing/rig.ts';

describe('a lease', () => {
  let rig: Rig;
  beforeEach(() => { rig = new Rig({ packRows: 20, pageRows: 20 }).fill(60); });
  afterEach(() => rig.end());

  const revokeThenRest = async (engine: Engine): Promise<void> => {
    const rests = rig.host.rests;
    rig.host.revoke();
    await rig.until(engine, () => rig.host.rests === rests + 1, 'still');
  };

  it('D1 without a lease nothing is asked, fetched or written', async () => {
    rig.host.revoke();
    const calls: string[] = [];
    const engine = await rig.open({
      host: { start: () => () => undefined, rested: () => undefined },
      sqlite: (inner) => tripSqlite(inner, (name) => calls.push(name)), packs: (inner) => tripPackStore(inner, (name) => calls.push(name)),
    });
    const run = engine.run();
    await rig.until(engine, () => engine.status().state === 'waiting', 'still');
    calls.length = 0;
    engine.syncNow();
    await rig.settle();
    expect(engine.status().waiting).toMatchObject({ code: 'situation' });
    expect([calls, rig.server.asked, rig.server.fetched]).toEqual([[], [], []]);
    await engine.close();
    await run;
  });

  // Each place is a call of a port; the lease is taken back in the middle of it.
  it.each([
    ['an ask', 'ask'], ['a fetch', 'append'], ['the end of a fetch', 'keep'], ['an unpack', 'unpack'], ['the attaching of a pack', 'attachPack'],
    ['a step\'s transaction', 'work'], ['a step\'s statement', 'run'], ['the staging of rows', 'runMany'], ['the end of a step', 'after transaction'],
  ])('D1 taken back in %s, the device comes to rest within that step, outside any transaction; then it goes on', async (_, place) => {
    for (const occurrence of [1, 2, 3, 5, 8, 13]) {
      const own = new Rig({ packRows: 20, pageRows: 20 }).fill(60);
      let seen = 0;
      let stepsAfter = -1;
      const wire = (name: string): void => {
        // A step of an apply or a commit shows by these; the journal does neither.
        if (stepsAfter >= 0 && (name === 'attachPack' || name === 'runMany')) stepsAfter++;
        if (!own.host.isStarted || name !== place || ++seen !== occurrence) return;
        stepsAfter = 0;
        own.host.revoke();
      };
      own.server.net.fault('/v1/sync', async (_request, otherwise) => {
        wire('ask');
        return otherwise();
      }, 1_000_000);
      const engine = await own.open({ sqlite: (inner) => tripSqlite(inner, wire), packs: (inner) => tripPackStore(inner, wire) });
      const run = engine.run();
      await own.until(engine, () => stepsAfter >= 0 || engine.status().state === 'up-to-date');
      if (stepsAfter >= 0) {
        await own.until(engine, () => own.host.rests === 1, 'still');
        expect(() => own.writeFromOutside()).not.toThrow();
        const { asked, fetched } = own.server;
        const counts = [asked.length, fetched.length];
        const steps = stepsAfter;
        expect(steps).toBeLessThanOrEqual(1);
        await own.settle();
        expect([asked.length, fetched.length, stepsAfter, own.host.rests]).toEqual([...counts, steps, 1]);
        own.host.grant();
      }
      expect(await own.finish(engine, run)).toBeUndefined();
      expect(own.visible()).toEqual(own.expected());
      // Aborted downloads go on by Range: a chunk or two of each may come twice, no whole pack.
      for (const [name, bytes] of own.server.sentBytes) expect(bytes).toBeLessThan((own.server.packs.get(name)?.bytes.length ?? 0) * 2);
      await own.end();
    }
  });

  it('D1 granted again before it is at rest, the device first comes to rest, then goes on', async () => {
    const engine = await rig.open();
    const run = engine.run();
    await rig.until(engine, () => rig.host.isStarted, 'still');
    for (let i = 0; i < 40; i++) {
      const before = rig.host.rests;
      rig.host.revoke();
      rig.host.grant();
      rig.host.revoke();
      rig.host.grant();
      await rig.until(engine, () => rig.host.rests > before, 'still');
      await new Promise((resolve) => { setImmediate(resolve); });
    }
    expect(await rig.finish(engine, run)).toBeUndefined();
    expect(rig.visible()).toEqual(rig.expected());
  });

  it('D1 taken back during a wait, the wait goes on with the next lease', async () => {
    rig.server.net.fault('/v1/sync', async (request) => refuse(request, 503, 'server.unavailable', { 'retry-after': '5' }));
    const startMs = rig.clock.nowMs();
    const engine = await rig.open();
    const run = engine.run();
    await rig.until(engine, () => engine.status().waiting?.untilMs === startMs + 5000, 'still');
    await revokeThenRest(engine);
    rig.clock.advance(1000);
    rig.host.grant();
    await rig.settle();
    expect(rig.clock.nextMs).toBe(4000);
    await revokeThenRest(engine);
    rig.clock.advance(60_000);
    rig.host.grant();
    expect(await rig.finish(engine, run)).toBeUndefined();
    expect(rig.clock.nowMs()).toBe(startMs + 61_000);
  });

  it('D1 a step that would outlast the lease is not begun; downloads go on', async () => {
    const short = new Rig({ packRows: 20 }).fill(60);
    short.host.grant(short.clock.nowMs() + 349);
    const steps: string[] = [];
    const engine = await short.open({
      sqlite: (inner) => tripSqlite(inner, (name) => { if (name === 'attachPack') steps.push(name); }),
    });
    const run = engine.run();
    await short.until(engine, () => short.server.asked.length > 0);
    await short.settle();
    expect([steps, short.query('SELECT count(*) AS n FROM _carryon_pack')]).toEqual([[], [{ n: 0 }]]);
    await engine.close();
    await run;
    await short.end();
  });

  it('D18 syncNow ends a wait and asks at once', async () => {
    const engine = await rig.open({ config: { mode: 'watch' } });
    rig.server.net.fault('/v1/sync', async (request) => refuse(request, 503, 'server.unavailable'));
    const run = engine.run();
    await rig.until(engine, () => engine.status().waiting?.code === 'server.unavailable', 'still');
    engine.syncNow();
    await rig.until(engine, () => engine.status().state === 'up-to-date', 'still');
    await engine.close();
    await run;
    expect(rig.visible()).toEqual(rig.expected());
  });
});
