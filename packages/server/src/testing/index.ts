export { createWorstCase, mutateWorstCase, WORST_CASE_TABLES, worstCaseProfile } from './worst-case.ts';
export { seeded, type Fraction } from './worst-case-changes.ts';
// The server's parts, for a world that puts them together on a time of its own.
export type { Config } from '../core/config.ts';
export { sharesOf } from '../core/entitle.ts';
export { readEntitled } from '../entitled.ts';
export { createApp } from '../http/app.ts';
export { Auth } from '../http/auth.ts';
export { Changes } from '../http/changes.ts';
export type { Context } from '../http/context.ts';
export { Metrics } from '../http/metrics.ts';
export { PackFiles } from '../packs/files.ts';
export { Planner } from '../packs/planner.ts';
export { PackUrls } from '../packs/url.ts';
export type { Snapshot, Storage, SyncedTable } from '../ports/storage.ts';
export { openDirectStorage } from '../storage/sqlite/storage.ts';
export { compileFor } from '../storage/sqlite/store.ts';
