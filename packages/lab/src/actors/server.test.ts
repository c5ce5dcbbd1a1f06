import { setTimeout as sleep } from 'node:timers/promises';
import { PROTOCOL_VERSION, parseFrame, type Frame, type PlanFrame } from '@carryon/protocol';
import { describe, expect, it } from 'vitest';
import { firstDifference } from '../world/trace.ts';
import { World } from '../world/world.ts';
import { demo } from './business.ts';
import { LabServer, type LabAnswer } from './server.ts';

const framesOf = (answer: LabAnswer): Frame[] => answer.body.toString().split('\n').filter((line) => line !== '').map(parseFrame).filter((frame) => frame !== undefined);

async function ask(server: LabServer, user: string, body: object): Promise<LabAnswer> {
  const authorization = `Bearer ${await server.token(user)}`;
  return server.request({ method: 'POST', url: 'v1/sync', headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify({ v: PROTOCOL_VERSION, device: 'd', token: null, accept: ['zstd'], ...body }) });
}

async function planOf(server: LabServer, user: string): Promise<PlanFrame['plan']> {
  const frame = framesOf(await ask(server, user, {})).find((candidate) => 'plan' in candidate);
  if (!frame) throw new Error('no plan');
  return frame.plan;
}

/** A plan, all of its packs, and questions of two people that wait and are woken. */
async function history(world: World): Promise<World> {
  const server = await LabServer.start(world);
  try {
    const note = (what: string, answer: LabAnswer): void => world.trace.add('device', what, { status: answer.status, headers: answer.headers, body: answer.body.toString('base64') });
    const plan = await planOf(server, 'ann');
    world.trace.add('device', 'plan', { packs: plan.packs.map((pack) => pack.name), token: plan.token });
    for (const { url } of plan.packs) world.queue.after(world.random.below(50), () => void server.request({ method: 'GET', url }).then((answer) => note('pack', answer)));
    for (const user of ['ann', 'bob']) {
      const { token } = await planOf(server, user);
      world.queue.after(100, () => void ask(server, user, { token, waitSeconds: 20 }).then((answer) => note(`answer to ${user}`, answer)));
    }
    world.queue.after(5000, () => server.change("UPDATE customers SET name = 'Changed' WHERE id = 3; INSERT INTO jobs VALUES(9000, 'bob', 'new', 'x')"));
    await world.runFor(30_000);
    return world;
  } finally {
    await server.close();
  }
}

describe('LabServer', () => {
  it('gives a plan of many packs over three levels for a first sync of 4000 rows', async () => {
    const server = await LabServer.start(new World({ seed: 1 }));
    const plan = await planOf(server, 'ann');
    expect(plan.packs.length).toBeGreaterThanOrEqual(12);
    expect(new Set(plan.packs.map((pack) => pack.level)).size).toBe(3);
    expect(plan.packs.flatMap((pack) => pack.parts).reduce((sum, part) => sum + part.rows, 0)).toBe(3000);
    await server.close();
  });

  it('has one history for one seed, whatever the real work takes', async () => {
    const one = await history(new World({ seed: 5 }));
    let turns = 0;
    const other = await history(new World({ seed: 5, disturb: () => sleep((turns++ * 7) % 5) }));
    expect(firstDifference(one.trace.entries, other.trace.entries)).toBeUndefined();
    expect(one.trace.hash()).toBe(other.trace.hash());
    const answers = one.trace.entries.filter(({ what }) => what.startsWith('answer'));
    expect(answers.map(({ atMs, what }) => [atMs, what])).toEqual([[5050, 'answer to ann'], [5050, 'answer to bob']]);
  });

  it('a question without news is answered when its time is up', async () => {
    const world = new World({ seed: 1 });
    const server = await LabServer.start(world);
    const { token } = await planOf(server, 'ann');
    let status = 0;
    void ask(server, 'ann', { token, waitSeconds: 20 }).then((answer) => { status = answer.status; });
    await world.runFor(19_999);
    expect(status).toBe(0);
    await world.runFor(1);
    expect(status).toBe(200);
    await server.close();
  });

  it('breaks off and refuses while it is down, and goes on after a restart', async () => {
    const world = new World({ seed: 1 });
    const server = await LabServer.start(world);
    const { token } = await planOf(server, 'ann');
    const poll = ask(server, 'ann', { token, waitSeconds: 20 });
    const broken = expect(poll).rejects.toMatchObject({ code: 'server.unreachable' });
    await world.runFor(1000);
    await server.down();
    await broken;
    await expect(server.request({ method: 'GET', url: 'healthz' })).rejects.toMatchObject({ code: 'server.unreachable' });
    server.write("DELETE FROM customers WHERE id <= 10");
    await server.up();
    await server.publish();
    expect(framesOf(await ask(server, 'ann', { token })).filter((frame) => 0 in frame && frame[0] === 'R')).toHaveLength(10);
    expect(server.share('ann', 'customers')).toHaveLength(490);
    expect(server.share('bob', 'jobs')).toHaveLength(500);
    await server.close();
  });

  it('a lost data directory is another epoch', async () => {
    const world = new World({ seed: 1 });
    const server = await LabServer.start(world, { business: demo({ rows: { customers: 10, jobs: 10, notes: 10, parts: 10 } }) });
    const { token } = await planOf(server, 'ann');
    await server.loseData();
    expect((await ask(server, 'ann', { token })).status).toBe(409);
    expect((await planOf(server, 'ann')).packs.length).toBeGreaterThan(0);
    await server.close();
  });

  it('many runs may share one prepared folder', async () => {
    const business = demo({ users: ['ann'], rows: { parts: 3000 } });
    const plans: string[] = [];
    for (const seed of [1, 2]) {
      const server = await LabServer.start(new World({ seed }), { business, folder: 'shared' });
      plans.push(JSON.stringify((await planOf(server, 'ann')).packs));
      await server.close();
    }
    expect(plans[0]).toBe(plans[1]);
  });
});
