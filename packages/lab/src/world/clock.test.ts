import { clockContract } from '@carryon/client/testing';
import { describe, expect, it } from 'vitest';
import { DeviceTime, ProcessClock } from './clock.ts';
import { START_MS } from './queue.ts';
import { World } from './world.ts';

clockContract('of a process in the lab', () => {
  const world = new World({ seed: 1 });
  return { clock: new ProcessClock(new DeviceTime(world.queue)), pass: (ms) => world.runFor(ms) };
});

describe('ProcessClock', () => {
  it('timers due while suspended run late, in order, when the process goes on', async () => {
    const world = new World({ seed: 1 });
    const clock = new ProcessClock(new DeviceTime(world.queue));
    const ran: string[] = [];
    for (const ms of [30, 10, 20, 200]) clock.after(ms, () => ran.push(`${ms}@${world.queue.steadyMs}`));
    const cancelled = clock.after(15, () => ran.push('cancelled'));
    await world.runFor(12);
    clock.suspend();
    await world.runFor(88);
    cancelled();
    clock.resume();
    await world.runFor(200);
    expect(ran).toEqual(['10@10', '20@100', '30@100', '200@200']);
  });

  it('no timer of a dead process runs', async () => {
    const world = new World({ seed: 1 });
    const clock = new ProcessClock(new DeviceTime(world.queue));
    const ran: string[] = [];
    clock.after(10, () => ran.push('late'));
    clock.suspend();
    await world.runFor(20);
    clock.resume();
    clock.kill();
    clock.resume();
    clock.after(10, () => ran.push('new'));
    await world.runFor(50);
    expect(ran).toEqual([]);
  });

  it('a set clock moves the time of day, not the uptime; a reboot begins the uptime anew', async () => {
    const world = new World({ seed: 1 });
    const time = new DeviceTime(world.queue);
    const clock = new ProcessClock(time);
    time.offsetMs = -3_600_000;
    await world.runFor(10);
    expect([clock.nowMs(), clock.steadyMs()]).toEqual([START_MS - 3_600_000 + 10, 10]);
    time.rebooted();
    await world.runFor(5);
    expect(clock.steadyMs()).toBe(5);
  });
});
