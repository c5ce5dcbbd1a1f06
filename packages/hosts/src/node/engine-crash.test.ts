import { readdirSync } from 'node:fs';
import type { Sqlite } from '@carryon/client';
import { tripPackStore, tripSqlite } from '@carryon/client/testing';
import type { TableSpec } from '@carryon/protocol';
import { describe, expect, it } from 'vitest';
import { Rig } from '../testing/rig.ts';
import { packsFolder } from './folder.ts';

class Killed extends Error {}

/** Lets calls through up to a number of them; from then on the process is dead, and nothing it calls does anything. */
class Life {
  #calls = 0;
  readonly #most: number;
  readonly names: string[] = [];
  /** Calls of the pack store that are under way: of a dead process, too, the disk ends what it has begun. */
  writing = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get isOver(): boolean {
    return this.#calls >= this.#most;
  }

  readonly wire = (name: string): void => {
    if (this.isOver) throw new Killed(name);
    this.#calls++;
    this.names.push(name);
  };

  readonly packWire = (name: string): void => {
    if (name.startsWith('after ')) this.writing--;
    this.wire(name);
    if (!name.startsWith('after ')) this.writing++;
  };
}

/** A small world: first a sync of three packs and two pages, then a round of changes. */
function scene(): Rig {
  const rig = new Rig({ packRows: 20, pageRows: 8 });
  for (let i = 1; i <= 15; i++) rig.server.put(1, i, BigInt(i * 10), `customer ${i}`);
  for (let i = 1; i <= 12; i++) rig.server.put(2, i, `o${i}`, 1n, i / 4, null);
  for (let i = 1; i <= 5; i++) rig.server.put(3, i, `n${i}`, `note ${i}`);
  return rig;
}

function change(rig: Rig): void {
  for (let i = 1; i <= 8; i++) rig.server.put(1, i, BigInt(i * 10), 'changed');
  rig.server.remove(1, 9);
  rig.server.remove(2, 1);
  rig.server.put(2, 20, 'o1', 1n, 7, null);
  for (let i = 1; i <= 3; i++) rig.server.remove(3, i);
}

interface Reference {
  /** Every state that an app sees, in order. */
  readonly states: readonly string[];
  readonly calls: number;
}

/** A life in which changes come after the plan, then more after the first sync. */
async function live(rig: Rig, life: Life, onChange: () => void): Promise<void> {
  let connection: Sqlite | undefined;
  const engine = await rig.open({
    sqlite: (inner) => {
      connection = inner;
      return tripSqlite(inner, life.wire);
    },
    packs: (inner) => tripPackStore(inner, life.packWire),
  });
  engine.subscribe(onChange);
  const run = engine.run();
  run.catch(() => undefined);
  let isDone = false;
  run.then(() => { isDone = true; }, () => { isDone = true; });
  await rig.until(engine, () => isDone || (life.isOver && life.writing === 0));
  // A dead process has no connection: what it had not committed is undone.
  await connection?.close();
}

async function reference(prepare: (rig: Rig) => Promise<void>): Promise<Reference> {
  const rig = scene();
  await prepare(rig);
  const states = [JSON.stringify(rig.visible())];
  const life = new Life(Infinity);
  await live(rig, life, () => {
    const now = JSON.stringify(rig.visible());
    if (now !== states.at(-1)) states.push(now);
  });
  expect(rig.visible()).toEqual(rig.expected());
  await rig.end();
  return { states, calls: life.names.length };
}

async function dieAt(call: number, prepare: (rig: Rig) => Promise<void>, { states }: Reference): Promise<void> {
  const rig = scene();
  await prepare(rig);
  const life = new Life(call);
  await live(rig, life, () => undefined);
  const where = `killed at call ${call}, ${life.names.at(-1)}`;
  expect(states, where).toContain(JSON.stringify(rig.visible()));
  const complete = new Set(readdirSync(packsFolder(rig.folder)).filter((file) => !file.includes('.')));
  const hasPlan = rig.query('SELECT 1 FROM sqlite_schema WHERE name = \'_carryon_pack\'').length > 0;
  const applied = new Set(hasPlan ? rig.query('SELECT name FROM _carryon_pack WHERE applied').map(({ name }) => String(name)) : []);
  const waiting = new Set(hasPlan ? rig.query('SELECT name FROM _carryon_pack WHERE NOT applied').map(({ name }) => String(name)) : []);
  const hadPlan = hasPlan && rig.query('SELECT 1 FROM _carryon_table').length > 0;
  const [fetched, plans] = [rig.server.fetched.length, rig.server.plans];
  expect(await rig.sync(), where).toBeUndefined();
  expect(rig.visible(), where).toEqual(rig.expected());
  expect(readdirSync(packsFolder(rig.folder)), where).toEqual([]);
  const again = rig.server.fetched.slice(fetched).map(({ name }) => name);
  const isPlannedAnew = rig.server.plans > plans;
  for (const name of again) {
    expect(applied.has(name), `${where}: an applied pack is fetched again`).toBe(false);
    expect(waiting.has(name) && complete.has(name), `${where}: a stored pack is fetched again`).toBe(false);
    if (hadPlan && !isPlannedAnew) expect(waiting.has(name), `${where}: a pack that was not wanted is fetched`).toBe(true);
  }
  await rig.end();
}

describe('a device that is killed', () => {
  // Each scene dies at every third call; the others' first half is the first's.
  const scenes: readonly [string, (rig: Rig) => Promise<void>, number][] = [
    ['a first sync, with changes since the packs were made', async (rig) => {
      rig.server.net.fault('/v1/packs/', async (_request, otherwise) => {
        change(rig);
        return otherwise();
      });
    }, 3],
    ['a round of changes in pages', async (rig) => {
      await rig.sync();
      change(rig);
    }, 3],
    ['a repair', async (rig) => {
      await rig.sync();
      change(rig);
      rig.server.wrongDigests.set(1, 1);
    }, 3],
    ['tables that change: one goes, one comes, one has another form', async (rig) => {
      await rig.sync();
      change(rig);
      const [customers, orders] = rig.server.tables as [TableSpec, TableSpec, TableSpec];
      rig.server.setTables([{ ...customers, columns: [...customers.columns, { name: 'more', type: 'TEXT', collation: 'BINARY' }] }, { ...orders, level: 0 }, { ...orders, id: 7, name: 'other', level: 0 }]);
      for (let i = 1; i <= 12; i++) rig.server.put(7, i, `x${i}`, 1n, i, null);
    }, 3],
    ['a live-set', async (rig) => {
      await rig.sync();
      change(rig);
      rig.server.floor = 1000;
    }, 3],
  ];

  it.each(scenes)('D20 at any call of %s: what is seen is of one commit, the next start finishes, and nothing is fetched twice', async (_, prepare, stride) => {
    const expected = await reference(prepare);
    expect(expected.calls).toBeGreaterThan(50);
    for (let call = 1; call < expected.calls; call += stride) await dieAt(call, prepare, expected);
  });
});
