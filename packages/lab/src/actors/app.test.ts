import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Lab, type Event } from '../lab.ts';
import { writesOf } from '../checkers/own-values.ts';
import type { Entry } from '../world/trace.ts';

const ROWS = { customers: 10, jobs: 10, notes: 10, parts: 10 } as const;
const edit = (by: 'sql' | 'engine', undone?: true): Event => ({ do: 'edit', by, statements: [{ op: 'update', table: 'customers', at: 0, count: 2 }], ...(undone ? { undone } : {}) });

describe('the app of a device', () => {
  let lab: Lab;

  beforeEach(async () => {
    lab = await Lab.start({ seed: 1, platform: 'ios', business: { rows: ROWS, edits: true } });
    await lab.do({ do: 'open' });
    await lab.runFor(60_000);
  });

  afterEach(() => lab.close());

  const told = (what: string): readonly Entry[] => lab.world.trace.entries.filter((entry) => entry.what === what);
  const texts = (): unknown[] => {
    const db = new DatabaseSync(lab.device.disk.database, { readOnly: true });
    const rows = db.prepare("SELECT info FROM customers WHERE info LIKE 'edit %' ORDER BY id").all().map(({ info }) => info);
    db.close();
    return rows;
  };

  for (const by of ['sql', 'engine'] as const) {
    it(`edits by ${by}: what it wrote is told when it is committed, and goes to the server`, async () => {
      await lab.do(edit(by));
      await lab.runFor(1_000);
      expect(texts()).toEqual(['edit device 1:1', 'edit device 1:2'].map((text) => text.replace('1:', '1.0:')));
      expect(told('edit').flatMap(writesOf)).toMatchObject([{ op: 'update', table: 'customers', id: 1 }, { id: 2 }]);
      expect(lab.server.share('ann', 'customers')).toEqual(lab.device.rows('customers'));
    });

    it(`an edit by ${by} that the person takes back changes nothing and sends nothing`, async () => {
      await lab.do(edit(by, true));
      await lab.runFor(1_000);
      expect([texts(), told('edit'), told('upload')]).toEqual([[], [], []]);
      expect(told('edit failed')).toHaveLength(1);
    });
  }

  it('waits where the engine is writing, and tells the engine 50 ms after its commit', async () => {
    await lab.do({ do: 'write', sql: "UPDATE parts SET name = 'other'" });
    await lab.world.runWhile(() => !lab.device.isWriting, 60_000);
    const startMs = lab.world.queue.steadyMs;
    await lab.do(edit('sql'));
    expect(told('edit')).toEqual([]);
    await lab.runFor(1_000);
    const [editedMs = 0] = told('edit').map(({ atMs }) => atMs);
    expect(editedMs).toBeGreaterThan(startMs);
    expect(told('noticed').map(({ atMs }) => atMs)).toEqual([editedMs + 50]);
  });

  it('edits only what is in front of the person', async () => {
    await lab.do({ do: 'leave' });
    await lab.do(edit('sql'));
    await lab.runFor(1_000);
    expect([told('use'), texts()]).toEqual([[], []]);
  });

  it('a suspended process learns of the edit when it goes on', async () => {
    await lab.do({ do: 'network', to: 'none' });
    await lab.runFor(10_000);
    await lab.do(edit('sql'));
    await lab.do({ do: 'lock' });
    await lab.runFor(60_000);
    await lab.do({ do: 'network', to: 'unmetered' });
    await lab.do({ do: 'unlock' });
    await lab.runFor(5_000);
    expect(lab.server.share('ann', 'customers')).toEqual(lab.device.rows('customers'));
  });

  it('a draft is retried or dropped as the person says', async () => {
    const bad: Event = { do: 'edit', by: 'sql', statements: [{ op: 'update', table: 'parts', at: 0, count: 1, set: { price: -1 } }] };
    for (const how of ['retry', 'drop'] as const) {
      await lab.do(bad);
      await lab.runFor(5_000);
      expect(lab.device.status()?.edits.drafts).toBe(1);
      await lab.do({ do: 'draft', how });
      await lab.runFor(5_000);
      // What the business refused it refuses again.
      expect(lab.device.status()?.edits.drafts).toBe(how === 'retry' ? 1 : 0);
      if (how === 'retry') await lab.do({ do: 'draft', how: 'drop' });
      await lab.runFor(5_000);
    }
    expect(told('draft').map(({ detail }) => (detail as { how: string }).how)).toEqual(['retry', 'drop', 'drop']);
    expect(lab.server.share('ann', 'carryon_sync_error')).toEqual([]);
  });
});
