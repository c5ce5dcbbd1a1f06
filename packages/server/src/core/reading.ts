import type { Grant, Held, Position, StoreState } from '../ports/storage.ts';
import { LAST_RID } from './cut.ts';
import type { ActiveShare } from './entitle.ts';
import type { TablePosition } from './token.ts';

/** How a scope's feed is read on for a device. */
export interface Reading {
  readonly after: Position;
  /** Checkpoint of the round's first page. */
  readonly first: number;
  /** Removals may have been missed: the commit must carry the live-set. */
  readonly gap: boolean;
  /** The device has the rows of another scope: those that it has need not be sent, and those that are not in this scope must go. */
  readonly held: Held | undefined;
  /** The device needs and may hear nothing of rows that had left the scope by this checkpoint. */
  readonly goneBy: number;
  /** The rows of the held scope that are not in this one were removed on an earlier page. */
  readonly isSwept: boolean;
  /** Where the device stands nothing can have changed, and no round is open. */
  readonly isIdle: boolean;
}

export type ReadShare = Pick<ActiveShare, 'scope' | 'since' | 'isEverybodys'>;

/**
 * Where to read on. A device that stands in this scope gets what came after its position. One that has another scope of the table
 * switches: the scope is read from nothing. A round that was reading yet another one has staged rows and removals nobody knows of any
 * more: it begins anew and ends with the live-set. So does one that stands in this scope since before the person lost it and got it back.
 */
export function readingOf(state: StoreState, share: ReadShare, position: TablePosition, grants: ReadonlyMap<number, Grant>): Reading {
  const { at, page } = position;
  const { scope, since } = share;
  const isAnew = page !== undefined && page.scope !== scope.id;
  const isSwitch = at > 0 && position.scope !== scope.id;
  const first = isAnew ? state.checkpoint : page?.first ?? state.checkpoint;
  const isSwept = !isAnew && page?.swept === true;
  const former = grants.get(position.scope);
  const isFromNothing = isAnew || isSwitch || at === 0;
  const isLate = !isFromNothing && !share.isEverybodys && at < since;
  const gap = isAnew || isLate || page?.gap === true || (isSwitch && !isSwept && at < Math.max(state.floor, former?.since ?? 0)) || lowerBound(position, isSwitch) < Math.min(state.floor, scope.head);
  const after = isAnew ? { seq: 0, rid: LAST_RID } : page ?? { seq: isSwitch ? 0 : at, rid: LAST_RID };
  // What happened there later may have happened after the person lost it: such rows are not named, the live-set then says what to keep.
  const known = Math.min(at, former?.until ?? state.checkpoint);
  const held = isSwitch && !gap ? { scope: position.scope, at: known, first, until: known } : undefined;
  const goneBy = Math.max(isFromNothing ? first : 0, share.isEverybodys ? 0 : since);
  return { after, first, gap, held, goneBy, isSwept, isIdle: page === undefined && !isSwitch && !isLate && scope.head <= at };
}

/**
 * The checkpoint up to which a device has missed no tombstone of the scope. A position inside a checkpoint counts as the one before; a
 * scope that is read from nothing cannot miss rows that died before its first page.
 */
export function lowerBound({ at, page }: TablePosition, isSwitch: boolean): number {
  const before = isSwitch || at === 0 ? page?.first ?? Infinity : at;
  return page ? Math.max(before, page.seq - 1) : before;
}
