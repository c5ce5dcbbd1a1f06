import type { PushedTable } from '@carryon/protocol';
import type { Database } from '../driver.ts';
import type { Access } from './access.ts';
import type { Target } from './edit.ts';
import type { TemporaryKeys } from './keys.ts';
import type { LeftRows } from './left.ts';

/** What a push's changes are applied with. */
export interface Workbench {
  readonly db: Database;
  readonly access: Access;
  readonly tables: readonly PushedTable[];
  readonly targets: readonly (Target | undefined)[];
  readonly keys: TemporaryKeys;
  readonly left: LeftRows;
}
