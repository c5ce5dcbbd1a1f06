import type { Entry } from '../world/trace.ts';
import type { Checker } from './checker.ts';

/** What makes a pack that was stored wanted again: tables are downloaded anew, or a file went bad. */
const ANEW = ['repair', 'reset', 'power-loss'];

/** No pack that was stored is asked for again. */
export function twiceChecker(device: string): Checker {
  const stored = new Set<string>();
  return {
    name: 'twice',
    see({ who, what, detail }: Entry): string | undefined {
      const pack = typeof detail === 'object' && detail !== null && 'path' in detail ? /^pack (\w+)/.exec(String(detail['path']))?.[1] : undefined;
      if (what === 'request' && pack !== undefined && (who === device || who === `${device}/os`) && stored.has(pack)) return `pack ${pack} is asked for by ${who} although it was stored`;
      if (who !== device) return undefined;
      if (what === 'stored') stored.add(String((detail as { pack: string }).pack));
      if (ANEW.includes(what)) stored.clear();
      return undefined;
    },
  };
}
