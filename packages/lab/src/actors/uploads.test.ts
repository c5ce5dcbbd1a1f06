import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Lab } from '../lab.ts';
import { OTHERS } from '../fuzz/edits.ts';
import { Ledger } from './ledger.ts';
import { serverFiles } from './template.ts';

const ROWS = { customers: 10, jobs: 10, notes: 10, parts: 10 } as const;

describe('uploads to the lab\'s server', () => {
  let lab: Lab;

  beforeEach(async () => {
    lab = await Lab.start({ seed: 1, platform: 'node', business: { rows: ROWS, edits: true }, others: OTHERS });
    for (const { name } of lab.devices) await lab.do({ do: 'open' }, name);
    await lab.runFor(60_000);
  });

  afterEach(() => lab.close());

  const edits = (on?: string): Promise<void> => lab.do({ do: 'edit', by: 'sql', statements: [{ op: 'update', table: 'customers', at: 0, count: 1 }] }, on);
  const uploadsOf = (info: string): number => {
    const ledger = new Ledger(serverFiles(lab.server.folder).database);
    const found = ledger.uploadsOf('customers', info).length;
    ledger.close();
    return found;
  };
  const pushes = (): number => lab.world.trace.entries.filter(({ what, detail }) => what === 'request' && (detail as { push?: boolean }).push === true).length;

  for (const [how, times] of [['lost', 2], ['twice', 1], ['killed', 2]] as const) {
    it(`D62: an answer that is ${how} when the push was applied: it stands in the business's book once, and every device shows it`, async () => {
      await lab.do({ do: 'answer', path: 'push', how, times: 1 });
      await edits();
      await lab.runFor(120_000);
      expect([uploadsOf('edit device 1.0:1'), pushes()]).toEqual([1, times]);
      for (const device of lab.devices) expect(device.rows('customers')).toEqual(lab.server.share(device.user, 'customers'));
    });
  }

  it('the business\'s own writes are told apart from uploads', async () => {
    await lab.do({ do: 'write', sql: "UPDATE customers SET info = 'edit nobody' WHERE id = 1" });
    expect(uploadsOf('edit nobody')).toBe(0);
  });

  it('several devices edit the same row in turn, and each shows the last of them', async () => {
    for (const on of ['tablet', 'desk', undefined]) {
      await edits(on);
      await lab.runFor(5_000);
    }
    for (const device of lab.devices) expect(device.rows('customers')?.[0]).toContain(Buffer.from('edit device 1.0:1').toString('hex').toUpperCase());
  });

  it('a backup that is put back lacks what came after it; devices begin anew and send it again', async () => {
    await edits();
    await lab.runFor(5_000);
    await lab.do({ do: 'back-up' });
    await edits('desk');
    await lab.runFor(5_000);
    await lab.do({ do: 'restore' });
    expect([uploadsOf('edit device 1.0:1'), uploadsOf('edit desk 1.0:1')]).toEqual([1, 0]);
    await lab.heal();
    lab.check();
    expect([uploadsOf('edit device 1.0:1'), uploadsOf('edit desk 1.0:1'), lab.problems]).toEqual([1, 1, []]);
  });
});
