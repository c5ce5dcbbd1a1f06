import type { LabDevice } from '../actors/device.ts';
import type { Entry } from '../world/trace.ts';
import type { Checker } from './checker.ts';
import type { Permission } from './permission.ts';

/** So long a sample may lag behind: at the very limit of a lease the engine rests before the policy says so. */
const EDGE_MS = 250;

/** The status tells the truth: its verdict is the policy's own, and it names a reason whenever work is left and nothing goes on. */
export function truthChecker(permission: Permission, device: LabDevice): Checker {
  return {
    name: 'truth',
    see({ who, what }: Entry): string | undefined {
      if (who !== device.name || (what !== 'engine' && what !== 'rested')) return undefined;
      const status = device.status();
      if (!status?.sync || !status.verdict || !device.os.isRunning) return undefined;
      const state = !status.sync.begun ? 'none' : status.lease ? 'active' : 'suspended';
      const verdict = permission.verdict({ kind: status.sync.kind, state });
      if (!verdict || (verdict.untilMs ?? Infinity) - device.time.nowMs() <= EDGE_MS) return undefined;
      if (!status.lease && status.reasons.length === 0) return `no reason is given although the engine rests (${status.verdict.rule})`;
      const isDenied = verdict.engine !== 'run';
      if (isDenied && status.lease) return `the engine has permission although the policy says ${verdict.rule}`;
      if (verdict.rule !== status.verdict.rule && isDenied) return `the status cites ${status.verdict.rule}, the policy says ${verdict.rule}`;
      return undefined;
    },
  };
}

/** The journal's starts and stops are those that were seen: they alternate, and each was seen at its time. */
export function journalProblems(device: LabDevice, seen: readonly Entry[]): string[] {
  const entries = device.journal().filter(({ kind }) => kind === 'start' || kind === 'stop');
  const isSeen = (atMs: number): boolean => seen.some((entry) => Math.abs(entry.atMs - atMs) <= 1);
  const worldMs = (atMs: number): number => atMs - (device.time.nowMs() - device.time.queue.steadyMs);
  return entries.flatMap(({ kind, atMs }, i) => {
    if (kind === 'stop' && entries[i - 1]?.kind !== 'start') return [`the journal has a stop without a start at ${worldMs(atMs)}`];
    return isSeen(worldMs(atMs)) ? [] : [`the journal tells of a ${kind} at ${worldMs(atMs)} that nobody saw`];
  });
}
