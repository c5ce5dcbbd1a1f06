import type { Extent, PackPart, ScopeKey } from '../ports/storage.ts';
import { LIMITS } from './limits.ts';

/** A pack to be: its parts, all of one level, and a key that names its content. */
export interface PackSketch {
  readonly key: string;
  readonly level: number;
  readonly parts: readonly PackPart[];
}

export interface SizedScope extends ScopeKey {
  readonly level: number;
  readonly isEverybodys: boolean;
  readonly extent: Extent;
}

/** The highest rid a part can name: the largest integer that is exact everywhere. */
export const LAST_RID = Number.MAX_SAFE_INTEGER;

const MOST_PACKS_PER_SCOPE = 2 * LIMITS.packsPerPlan;

/** The width in rids of a large scope's packs, so that each holds about the wanted number of bytes. */
export function chooseWidth(extent: Extent, shareBytes: number): number {
  const target = Math.max(LIMITS.packRawBytes, Math.ceil(shareBytes / LIMITS.packsPerPlan));
  const rows = Math.max(1, Math.floor(target / Math.max(1, extent.rowBytes)));
  return Math.max(1, Math.ceil((rows * extent.maxRid) / Math.max(1, extent.rows)));
}

/** The width chosen before, so that packs are shared for long, unless the scope has outgrown it. */
export function keepWidth(extent: Extent, shareBytes: number): number {
  const { width, maxRid } = extent;
  return width !== undefined && maxRid <= width * MOST_PACKS_PER_SCOPE ? width : chooseWidth(extent, shareBytes);
}

export const scopeBytes = (scope: SizedScope): number => scope.extent.rows * scope.extent.rowBytes;
const isSmall = (scope: SizedScope): boolean => scope.extent.width === undefined && scopeBytes(scope) < LIMITS.bundleBelowBytes;

/** Cuts a share into packs, priority levels first: large scopes by rid ranges, small ones bundled, the more people share them the earlier. */
export function cutPacks(scopes: readonly SizedScope[], widthOf: (scope: SizedScope) => number): PackSketch[] {
  const levels = [...new Set(scopes.map((scope) => scope.level))].sort((a, b) => a - b);
  return levels.flatMap((level) => {
    const here = scopes.filter((scope) => scope.level === level && scope.extent.rows > 0);
    const small = here.filter(isSmall);
    return [
      ...AUDIENCES.flatMap((audience) => bundle(small.filter((scope) => audienceOf(scope) === audience))),
      ...here.filter((scope) => !isSmall(scope)).flatMap((scope) => cutRanges(scope, widthOf(scope))),
    ];
  });
}

/** Packs are not shared over this border: everybody's rows, those of a profile's people, those of people with the same attributes. */
const AUDIENCES = ['everybody', 'profile', 'attributes'] as const;
const audienceOf = ({ isEverybodys, param }: SizedScope): (typeof AUDIENCES)[number] => (isEverybodys ? 'everybody' : param === '' ? 'profile' : 'attributes');

/** What was made for some people is not taken for everybody's when the profile gives it to everybody. */
function sketch({ level, isEverybodys }: SizedScope, parts: readonly PackPart[]): PackSketch {
  return { key: JSON.stringify([isEverybodys, parts.map((part) => [part.table, part.node, part.param, part.columns, part.low, part.high])]), level, parts };
}

/** Whether the pack with that key was made of what everybody gets. */
export const isMadeForEverybody = (key: string): boolean => (JSON.parse(key) as [boolean])[0];

const keyOf = ({ table, node, param, columns }: ScopeKey): ScopeKey => ({ table, node, param, columns });

function bundle(scopes: readonly SizedScope[]): PackSketch[] {
  const sketches: PackSketch[] = [];
  let parts: PackPart[] = [];
  let bytes = 0;
  for (const scope of scopes) {
    if (parts.length > 0 && bytes + scopeBytes(scope) > LIMITS.bundleRawBytes) {
      sketches.push(sketch(scope, parts));
      parts = [];
      bytes = 0;
    }
    parts.push({ ...keyOf(scope), low: 1, high: LAST_RID });
    bytes += scopeBytes(scope);
  }
  const [any] = scopes;
  if (any && parts.length > 0) sketches.push(sketch(any, parts));
  return sketches;
}

function cutRanges(scope: SizedScope, width: number): PackSketch[] {
  const count = Math.ceil(scope.extent.maxRid / width);
  return Array.from({ length: count }, (_, i) => sketch(scope, [{ ...keyOf(scope), low: i * width + 1, high: (i + 1) * width }]));
}
