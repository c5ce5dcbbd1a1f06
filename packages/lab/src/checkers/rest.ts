import type { Entry } from '../world/trace.ts';
import type { Checker } from './checker.ts';
import { Permission } from './permission.ts';

/** The longest that the end of a step and the journal's last words may take after permission has ended. */
const TO_REST_MS = 1000;
const WORK = ['begin', 'end', 'timer', 'rested'];

/** No request, no write and no timer while the process is suspended; none where the policy denies all work, and what was in flight has ended. */
export function restChecker(permission: Permission, device: string): Checker {
  let isSuspended = false;
  /** What the journal has to tell may still be written: the last words of before a suspension, or that the person asked for something. So are edits, and the engine numbers them. */
  let toTellMs = -Infinity;
  return {
    name: 'rest',
    see(entry: Entry): string | undefined {
      if (entry.who !== device) return undefined;
      const isWork = WORK.includes(entry.what) || entry.what === 'request';
      if (isSuspended && isWork) return `${entry.what} while the process is suspended`;
      if (entry.what === 'suspend') isSuspended = true;
      if (['resume', 'kill', 'power-loss', 'start'].includes(entry.what)) isSuspended = false;
      if (['resume', 'reset', 'use', 'noticed', 'edit', 'draft'].includes(entry.what)) toTellMs = entry.atMs;
      if (!['request', 'request-end', 'begin'].includes(entry.what)) return undefined;
      const { network, work, deniedForMs, offForMs } = permission.now(entry.atMs);
      if (entry.what === 'request-end' && offForMs > TO_REST_MS) return `a request goes on for ${offForMs} ms after the policy said ${permission.rule}`;
      if (entry.what === 'request' && !network) return `a request although the policy says ${permission.rule}`;
      if (entry.what === 'begin' && !work && Math.min(deniedForMs, entry.atMs - toTellMs) > TO_REST_MS) return `a transaction begins ${deniedForMs} ms after the policy said ${permission.rule}`;
      return undefined;
    },
  };
}
