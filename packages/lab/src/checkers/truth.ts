import type { DeviceStatus } from '@carryon/client';
import type { Verdict } from '@carryon/policy';
import type { LabDevice } from '../actors/device.ts';
import type { Entry } from '../world/trace.ts';
import type { Checker } from './checker.ts';
import type { Permission } from './permission.ts';

/** So long a sample may lag behind: at the very limit of a lease the engine rests before the policy says so. */
const EDGE_MS = 250;

/** So long the engine may take from one lease to the next without naming a reason. */
const TO_NEXT_LEASE_MS = 1000;

/** Entries at which the status is looked at. */
const TELLING = ['timer', 'report', 'resume', 'engine', 'rested', 'request', 'action'];

/** The status tells the truth: its verdict is the policy's own, and it names a reason whenever work is left and nothing goes on. */
export function truthChecker(permission: Permission, device: LabDevice): Checker {
  let silentSinceMs: number | undefined;
  const isSilent = (): boolean => {
    const status = device.os.isRunning ? device.status() : undefined;
    return status?.sync !== undefined && status.verdict !== undefined && !status.lease && status.reasons.length === 0;
  };
  return {
    name: 'truth',
    see({ who, what, atMs }: Entry): string | undefined {
      if (who !== device.name || !TELLING.includes(what)) return undefined;
      silentSinceMs = isSilent() ? silentSinceMs ?? atMs : undefined;
      if (silentSinceMs !== undefined && atMs - silentSinceMs > TO_NEXT_LEASE_MS) return `no reason is given although the engine rests since ${silentSinceMs}`;
      if (what !== 'engine' && what !== 'rested') return undefined;
      const status = device.status();
      if (!status?.sync || !status.verdict || !device.os.isRunning) return undefined;
      const state = !status.sync.begun ? 'none' : status.lease ? 'active' : 'suspended';
      // The status does not say who asked for the sync.
      const lies = [false, true].map((byPerson) => lieOf(status, permission.verdict({ kind: status.sync?.kind ?? 'delta', state, byPerson }), device.time.nowMs()));
      return lies.includes(undefined) ? undefined : lies[0];
    },
  };
}

/** In what a status differs from the policy's own verdict. */
function lieOf({ lease, verdict: told }: DeviceStatus, verdict: Verdict | undefined, nowMs: number): string | undefined {
  if (!verdict || (verdict.untilMs ?? Infinity) - nowMs <= EDGE_MS || verdict.engine === 'run') return undefined;
  if (lease) return `the engine has permission although the policy says ${verdict.rule}`;
  return verdict.rule === told?.rule ? undefined : `the status cites ${told?.rule}, the policy says ${verdict.rule}`;
}

/** The journal's starts and stops are those that were seen: they alternate, and something was seen at the time of each. Times are the device's. */
export function journalProblems(device: LabDevice, seenMs: readonly number[]): string[] {
  const entries = device.journal().filter(({ kind }) => kind === 'start' || kind === 'stop');
  const isSeen = (atMs: number): boolean => seenMs.some((ms) => Math.abs(ms - atMs) <= 1);
  return entries.flatMap(({ kind, atMs }, i) => {
    if (kind === 'stop' && entries[i - 1]?.kind !== 'start') return [`the journal has a stop without a start at ${atMs}`];
    return isSeen(atMs) ? [] : [`the journal tells of a ${kind} at ${atMs} that nobody saw`];
  });
}
