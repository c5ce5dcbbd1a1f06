import { EventEmitter } from 'node:events';
import { VirtualClock } from '@carryon/client/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { NodeHost } from './host.ts';

describe('NodeHost', () => {
  let clock: VirtualClock;
  let signals: EventEmitter & { pid: number; kill: (pid: number, signal: string) => void };
  let log: string[];
  let host: NodeHost;
  let stop: () => void;
  beforeEach(() => {
    clock = new VirtualClock();
    log = [];
    signals = Object.assign(new EventEmitter(), { pid: 7, kill: (pid: number, signal: string) => void log.push(`kill ${pid} ${signal}`) });
    host = new NodeHost({ clock, process: signals as unknown as NodeJS.Process, onTerminated: (signal) => log.push(`terminated ${signal}`) });
    stop = host.start({ situation: ({ app }) => log.push(app) });
  });

  it.each(['SIGTERM', 'SIGINT'])('HOST-1 %s closes the app and ends the process at rest', (signal) => {
    signals.emit(signal, signal);
    expect(log).toEqual(['foreground', 'closed']);
    host.rested();
    host.rested();
    expect(log.slice(2)).toEqual([`terminated ${signal}`]);
  });

  it('HOST-2 SIGTSTP stops the process at rest; SIGCONT brings it back', () => {
    signals.emit('SIGTSTP', 'SIGTSTP');
    host.rested();
    signals.emit('SIGCONT', 'SIGCONT');
    expect(log).toEqual(['foreground', 'frozen', 'kill 7 SIGSTOP', 'foreground']);
  });

  it('HOST-2 SIGCONT before the rest calls the stop off', () => {
    signals.emit('SIGTSTP', 'SIGTSTP');
    signals.emit('SIGCONT', 'SIGCONT');
    host.rested();
    expect(log).toEqual(['foreground', 'frozen', 'foreground']);
  });

  it('HOST-2 SIGCONT does not call an end off', () => {
    signals.emit('SIGTERM', 'SIGTERM');
    signals.emit('SIGCONT', 'SIGCONT');
    host.rested();
    expect(log).toEqual(['foreground', 'closed', 'terminated SIGTERM']);
  });

  it('HOST-3 a clock that is set is no sleep', () => {
    clock.set(3_600_000);
    clock.advance(60_000);
    clock.set(-7_200_000);
    clock.advance(60_000);
    expect(log).toEqual(['foreground']);
  });

  it('HOST-3 a machine that slept distrusts what was in flight, and goes on', () => {
    clock.advance(60_000);
    expect(log).toEqual(['foreground']);
    clock.sleep(3_600_000);
    clock.advance(5000);
    expect(log.slice(1)).toEqual(['frozen']);
    host.rested();
    clock.advance(60_000);
    expect(log.slice(2)).toEqual(['foreground']);
  });

  it('HOST-3 an end that is under way is not undone by a sleep', () => {
    signals.emit('SIGTERM', 'SIGTERM');
    clock.sleep(3_600_000);
    clock.advance(5000);
    host.rested();
    expect(log).toEqual(['foreground', 'closed', 'terminated SIGTERM']);
  });

  it('HOST-4 stopped, it lets go of signals and timers', () => {
    stop();
    expect(signals.eventNames()).toEqual([]);
    expect(clock.nextMs).toBeUndefined();
  });
});
