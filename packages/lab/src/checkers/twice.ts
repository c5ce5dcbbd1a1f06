import type { Entry, Plain } from '../world/trace.ts';
import type { Checker } from './checker.ts';

const packOf = (detail: Plain): string | undefined =>
  (typeof detail === 'object' && detail !== null && 'path' in detail ? /^pack (\w+)/.exec(String(detail['path']))?.[1] : undefined);

/**
 * No pack that was stored is asked for again, whatever ended the process. Stored packs count no more when the device
 * downloads anew: by a repair, or by a new plan after a reset, once the server has given up packs, or when other tables are the person's.
 */
export function twiceChecker(device: string): Checker {
  const stored = new Set<string>();
  let isGivenUp = false;
  let isReset = false;
  const isAnew = ({ what, detail }: Entry): boolean =>
    what === 'journal' && (detail === 'repair' || (detail === 'plan' && (isGivenUp || isReset)));
  return {
    name: 'twice',
    see(entry: Entry): string | undefined {
      const { who, what, detail } = entry;
      if (who === 'server' && what === 'housekeeping') isGivenUp = true;
      const pack = what === 'request' ? packOf(detail) : undefined;
      if (pack !== undefined && (who === device || who === `${device}/os`) && stored.has(pack)) return `pack ${pack} is asked for by ${who} although it was stored`;
      if (who !== device) return undefined;
      if (what === 'stored') stored.add(String((detail as { pack: string }).pack));
      if (isAnew(entry)) stored.clear();
      // It may wait for permission, while the OS goes on with what was handed over.
      if (what === 'reset' || (what === 'journal' && detail === 'tables')) isReset = true;
      if (what === 'journal' && detail === 'plan') isReset = false;
      return undefined;
    },
  };
}
