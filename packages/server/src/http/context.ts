import type { Planner } from '../packs/planner.ts';
import type { PackFiles } from '../packs/files.ts';
import type { PackUrls } from '../packs/url.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Storage } from '../ports/storage.ts';
import type { Auth } from './auth.ts';
import type { Changes } from './changes.ts';
import type { Health } from './health.ts';
import type { Metrics } from './metrics.ts';

/** What the routes work with. */
export interface Context {
  readonly storage: Storage;
  readonly planner: Planner;
  readonly files: PackFiles;
  readonly urls: PackUrls;
  readonly auth: Auth;
  readonly changes: Changes;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly clock: Clock;
  readonly log: Log;
}
