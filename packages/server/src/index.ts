export { parseProfile, profileSchema, type Profile } from './core/profile.ts';
export type { Source, SourceTable, SkippedTable } from './core/source.ts';
export { signToken, type AuthOptions } from './http/auth.ts';
export { openKeys, readKeys, type Keys } from './keys.ts';
export type { Clock } from './ports/clock.ts';
export type { Random } from './ports/random.ts';
export type { SyncErrorRow } from './ports/storage.ts';
export { startServer, type RunningServer, type ServerOptions, type ServerPorts } from './server.ts';
export { countUnsyncable, detach, inspect } from './source.ts';
