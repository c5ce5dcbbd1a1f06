import type { LabDevice } from '../actors/device.ts';
import type { Ledger } from '../actors/ledger.ts';

/** When all is healed nothing is on its way any more, and a person's drafts are as many as their sync errors, unless some of those may lack: a backup was put back, or the person was nobody. */
export function pendingProblems(devices: readonly LabDevice[], ledger: Ledger, isUntold: boolean): string[] {
  const left = devices.flatMap((device) => {
    const { records = 0, operations = 0 } = device.status()?.edits ?? {};
    return records + operations > 0 ? [`${device.name} still has ${operations} changes of ${records} rows to send`] : [];
  });
  const users = [...new Set(devices.map(({ user }) => user))];
  const uneven = users.flatMap((user) => {
    const drafts = devices.filter((device) => device.user === user).reduce((sum, device) => sum + (device.status()?.edits.drafts ?? 0), 0);
    const errors = ledger.errorCount(user);
    return drafts === errors || (isUntold && drafts > errors) ? [] : [`the devices of ${user} have ${drafts} drafts, the server tells of ${errors} refused edits`];
  });
  return [...left, ...uneven];
}
