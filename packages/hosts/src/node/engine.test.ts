import { readdirSync } from 'node:fs';
import type { Committed } from '@carryon/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rig } from '../testing/rig.ts';
import { packsFolder } from './folder.ts';

describe('a device that syncs', () => {
  let rig: Rig;
  beforeEach(() => { rig = new Rig({ packRows: 30, pageRows: 20 }).fill(100); });
  afterEach(() => rig.end());

  it('D3 downloads its share: equal to the server\'s, level by level, each pack once, no pack left', async () => {
    const engine = await rig.open();
    const usable: string[] = [];
    engine.subscribe(() => {
      const now = engine.status().tables.filter((table) => table.usable).map((table) => table.name).join();
      if (now !== usable.at(-1)) usable.push(now);
    });
    expect(await rig.finish(engine, engine.run())).toBeUndefined();
    expect(rig.visible()).toEqual(rig.expected());
    expect(usable).toEqual(['', 'customers', 'customers,Order Details,notes']);
    expect(rig.server.fetched.map(({ name }) => name).sort()).toEqual([...rig.server.packs.keys()].sort());
    expect(readdirSync(packsFolder(rig.folder))).toEqual([]);
    expect(rig.query('SELECT count(*) AS n FROM _carryon_pack')).toEqual([{ n: 0 }]);
    expect(engine.status()).toMatchObject({ state: 'up-to-date', user: 'mia', warnings: [] });
    expect(engine.received).toBeGreaterThan([...rig.server.sentBytes.values()].reduce((sum, bytes) => sum + bytes));
  });

  it('D12 takes in changes page by page and shows them at the commit', async () => {
    await rig.sync();
    const before = rig.visible();
    for (let i = 1; i <= 60; i++) rig.server.put(2, i, `x${i}`, BigInt(i), 1.5, null);
    for (let i = 50; i <= 100; i++) rig.server.remove(1, i);
    const engine = await rig.open({ config: { mode: 'watch' } });
    const commits: Committed[] = [];
    engine.onCommit((committed) => commits.push(committed));
    const seen = new Set<string>();
    engine.subscribe(() => { seen.add(JSON.stringify(rig.visible()['Order Details'])); });
    const run = rig.finish(engine, engine.run());
    await rig.until(engine, () => engine.status().state === 'up-to-date');
    await engine.close();
    await run;
    expect([...seen]).toEqual([before['Order Details'], rig.expected()['Order Details']].map((rows) => JSON.stringify(rows)));
    expect(rig.visible()).toEqual(rig.expected());
    expect(commits.at(-1)?.tables).toContain('Order Details');
  });

  it('D18 in mode watch a page is followed at once, without waiting at the server', async () => {
    const engine = await rig.open({ config: { mode: 'watch' } });
    const run = engine.run();
    await rig.until(engine, () => engine.status().state === 'up-to-date' && rig.server.asked.at(-1)?.waitSeconds !== undefined);
    for (let i = 1; i <= 30; i++) rig.server.put(1, i, BigInt(i * 10), 'changed');
    const asked = rig.server.asked.length;
    await rig.until(engine, () => JSON.stringify(rig.visible()) === JSON.stringify(rig.expected()));
    const waits = rig.server.asked.slice(asked - 1).map((ask) => ask.waitSeconds);
    expect(waits.slice(0, 2)).toEqual([25, undefined]);
    await engine.close();
    await run;
  });

  it('D13 a PUT of a lower version is passed over, one whose key stands under another row id replaces it, and the digest still fits', async () => {
    await rig.sync();
    // The key 10 wanders from row 1 to row 500, then rows swap keys.
    rig.server.remove(1, 1);
    rig.server.put(1, 500, 10n, 'wandered');
    rig.server.put(1, 2, 30n, 'swapped');
    rig.server.put(1, 3, 20n, 'swapped');
    expect(await rig.sync()).toBeUndefined();
    expect(rig.visible()).toEqual(rig.expected());
    rig.server.net.fault('/v1/sync', async (request, otherwise) => {
      const answer = await otherwise();
      const lines: string[] = [];
      for await (const chunk of answer.body) lines.push(Buffer.from(chunk).toString());
      const stale = lines.join('').replace('{"table"', '{"table":1}\n["P",2,1,20,"old"]\n{"table"').replace('{"commit"', '{"table":1}\n["P",2,1,20,"old"]\n{"commit"');
      return { ...answer, body: (async function* () { yield new TextEncoder().encode(stale); })() };
    });
    expect(await rig.sync()).toBeUndefined();
    expect(rig.visible()).toEqual(rig.expected());
    expect(rig.server.fetched).toHaveLength(rig.server.packs.size);
  });

  it('D14 a live-set removes what it does not name, also when it is empty', async () => {
    await rig.sync();
    const packs = rig.server.fetched.length;
    for (let i = 1; i <= 100; i++) rig.server.remove(1, i);
    for (let i = 10; i <= 50; i++) rig.server.remove(2, i);
    rig.server.put(2, 10, 'again', 1n, 2, null);
    rig.server.floor = 10_000;
    expect(await rig.sync()).toBeUndefined();
    expect(rig.visible()['customers']).toEqual([]);
    expect(rig.visible()['Order Details']).toHaveLength(rig.expected()['Order Details']?.length ?? 0);
    expect(rig.server.fetched).toHaveLength(packs);
  });

  it('D15 a digest that differs leads to one download of that table alone; the old copy stays usable meanwhile', async () => {
    await rig.sync();
    const fetched = rig.server.fetched.length;
    rig.server.put(2, 2, 'o1', 1n, 99, null);
    rig.server.wrongDigests.set(2, 1);
    const engine = await rig.open();
    let least = Infinity;
    engine.subscribe(() => { least = Math.min(least, engine.status().tables.filter((table) => table.usable).length); });
    expect(await rig.finish(engine, engine.run())).toBeUndefined();
    expect(least).toBe(3);
    const again = rig.server.fetched.slice(fetched).map(({ name }) => rig.server.packs.get(name)?.spec.parts[0]?.table);
    expect(new Set(again)).toEqual(new Set([2]));
    expect(rig.visible()).toEqual(rig.expected());
    expect(rig.query('SELECT kind FROM _carryon_journal').map(({ kind }) => kind)).toContain('repair');
  });

  it('D15 a second difference ends the run; the next run tries again', async () => {
    rig.server.wrongDigests.set(1, 2);
    expect(await rig.sync()).toMatchObject({ code: 'digest.mismatch' });
    expect(rig.server.asked.filter((ask) => ask.fresh)).toHaveLength(1);
    expect(await rig.sync()).toBeUndefined();
    expect(rig.visible()).toEqual(rig.expected());
  });

  it('D20 a run that is interrupted at any stage asks only for what lacks', async () => {
    for (let stop = 1; stop < 12; stop++) {
      const engine = await rig.open();
      let changes = 0;
      const run = engine.run();
      engine.subscribe(() => { changes++; });
      const rests = rig.host.rests;
      await rig.until(engine, () => changes >= stop * 3 || engine.status().state === 'up-to-date');
      await engine.close();
      await run;
      expect(rig.host.rests).toBeLessThanOrEqual(rests + 1);
      expect(() => rig.writeFromOutside()).not.toThrow();
    }
    expect(await rig.sync()).toBeUndefined();
    expect(rig.visible()).toEqual(rig.expected());
    for (const [name, bytes] of rig.server.sentBytes) expect(bytes).toBeLessThanOrEqual((rig.server.packs.get(name)?.bytes.length ?? 0) * 2);
  });

  it('D21 what a listener throws does not disturb the device', async () => {
    const engine = await rig.open();
    engine.subscribe(() => { throw new Error('the app\'s mistake'); });
    engine.onCommit(() => { throw new Error('the app\'s mistake'); });
    expect(await rig.finish(engine, engine.run())).toBeUndefined();
    expect(rig.visible()).toEqual(rig.expected());
  });
});
