import type { StoredStatus } from '@carryon/client';
import { readDevice } from '@carryon/hosts/node';
import type { Command } from 'commander';
import { action, newCommand } from '../command.ts';
import { waitingWords } from '../edits.ts';
import { bytes, count, counted, table, timeText, type Output } from '../output.ts';
import { diskBytes } from '../run-sync.ts';

export function statusCommand(): Command {
  return newCommand('status', 'what a device folder holds and how it stands').argument('<dir>', 'the device folder').action(action(status));
}

async function status(out: Output, folder: string): Promise<void> {
  const stored = await readDevice(folder);
  const onDisk = diskBytes(folder);
  out.result({ ...stored, diskBytes: onDisk });
  printStatus(out, folder, stored, onDisk);
}

export function printStatus(out: Output, folder: string, stored: StoredStatus, diskBytes: number): void {
  out.line(`device ${stored.device}${stored.user === undefined ? '' : ` of ${stored.user}`}, ${bytes(diskBytes)} on disk`);
  if (stored.tables.length === 0) return out.line('nothing has been synced into it yet');
  out.line(stored.complete ? 'every table is usable' : `the first sync is not complete: ${stored.packs.applied} of ${stored.packs.of} packs are applied, ${bytes(stored.packs.bytesLeft)} are left`);
  out.line();
  out.line(table(['table', 'level', 'state', 'rows', 'checkpoint', 'last synced (UTC)'], stored.tables.map((row) => [
    row.name, row.level, row.usable ? 'usable' : 'loading', count(row.rows), row.checkpoint, row.syncedMs === null ? '' : timeText(row.syncedMs),
  ])));
  if (stored.edits.records > 0) out.line(`\n${waitingWords(stored.edits)}`);
  if (stored.edits.drafts > 0) out.line(`\n${counted(stored.edits.drafts, 'refused edit waits', 'refused edits wait')} for your decision: carryon errors ${folder}`);
  const [last] = stored.journal;
  if (last) out.line(`\nlast entry of the journal: ${new Date(last.atMs).toISOString()} ${last.kind} ${last.detail}${last.nextMs === undefined ? '' : ` (until ${new Date(last.nextMs).toISOString()})`}`);
}
