import { statSync } from 'node:fs';
import { deviceFile, openDevice, systemClock } from '@carryon/hosts/node';
import type { Committed, Draft } from '@carryon/client';
import type { RuleSetName } from '@carryon/policy';
import { bar, ProgressLine, syncLine } from './progress.ts';
import { editsSince, storedEdits, tellRefused, type SyncedEdits } from './sync-edits.ts';

export interface SyncOptions {
  readonly url: string;
  readonly folder: string;
  readonly token: string;
  readonly watch: boolean;
  /** What to do besides bringing in changes: compare every row, or download everything anew. */
  readonly extra?: 'full' | 'reset';
  readonly ruleSet?: RuleSetName;
  readonly quiet: boolean;
  readonly onCommit?: (committed: Committed) => void;
  readonly onComplete?: () => void;
  /** An edit was refused in this run. */
  readonly onRefused?: (draft: Draft) => void;
}

export interface SyncSummary {
  readonly elapsedMs: number;
  readonly receivedBytes: number;
  readonly rows: number;
  readonly tables: number;
  readonly diskBytes: number;
  readonly edits: SyncedEdits;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  /** The signal that ended the run early, at rest. */
  readonly interrupted?: string;
}

/** Syncs a folder in this process, showing how it goes. Rejects with the error that ended it. */
export async function runSync(options: SyncOptions): Promise<SyncSummary> {
  const startMs = systemClock.nowMs();
  const { answered } = await storedEdits(options.folder);
  let interrupted: string | undefined;
  const device = await openDevice({
    folder: options.folder, serverUrl: options.url, credentials: async () => options.token, config: { mode: options.watch ? 'watch' : 'once', ...(options.ruleSet ? { ruleSet: options.ruleSet } : {}) },
    onTerminated: (signal) => { interrupted = signal; void device.close(); },
  });
  const { engine } = device;
  const line = new ProgressLine(options.quiet);
  const disk = (): number => diskBytes(options.folder);
  let complete = false;
  engine.subscribe(() => {
    const status = engine.status();
    const nowMs = systemClock.nowMs();
    // A process may work all the time, apart from its first moment and its last.
    const isSeen = !complete || status.waiting || status.download;
    if (isSeen && status.waiting?.code !== 'situation' && status.waiting?.code !== 'policy') line.show(() => syncLine(status, { elapsedMs: nowMs - startMs, received: engine.received, diskBytes: disk() }), nowMs);
    if (!complete && status.state === 'up-to-date') {
      complete = true;
      line.leave(`${bar(1)}  up to date`);
      options.onComplete?.();
    }
  });
  if (options.extra === 'full') engine.syncNow({ kind: 'full-delta' });
  if (options.extra === 'reset') engine.reset();
  const { onCommit, onRefused } = options;
  if (onCommit) engine.onCommit((committed) => { line.wipe(); onCommit(committed); });
  if (onRefused) tellRefused(engine, answered, (draft) => { line.wipe(); onRefused(draft); });
  try {
    await engine.run();
  } finally {
    line.leave();
    await device.close();
  }
  const { tables, warnings } = engine.status();
  return {
    elapsedMs: systemClock.nowMs() - startMs, receivedBytes: engine.received, rows: tables.reduce((sum, table) => sum + table.rows, 0),
    tables: tables.length, diskBytes: disk(), edits: await editsSince(options.folder, answered), warnings, ...(interrupted === undefined ? {} : { interrupted }),
  };
}

export function diskBytes(folder: string): number {
  return ['', '-wal'].reduce((sum, ending) => sum + (statSync(deviceFile(folder) + ending, { throwIfNoEntry: false })?.size ?? 0), 0);
}
