import type { Frame } from '@carryon/protocol';
import type { Entitlement } from '../core/entitle.ts';
import type { Grant, Scope, Snapshot } from '../ports/storage.ts';

/** A fault put in on purpose, to see that the checks find it. */
export interface Mutant {
  readonly snapshot?: (snapshot: Snapshot) => Snapshot;
  readonly entitlement?: (entitlement: Entitlement, snapshot: Snapshot) => Entitlement;
  readonly frames?: (frames: readonly Frame[]) => readonly Frame[];
  readonly token?: (text: string) => string;
  readonly versionCheck?: false;
}

/** The mutant that changes the scopes of a share. */
export const scopes = (change: (scope: Scope, snapshot: Snapshot) => Scope): Mutant => ({
  entitlement: (entitlement, snapshot) => ({ ...entitlement, shares: entitlement.shares.map((share) => ({ ...share, scope: change(share.scope, snapshot) })) }),
});

/** Rows of another person are sent. */
export const FOREIGN_ROWS: Mutant = {
  snapshot: (snapshot) => {
    const foreign = (scope: Scope): Scope => snapshot.scope({ ...scope, param: scope.param.replace(/"user":\["[^"]*"\]/, '"user":["Ann"]') }) ?? scope;
    return { ...snapshot, feed: (scope, ...rest) => snapshot.feed(foreign(scope), ...rest), rowsBetween: (scope, ...rest) => snapshot.rowsBetween(foreign(scope), ...rest) };
  },
};

/** Any scope that a token names counts. */
export const FOREIGN_TOKENS: Mutant = (() => {
  const tables = new Map<number, number>();
  return {
    entitlement: (entitlement: Entitlement): Entitlement => {
      for (const { scope } of entitlement.shares) tables.set(scope.id, scope.table);
      const all = [...tables].map(([scope, table]): [number, Grant] => [scope, { scope, table, since: 0, until: undefined, usedMs: 0, columns: [] }]);
      return { ...entitlement, grants: new Map([...all, ...entitlement.grants]) };
    },
  };
})();

/** A page forgets that removals were missed. */
export const FORGOTTEN_GAP: Mutant = { token: (text) => text.replace(/("[^"]*"(?:,\d+){7}),(\d)\]/g, (_, page: string, marks: string) => `${page},${Number(marks) & ~1}]`) };
