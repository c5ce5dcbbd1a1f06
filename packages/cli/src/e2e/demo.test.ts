import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { differences } from './compare.ts';
import { caughtUp, Lab } from './harness.ts';

const USER = 'anna.keller';
const OWN = `technician_id = '${USER}'`;
const SHARE = { work_orders: OWN, tasks: OWN, technicians: 'true', teams: 'true', customers: 'true', products: 'true', assets: 'true' };

let lab: Lab;
beforeEach(() => { lab = new Lab(); });
afterEach(() => lab.end());

describe('carryon demo', () => {
  it('shows all of it in one go, and the second time starts from what is there', async () => {
    const demo = ['demo', '--once', '--work-orders', '2000', '--dir', 'demo', '--port', '0'];
    const first = await lab.run(demo);
    expect(first, first.stderr).toMatchObject({ code: 0 });
    for (const step of ['1. Making a field-service database with 2,000 work orders', '2. The sync server on it: http://127.0.0.1:', `3. ${USER}'s device`, 'every table is usable', '4. Plain SQL on the device']) {
      expect(first.stdout).toContain(step);
    }
    expect(first.stdout).toMatch(/^WO-\d{7} {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}\S/m);
    expect(first.stderr.split('\n').filter((line) => !line.includes('█'))).toEqual(['']);
    expect(differences(lab.path('demo', 'business.db'), lab.path('demo', USER), SHARE)).toEqual([]);

    const device = async (): Promise<{ device: string }> => lab.json(['status', lab.path('demo', USER)]);
    const before = await device();
    const second = await lab.json<{ sync: { receivedBytes: number }; sample: { rows: unknown[] } }>(demo);
    expect(second.sync.receivedBytes).toBeLessThan(5000);
    expect((await device()).device).toBe(before.device);
    expect(readdirSync(lab.path('demo')).sort()).toEqual([USER, 'business.db', 'profile.json', 'server']);
  });

  it('--edit changes a work order, which the next sync brings', async () => {
    const demo = lab.start(['demo', '--work-orders', '2000', '--dir', 'demo', '--port', '0', '--json']);
    await demo.until('it serves on', () => demo.stdout.includes('\n'));
    const { url, device, data } = JSON.parse(demo.stdout) as { url: string; device: string; data: string };
    const edited = await lab.json<{ number: string; title: string }>(['demo', '--edit', '--dir', 'demo']);
    const token = await lab.token(lab.path(data), USER);
    const titles = async (): Promise<unknown> => {
      await lab.synced(url, lab.path(device), token);
      return (await lab.json<{ rows: unknown[][] }>(['query', device, `SELECT title FROM work_orders WHERE number = '${edited.number}'`])).rows[0]?.[0];
    };
    await expect.poll(titles, { timeout: 10_000 }).toBe(edited.title);
    expect(edited.title).toMatch(/\(.+\)$/);
    // There are fewer scheduled jobs than are shown in a larger database: each run finds one all the same.
    for (let i = 0; i < 5; i++) expect(await lab.run(['demo', '--edit', '--dir', 'demo'])).toMatchObject({ code: 0 });
    await caughtUp(lab.path('demo', 'business.db'), lab.path(data));
    await lab.synced(url, lab.path(device), token);
    // And the other way: what the device may change arrives in the business database.
    expect(await lab.run(['write', device, `UPDATE work_orders SET status = 'in_progress' WHERE number = '${edited.number}'`])).toMatchObject({ code: 0, stderr: '' });
    expect(await lab.run(['write', device, 'DELETE FROM work_orders'])).toMatchObject({ code: 1, stderr: expect.stringContaining('(write.forbidden)') as string });
    await lab.synced(url, lab.path(device), token);
    expect(await lab.run(['demo', '--show', edited.number, '--dir', 'demo'])).toMatchObject({ code: 0, stdout: expect.stringMatching(new RegExp(`^${edited.number} is ".*", in_progress\n$`)) as string });
    demo.signal('SIGINT');
    expect(await demo.ended).toMatchObject({ code: 0, stderr: '' });
    expect(demo.stdout.trim().split('\n')).toHaveLength(1);
    expect(differences(lab.path('demo', 'business.db'), lab.path('demo', USER), SHARE)).toEqual([]);
    expect(JSON.parse(readFileSync(lab.path('demo', 'profile.json'), 'utf8'))).toMatchObject({ version: 1, name: 'Field service' });
  });

  it('says what is missing: no demonstration yet, no such technician', async () => {
    expect(await lab.run(['demo', '--edit', '--dir', 'demo'])).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('There is no demonstration database demo/business.db yet') as string });
    expect(await lab.run(['demo', '--work-orders', '0'])).toMatchObject({ code: 2, stderr: expect.stringContaining('--work-orders must be a whole number from 1') as string });
  });
});
