import type { PushedTable } from '@carryon/protocol';
import type { Database } from '../driver.ts';
import type { Target } from './edit.ts';
import type { TemporaryKeys } from './keys.ts';
import type { LeftRows } from './left.ts';

/** What a push's changes are applied with. */
export interface Workbench {
  readonly db: Database;
  readonly user: string;
  readonly tables: readonly PushedTable[];
  readonly targets: readonly (Target | undefined)[];
  readonly keys: TemporaryKeys;
  readonly left: LeftRows;
}
