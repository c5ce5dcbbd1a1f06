import { describe, expect, it } from 'vitest';
import { checkPlan } from './check-plan.ts';
import { checkQuota, neededBytes } from './quota.ts';
import { retryDelayMs } from './retry.ts';
import { Core, error, pack, packName, packSpec, spec, table } from '../testing/core.ts';
import type { Pack, Table } from './state.ts';

describe('waiting', () => {
  it('D17 waits double up to a minute, half of it by chance, and never end before Retry-After', () => {
    const waits = [1, 2, 3, 4, 8, 9, 1000].map((failures) => retryDelayMs(failures, error('server.unreachable'), 1));
    expect(waits).toEqual([500, 1000, 2000, 4000, 60_000, 60_000, 60_000]);
    expect(retryDelayMs(1, error('server.unreachable'), 0)).toBe(250);
    expect(retryDelayMs(1, error('server.busy', 7000), 0)).toBe(7000);
    expect(retryDelayMs(20, error('server.busy', 7000), 0)).toBe(30_000);
    expect(retryDelayMs(1, error('device.disk-full'), 1)).toBe(60_000);
  });

  it('D17 what fails while another failure is waited for counts once, but a longer Retry-After prolongs the wait', () => {
    const core = new Core([table(1)], [1, 2, 3].map((n) => pack(n))).grant();
    for (const n of [1, 2, 3]) core.send({ type: 'fetch-failed', name: packName(n), error: error('server.unreachable') });
    expect(core.state).toMatchObject({ failures: 1, retry: { atMs: 3500 } });
    core.send({ type: 'woke', timer: 'retry' });
    expect(core.types).toEqual(['fetch', 'fetch', 'fetch']);
    core.send({ type: 'fetch-failed', name: packName(1), error: error('server.unreachable') });
    core.send({ type: 'fetch-failed', name: packName(2), error: error('server.busy', 90_000) });
    expect(core.state).toMatchObject({ failures: 2, retry: { atMs: 98_000, error: { code: 'server.busy' } } });
    expect(core.effects).toContainEqual({ type: 'timer', timer: 'retry', atMs: 98_000 });
  });

  it('D17 a timer ends its wait even when the clock was set back meanwhile', () => {
    const core = new Core([], []).grant().failAsk('server.unreachable');
    core.nowMs -= 3_600_000;
    core.send({ type: 'woke', timer: 'retry' });
    expect(core.types).toEqual(['ask']);
  });

  it('D17 answers that never bring anything end a run of mode once', () => {
    const core = new Core([], []).grant();
    for (let attempts = 1; attempts < 6; attempts++) core.answer({ error: error('server.unavailable') }).send({ type: 'woke', timer: 'retry' });
    expect(core.answer({ error: error('server.unavailable') }).types).toEqual(['abort', 'finished']);
  });

  it('D17 a server that says when to come back is waited for longer than one that is silent', () => {
    const core = new Core([], []).grant();
    for (let attempts = 1; attempts < 150; attempts++) core.failAsk('server.preparing').send({ type: 'woke', timer: 'retry' });
    expect(core.state.phase).toBe('running');
  });

  it('D18 in mode watch nothing but an error without retry ends the run', () => {
    const core = new Core([], [], { mode: 'watch' }).grant();
    for (const code of ['server.unreachable', 'auth.expired', 'server.not-carryon'] as const) for (let attempts = 0; attempts < 20; attempts++) core.failAsk(code).send({ type: 'woke', timer: 'retry' });
    expect(core.state.phase).toBe('running');
    expect(core.failAsk('epoch.changed').types).toEqual(['abort', 'finished']);
    expect(core.grant().types).toEqual([]);
  });

  it('D23 a full disk holds back the steps too; a missing network does not', () => {
    const core = new Core([table(1)], [pack(1, { stage: 'stored' }), pack(2)], { mode: 'watch' }).grant();
    core.send({ type: 'fetch-failed', name: packName(2), error: error('server.unreachable') }).send({ type: 'unpacked', name: packName(1) });
    expect(core.types).toEqual(['step']);
    core.send({ type: 'step-failed', error: error('device.disk-full') });
    expect(core.types).toEqual(['retry']);
    expect(core.state.retry).toMatchObject({ error: { code: 'device.disk-full' }, atMs: core.nowMs + 60_000 });
    expect(core.send({ type: 'woke', timer: 'retry' }).types).toEqual(['unpack', 'fetch']);
  });
});

describe('a lease', () => {
  it('D1 a step that would outlast the deadline, less the time to come to rest, is not begun', () => {
    const ready = [table(1)];
    const unpacked = new Core(ready, [pack(1, { stage: 'stored' })]).grant().send({ type: 'unpacked', name: packName(1) });
    expect(unpacked.types).toEqual(['step']);
    const late = (deadlineMs: number, rows: number, load: Pack['stage']): string[] =>
      new Core([table(1, { rows })], [pack(1, { stage: load })]).grant(deadlineMs).types;
    expect(late(2350, 0, 'applied')).toEqual(['step']);
    expect(late(2349, 0, 'applied')).toEqual([]);
    // An index takes the longer the more rows there are.
    expect(late(2200 + 1000, 800_000, 'applied')).toEqual(['step']);
    expect(late(2200 + 999, 800_000, 'applied')).toEqual([]);
  });

  it('D1 a late failure of what was in flight does not count against the next lease', () => {
    const core = new Core([], []).grant().revoke().grant();
    expect(core.types).toEqual([]);
    expect(core.failAsk('internal').types).toEqual(['rested', 'ask']);
    expect(core.state).toMatchObject({ phase: 'running', failures: 0 });
  });

  it('D1 a wait that a revocation cut is set again, or over, with the next lease', () => {
    const core = new Core([], []).grant().failAsk('server.busy', 60_000).revoke();
    expect(core.types).toEqual(['abort', 'retry', 'rested']);
    expect(core.grant().effects).toContainEqual({ type: 'timer', timer: 'retry', atMs: 63_000 });
    core.revoke();
    core.nowMs = 100_000;
    expect(core.grant().types).toEqual(['ask']);
  });
});

describe('packs', () => {
  it('D11 fresh addresses go to the packs that were asked for, whatever has become of others meanwhile', () => {
    const core = new Core([table(1)], [pack(1), pack(2), pack(3)], { fetches: 2 }).grant();
    core.send({ type: 'fetch-failed', name: packName(2), error: error('pack.url-expired') }).send({ type: 'woke', timer: 'retry' });
    expect(core.effects).toMatchObject([{ type: 'ask', request: { urls: [packName(2), packName(3)] } }]);
    core.send({ type: 'fetch-failed', name: packName(1), error: error('server.unreachable') });
    core.answer({ urls: ['new 2', 'new 3'] });
    expect(core.types).toEqual(['step']);
    core.send({ type: 'stepped', result: {} });
    expect(core.state.packs.map(({ url }) => url)).toEqual(['u1', 'new 2', 'new 3']);
  });

  it('D11 nothing is fetched from an expired address while the fresh one is on its way', () => {
    const core = new Core([table(1)], [pack(1), pack(2)], { fetches: 1 }).grant();
    core.send({ type: 'fetch-failed', name: packName(1), error: error('pack.url-expired') }).send({ type: 'woke', timer: 'retry' });
    expect(core.answer({ urls: ['new 1', 'new 2'] }).types).toEqual(['step']);
    expect(core.send({ type: 'stepped', result: {} }).effects).toMatchObject([{ type: 'fetch', pack: { url: 'new 1' } }]);
  });

  it('D4 at most so many are fetched at a time and stored ahead', () => {
    const many = Array.from({ length: 20 }, (_, n) => pack(n + 1));
    const core = new Core([table(1)], many, { fetches: 3, storedAhead: 4 }).grant();
    expect(core.types).toEqual(['fetch', 'fetch', 'fetch']);
    expect(core.send({ type: 'fetched', name: packName(1) }).types).toEqual(['unpack', 'fetch']);
    expect(core.send({ type: 'fetched', name: packName(2) }).types).toEqual([]);
  });

  it('D3 a level is read when its packs are in and the levels before it are usable', () => {
    const level = (n: number): Partial<Table> => ({ level: n });
    const core = new Core([table(1, level(0)), table(2, { ...level(1), load: 'indexed' })], [pack(1)]).grant();
    expect(core.types).toEqual(['fetch']);
    const usable = new Core([table(1, { ...level(0), usable: true, load: 'filling' }), table(2, { ...level(1), load: 'indexed' })], [pack(1)]).grant();
    expect(usable.effects.at(-1)).toMatchObject({ type: 'ask', request: { tables: [2] } });
  });
});

describe('a plan', () => {
  it('D6 needs room for the tables with their growth, the packs at one time and a margin', () => {
    const packs = [packSpec(1), packSpec(2)];
    const needed = neededBytes(packs);
    expect(needed).toBe(Math.ceil(8000 * 1.35) + 4 * 5000 + 16 * 1024 * 1024);
    // With a transfer service of the OS all packs may be on the disk at one time.
    const many = Array.from({ length: 100 }, (_, n) => packSpec(n));
    expect(neededBytes(many, true) - neededBytes(many)).toBe(100 * 1000 + 5000 - 4 * 5000);
    expect(checkQuota(packs, needed)).toBeUndefined();
    expect(checkQuota(packs, undefined)).toBeUndefined();
    expect(checkQuota([], 0)).toBeUndefined();
    expect(checkQuota(packs, needed - 1)).toMatchObject({ code: 'device.quota' });
    expect(checkQuota(packs, 1)?.message).toMatch(/needs 17 MB .* has 1 MB/);
  });

  it('D5 is for the tables that the device lacks of those it asked about, and for no others than those', () => {
    const plan = { tables: [spec(1)], packs: [packSpec(1)] };
    expect(checkPlan(plan, [])).toBeUndefined();
    expect(checkPlan(plan, [table(1, { load: 'none' }), table(2, { usable: true, load: 'none' })])).toBeUndefined();
    expect(checkPlan(plan, [table(1, { load: 'none', usable: true, lost: true })])).toBeUndefined();
    expect(checkPlan(plan, [table(1, { load: 'filling' })])).toBeUndefined();
    expect(checkPlan(plan, [table(1, { load: 'filling' })], [1])).toBeUndefined();
    expect(checkPlan(plan, [table(2, { load: 'none' })], [1])).toBeUndefined();
    expect(checkPlan(plan, [table(1, { load: 'filling' })], [2])).toMatchObject({ code: 'protocol.bad-answer', message: expect.stringContaining('has table t1 already') });
    expect(checkPlan(plan, [table(2, { load: 'none' })])).toMatchObject({ message: expect.stringContaining('lacks table t2') });
    expect(checkPlan(plan, [table(1, { load: 'none', name: 'other' })])).toMatchObject({ message: expect.stringContaining('called otherwise') });
    expect(checkPlan(plan, [table(2, { load: 'none', usable: true, name: 'T1' })])).toMatchObject({ message: expect.stringContaining('called the same') });
  });
});
