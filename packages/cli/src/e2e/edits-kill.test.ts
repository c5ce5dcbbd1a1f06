import { openEdits } from '@carryon/hosts/node';
import { seeded } from '@carryon/server/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EditScene } from './edits-scene.ts';
import { Lab, pause, until } from './harness.ts';

let lab: Lab;
let scene: EditScene;
beforeEach(async () => {
  lab = new Lab();
  scene = await EditScene.open(lab);
});
afterEach(() => lab.end());

/** Servers are started again and again, on a machine that may be busy. */
const PATIENT_MS = 180_000;

/** So many transactions, each of which the ledger tells from all others. */
async function editOften(count: number, name: string): Promise<void> {
  const { edits, close } = await openEdits(scene.device);
  for (let i = 0; i < count; i++) await edits.write(async (tx) => void (await tx.update('jobs', [`job-${(i % 100) + 1}`], { title: `${name} ${i}` })));
  await close();
}

/** Everything was done, and nothing twice. */
function expectOnce(count: number, name: string): void {
  const ledger = scene.ledger();
  const done = Array.from({ length: count }, (_, i) => ledger.get(`title ${name} ${i}`) ?? 0);
  expect([done.filter((times) => times === 0).length, done.filter((times) => times > 1).length], 'lacking, and done twice').toEqual([0, 0]);
}

describe('kill -9', () => {
  it('I13: of the device between the server\'s commit and its answer: the next sync learns what became of the edits', async () => {
    await editOften(20, 'lost answer');
    await scene.write("INSERT INTO visits(person, job, note) VALUES('ann', 'job-1', 'lost answer')");
    await scene.write("UPDATE jobs SET status = 'bogus' WHERE id = 'job-2'");
    scene.proxy.holdsUploads = true;
    for (let kills = 1; kills <= 3; kills++) {
      const sync = scene.sync('--quiet');
      await sync.until('the server has answered', () => scene.proxy.held >= kills);
      await sync.kill();
      expectOnce(20, 'lost answer');
    }
    expect(scene.onDevice('SELECT id < 0 FROM visits')).toEqual([1]);
    scene.proxy.holdsUploads = false;
    expect((await scene.sync('--quiet').ended).stdout).toMatch(/^22 edits sent, 1 refused/);
    expectOnce(20, 'lost answer');
    expect(scene.ledger().get('visit lost answer')).toBe(1);
    expect(scene.inBusiness('SELECT count(*) FROM carryon_sync_error')).toEqual([1]);
    expect(scene.onDevice('SELECT id > 0 FROM visits')).toEqual([1]);
    expect(await scene.differences()).toEqual([]);
  });

  it('I13: of the server in the middle of uploads: each edit is done once', async () => {
    const EDITS = 1500;
    await editOften(EDITS, 'killed');
    const sync = scene.sync('--quiet');
    let beforeCommit = 0;
    for (const delayMs of [5, 40, 120, 250]) {
      const { uploads } = scene.proxy;
      await until('edits are sent', () => sync.isOver || scene.proxy.uploads > uploads);
      await pause(delayMs);
      await scene.killServer();
      if (scene.ledger().size === 0) beforeCommit++;
    }
    expect(beforeCommit, 'killed before the commit').toBeGreaterThan(0);
    // Where the server was away for too long the device has given up; the next sync goes on.
    expect([0, 3]).toContain((await sync.ended).code);
    const last = await scene.sync('--quiet').ended;
    expect(last, last.stderr).toMatchObject({ code: 0 });
    expectOnce(EDITS, 'killed');
    expect(await scene.differences()).toEqual([]);
  }, PATIENT_MS);

  it('I13: of the device at any moment, while the app goes on writing', async () => {
    const random = seeded(12);
    const app = scene.app();
    const update = app.prepare('UPDATE jobs SET title = ? WHERE id = ?');
    let made = 0;
    const change = (): unknown => update.run(`any moment ${made}`, `job-${(made++ % 100) + 1}`);
    for (let kills = 0; kills < 8; kills++) {
      const sync = scene.sync('--watch', '--quiet');
      const uploads = scene.proxy.uploads;
      await sync.until('it sends', () => {
        change();
        return scene.proxy.uploads > uploads;
      });
      for (let i = 0; i < random() * 40; i++) {
        change();
        await pause(random() * 6);
      }
      await sync.kill();
    }
    const last = await scene.sync('--quiet').ended;
    expect(last, last.stderr).toMatchObject({ code: 0 });
    // Transactions that were committed within one look may have gone up as one, but each row's last title and every statement is there once.
    expectOnce(made, 'any moment');
    expect(await scene.differences()).toEqual([]);
  });

  it('I13: of the app in the middle of its transaction: nothing of it is sent', async () => {
    const torn = lab.start([], { instead: [process.execPath, '-e', `
      const { DatabaseSync } = require('node:sqlite');
      const db = new DatabaseSync(process.argv[1]);
      db.exec("UPDATE jobs SET title = 'whole 0' WHERE id = 'job-1'; BEGIN; UPDATE jobs SET title = 'torn' WHERE id = 'job-2'; INSERT INTO visits(person, job, note) VALUES('ann', 'job-2', 'torn')");
      console.log('in the middle');
      setInterval(() => {}, 1000);`, `${scene.device}/carryon.db`] });
    await torn.until('it is in the middle', () => torn.stdout.includes('in the middle'));
    await torn.kill();
    await scene.sync('--quiet').ended;
    expect(scene.ledger()).toEqual(new Map([['title whole 0', 1]]));
    expect(await scene.differences()).toEqual([]);
  });
});
