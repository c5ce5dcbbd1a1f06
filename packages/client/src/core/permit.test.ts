import { describe, expect, it } from 'vitest';
import type { Report } from '../ports/host.ts';
import { Core, pack, table } from '../testing/core.ts';

const MINUTE_MS = 60_000;
const WINDOWS: Partial<Report> = { platform: 'windows11' };
const THRIFTY: Partial<Report> = { ...WINDOWS, app: 'background', power: 'battery', saver: true };

describe('permission', () => {
  it('D24 a first sync that has begun goes on where a new one may not start, across processes too', () => {
    const android: Partial<Report> = { platform: 'android', app: 'background' };
    expect(new Core([], [], { mode: 'watch' }).tell(android).state).toMatchObject({ lease: undefined, round: { begun: false }, verdict: { engine: 'wait', rule: 'C2' } });
    const begun = new Core([table(1)], [pack(1)], { mode: 'watch' }).tell(android);
    expect(begun.state).toMatchObject({ lease: { rule: 'C2', network: true }, round: { kind: 'first', begun: true } });
    expect(begun.types).toEqual(['fetch']);
  });

  it('D24 the verdict\'s end is the lease\'s, less the time to come to rest; coming back lifts it', () => {
    const core = new Core([table(1)], [pack(1)], { mode: 'watch' }).tell(WINDOWS);
    expect(core.state.lease).not.toHaveProperty('deadlineMs');
    core.tell(THRIFTY);
    const leftMs = core.nowMs;
    expect(core.state.lease?.deadlineMs).toBe(leftMs + 10 * MINUTE_MS - 200);
    expect(core.tell(WINDOWS).state.lease).not.toHaveProperty('deadlineMs');
  });

  it('D24 D33 at its end the engine rests, says by which row, and when coming back is what helps', () => {
    const core = new Core([table(1)], [pack(1)], { mode: 'watch' }).tell(THRIFTY);
    core.nowMs = (core.state.lookMs ?? 0) - 1000;
    core.send({ type: 'woke', timer: 'look' });
    expect(core.types).toContain('abort');
    expect(core.effects).toContainEqual(expect.objectContaining({ type: 'journal', kind: 'stop', rule: 'C3' }));
    expect(core.state).toMatchObject({ lease: undefined, verdict: { engine: 'suspend', endsBy: ['maximize'] } });
  });

  it('D24 without the network it rests first, then works with what is here, and goes on at once when the network is back', () => {
    const core = new Core([table(1)], [pack(1), pack(2, { stage: 'stored' })], { mode: 'watch' }).tell({});
    core.send({ type: 'unpacked', name: pack(2).name }).send({ type: 'stepped', result: {} });
    expect(core.tell({ network: 'none' }).types).toContain('abort');
    expect(core.state.lease).toBeUndefined();
    core.send({ type: 'fetch-failed', name: pack(1).name, error: new Error('aborted') as never });
    expect(core.types).toContain('rested');
    expect(core.state).toMatchObject({ lease: { network: false }, failures: 0 });
    expect(core.tell({}).state.lease).toMatchObject({ network: true });
    expect(core.types).toContain('fetch');
  });
});
