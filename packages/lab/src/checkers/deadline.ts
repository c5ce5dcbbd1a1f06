import type { Report } from '@carryon/client';
import type { DeviceTime } from '../world/clock.ts';
import type { Entry } from '../world/trace.ts';
import type { Checker } from './checker.ts';
import type { Permission } from './permission.ts';

/** A step is no longer than this in the lab. */
const STEP_MS = 200;
/** An end known for a shorter time than this cannot be kept. */
const NOTICE_MS = 250;

/** A window's deadline is never overrun by more than one step where nothing else allows work, and no transaction is open when the OS suspends at it. */
export function deadlineChecker(permission: Permission, device: string, time: DeviceTime): Checker {
  let report: Report | undefined;
  let known: { readonly endsMs: number; readonly sinceMs: number } | undefined;
  return {
    name: 'deadline',
    see({ who, what, detail, atMs }: Entry): string | undefined {
      if (who !== device) return undefined;
      if (what === 'start') report = (detail as unknown as { report: Report }).report;
      if (what === 'report') report = detail as unknown as Report;
      const endsMs = report?.window?.endsMs;
      if (endsMs === undefined) known = undefined;
      else if (known?.endsMs !== endsMs) known = { endsMs, sinceMs: atMs };
      const overMs = endsMs === undefined ? -Infinity : time.nowMs() - endsMs;
      if (what === 'end' && overMs > STEP_MS && !permission.now(atMs).work) return `a transaction ends ${overMs} ms after the ${report?.window?.kind} window`;
      const { why, isWriting } = (what === 'suspend' ? detail : {}) as { why?: string; isWriting?: boolean };
      // An end that came without notice can meet any step.
      if (isWriting && why?.includes('window ended') === true && known && atMs - known.sinceMs >= NOTICE_MS) return `a transaction is open at the suspension: ${why}`;
      return undefined;
    },
  };
}
