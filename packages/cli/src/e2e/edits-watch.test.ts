import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EditScene } from './edits-scene.ts';
import { Lab, until } from './harness.ts';

let lab: Lab;
let scene: EditScene;
beforeEach(async () => {
  lab = new Lab();
  scene = await EditScene.open(lab);
});
afterEach(() => lab.end());

describe('two processes: one keeps the device current, the other writes', () => {
  it('what any connection writes goes up while it waits for changes, and both ways go on', async () => {
    const watching = scene.sync('--watch');
    await watching.until('it waits', () => watching.stdout.includes('waiting for changes'));
    const app = scene.app();
    for (let i = 0; i < 10; i++) {
      app.exec(`UPDATE jobs SET title = 'here ${i}' WHERE id = 'job-${i + 1}'`);
      await watching.until('it arrives', () => scene.inBusiness('SELECT title FROM jobs WHERE id = ?', `job-${i + 1}`)[0] === `here ${i}`);
      scene.business.exec(`UPDATE jobs SET title = 'there ${i}' WHERE id = 'job-${i + 1}'`);
      await watching.until('it comes back', () => scene.onDevice('SELECT title FROM jobs WHERE id = ?', `job-${i + 1}`)[0] === `there ${i}`);
    }
    expect(await scene.write("UPDATE jobs SET status = 'bogus' WHERE id = 'job-1'")).toMatchObject({ code: 0 });
    await watching.until('it is told', () => /refused: #\d+ change of jobs job-1: .*\(write\.rejected\);/.test(watching.stdout));
    expect(await lab.run(['retry', scene.device, '--set', 'status=done'])).toMatchObject({ code: 0 });
    await watching.until('the mended edit arrives', () => scene.inBusiness("SELECT status FROM jobs WHERE id = 'job-1'")[0] === 'done');
    await watching.until('nothing waits', async () => (await lab.json<{ edits: { records: number; drafts: number } }>(['status', scene.device])).edits.records === 0);
    watching.signal('SIGINT');
    expect(await watching.ended).toMatchObject({ code: 130 });
    expect([...scene.ledger()].filter(([what, times]) => what.startsWith('title here') && times !== 1)).toEqual([]);
    expect(await scene.differences()).toEqual([]);
  });

  it('what is written while the network is away goes up when it is back, by itself', async () => {
    const watching = scene.sync('--watch');
    await watching.until('it waits', () => watching.stdout.includes('waiting for changes'));
    scene.proxy.target = 'http://127.0.0.1:9';
    scene.proxy.breakOff();
    scene.app().exec("UPDATE jobs SET title = 'offline' WHERE id = 'job-3'");
    await until('it counts as waiting', async () => (await lab.json<{ edits: { records: number } }>(['status', scene.device])).edits.records === 1);
    expect(scene.onDevice("SELECT title FROM jobs WHERE id = 'job-3'")).toEqual(['offline']);
    scene.proxy.target = scene.server.url;
    await watching.until('it arrives', () => scene.inBusiness("SELECT title FROM jobs WHERE id = 'job-3'")[0] === 'offline');
    expect(scene.ledger()).toEqual(new Map([['title offline', 1]]));
  });
});
