import type { CarryonError } from '@carryon/protocol';
import type { EngineState, Pack, Table } from '../core/state.ts';

export interface TableStatus {
  readonly name: string;
  readonly level: number;
  /** Can be read by SQL now. */
  readonly usable: boolean;
  readonly rows: number;
  /** Rows announced by the plan while the table is downloaded. */
  readonly rowsPlanned?: number;
}

export interface DownloadStatus {
  readonly packs: { readonly applied: number; readonly stored: number; readonly of: number };
  /** Bytes received of bytes to receive. */
  readonly bytes: { readonly done: number; readonly of: number };
  readonly rows: { readonly done: number; readonly of: number };
}

export interface Waiting {
  /** An error's code, or `lease`: the host has not given permission to work. */
  readonly code: string;
  readonly message: string;
  readonly action?: string;
  /** When it goes on by itself, in milliseconds since 1970; undefined: when what is named ends. */
  readonly untilMs?: number;
}

export interface Warning {
  readonly code: string;
  readonly message: string;
}

/** What a person may want to know of a device, in one read model. */
export interface DeviceStatus {
  readonly state: 'starting' | 'preparing' | 'downloading' | 'syncing' | 'up-to-date' | 'waiting' | 'stopped' | 'failed';
  readonly user?: string;
  /** Why nothing goes on at present, and when it will. */
  readonly waiting?: Waiting;
  readonly tables: readonly TableStatus[];
  /** Present while packs are outstanding. */
  readonly download?: DownloadStatus;
  /** The server builds packs: so many of so many. */
  readonly building?: { readonly done: number; readonly of: number };
  readonly warnings: readonly Warning[];
}

/** What only the running engine knows. */
export interface Live {
  /** Bytes received of packs that are not complete, by name. */
  readonly partial: ReadonlyMap<string, number>;
  readonly building: { readonly done: number; readonly of: number } | undefined;
  readonly warnings: readonly Warning[];
}

export function deriveStatus(state: EngineState, live: Live): DeviceStatus {
  const waiting = waitingOf(state);
  const download = downloadOf(state.packs, live.partial);
  return {
    state: stateOf(state, waiting, download, live),
    ...(state.user === undefined ? {} : { user: state.user }),
    ...(waiting ? { waiting } : {}),
    tables: state.tables.map((table) => tableOf(table, state.packs)),
    ...(download ? { download } : {}),
    ...(live.building ? { building: live.building } : {}),
    warnings: live.warnings,
  };
}

function stateOf(state: EngineState, waiting: Waiting | undefined, download: DownloadStatus | undefined, live: Live): DeviceStatus['state'] {
  if (state.phase === 'failed') return 'failed';
  if (state.phase === 'starting') return 'starting';
  if (state.phase === 'running' && waiting) return 'waiting';
  if (live.building) return 'preparing';
  if (download) return 'downloading';
  return state.tables.length > 0 && state.tables.every((table) => table.fresh) ? 'up-to-date' : 'syncing';
}

function waitingOf(state: EngineState): Waiting | undefined {
  const error = state.error ?? state.retry?.error;
  if (error) return { ...describe(error), ...(state.retry && !state.error ? { untilMs: state.retry.atMs } : {}) };
  if (state.phase === 'running' && !state.lease) return { code: 'lease', message: 'The device does not let the sync run now.' };
  return undefined;
}

const describe = (error: CarryonError): Waiting => ({ code: error.code, message: error.message, action: error.action });

function tableOf(table: Table, packs: readonly Pack[]): TableStatus {
  const planned = packs.flatMap((pack) => pack.parts).filter((part) => part.table === table.id).reduce((sum, part) => sum + part.rows, 0);
  return { name: table.name, level: table.level, usable: table.usable, rows: table.rows, ...(table.load === 'none' ? {} : { rowsPlanned: planned }) };
}

function downloadOf(packs: readonly Pack[], partial: ReadonlyMap<string, number>): DownloadStatus | undefined {
  if (packs.every((pack) => pack.stage === 'applied')) return undefined;
  const rowsOf = (pack: Pack): number => pack.parts.reduce((sum, part) => sum + part.rows, 0);
  const sum = (of: (pack: Pack) => number): number => packs.reduce((total, pack) => total + of(pack), 0);
  const isHere = (pack: Pack): boolean => pack.stage !== 'wanted' && pack.stage !== 'transferring';
  return {
    packs: { applied: packs.filter((pack) => pack.stage === 'applied').length, stored: packs.filter(isHere).length, of: packs.length },
    bytes: { done: sum((pack) => (isHere(pack) ? pack.bytes : Math.min(pack.bytes, partial.get(pack.name) ?? 0))), of: sum((pack) => pack.bytes) },
    rows: { done: sum((pack) => (pack.stage === 'applied' ? rowsOf(pack) : 0)), of: sum(rowsOf) },
  };
}
