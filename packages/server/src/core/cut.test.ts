import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutPacks, keepWidth, scopeBytes, type PackSketch, type SizedScope } from './cut.ts';
import { LIMITS } from './limits.ts';

const extent = fc.record({
  rows: fc.nat(3_000_000), spread: fc.integer({ min: 1, max: 20 }), rowBytes: fc.double({ min: 1, max: 5000, noNaN: true }), hasWidth: fc.boolean(),
}).map(({ rows, spread, rowBytes, hasWidth }) => ({ rows, rowBytes, maxRid: rows * spread, width: hasWidth ? Math.max(1, Math.floor((rows * spread) / 100)) : undefined }));

const scopes: fc.Arbitrary<SizedScope[]> = fc.array(fc.record({ level: fc.nat(2), isEverybodys: fc.boolean(), isPrivate: fc.boolean(), extent }), { maxLength: 12 })
  .map((all) => all.map(({ level, isEverybodys, isPrivate, extent: size }, i) => {
    const param = isPrivate && !isEverybodys ? '{"user":["ann"]}' : '';
    return { table: i + 1, node: i + 10, param, columns: ['id'], isEverybodys, level, extent: size };
  }));

const cut = (all: readonly SizedScope[]): PackSketch[] => {
  const shareBytes = all.reduce((sum, scope) => sum + scopeBytes(scope), 0);
  return cutPacks(all, (scope) => keepWidth(scope.extent, shareBytes));
};

describe('cut', () => {
  it('S31 every row of the share lies in exactly one pack', () => {
    fc.assert(fc.property(scopes, (all) => {
      const parts = cut(all).flatMap((pack) => pack.parts);
      for (const scope of all.filter((candidate) => candidate.extent.rows > 0)) {
        const own = parts.filter((part) => part.table === scope.table).sort((a, b) => a.low - b.low);
        expect(own[0]?.low).toBe(1);
        expect(own.at(-1)?.high).toBeGreaterThanOrEqual(scope.extent.maxRid);
        for (const [i, part] of own.entries()) if (i > 0) expect(part.low).toBe((own[i - 1]?.high ?? 0) + 1);
      }
    }));
  });

  it('S31 a pack is of one level, lower levels first, and never mixes rows of everybody, of a profile and of people', () => {
    fc.assert(fc.property(scopes, (all) => {
      const packs = cut(all);
      expect(packs.map((pack) => pack.level)).toEqual(packs.map((pack) => pack.level).sort((a, b) => a - b));
      for (const pack of packs) {
        expect(new Set(pack.parts.map((part) => part.param === '')).size).toBe(1);
        const scopesIn = pack.parts.map((part) => all.find((scope) => scope.table === part.table));
        for (const scope of scopesIn) expect(scope?.level).toBe(pack.level);
        expect(new Set(scopesIn.map((scope) => scope?.isEverybodys)).size).toBe(1);
      }
      expect(new Set(packs.map((pack) => pack.key)).size).toBe(packs.length);
    }));
  });

  it('S31 a scope without rows has no pack', () => {
    expect(cut([{ table: 1, node: 1, param: '', columns: ['id'], isEverybodys: true, level: 0, extent: { rows: 0, maxRid: 900, rowBytes: 10, width: undefined } }])).toEqual([]);
    expect(cut([])).toEqual([]);
  });

  it('S31 a plan has a bounded number of packs', () => {
    fc.assert(fc.property(scopes, (all) => {
      const fixed = all.filter((scope) => scope.extent.width !== undefined).length;
      expect(cut(all).length).toBeLessThanOrEqual(LIMITS.packsPerPlan + fixed * 2 * LIMITS.packsPerPlan + 2 * all.length);
    }));
  });

  it('S32 a width stays until the scope has outgrown it', () => {
    const small = { rows: 1000, maxRid: 1000, rowBytes: 100, width: 10 };
    expect(keepWidth(small, 100_000)).toBe(10);
    expect(keepWidth({ ...small, maxRid: 1_000_000 }, 100_000)).toBeGreaterThan(10);
    expect(keepWidth({ ...small, width: undefined }, 0)).toBeGreaterThanOrEqual(1000);
    expect(keepWidth({ rows: 0, maxRid: 0, rowBytes: 0, width: undefined }, 0)).toBe(1);
  });

  it('S32 S31 a pack\'s key names rows, columns and whom they are for', () => {
    const scope: SizedScope = { table: 1, node: 1, param: '', columns: ['id'], isEverybodys: true, level: 0, extent: { rows: 9, maxRid: 9, rowBytes: 10, width: undefined } };
    const others: SizedScope[] = [{ ...scope, node: 2 }, { ...scope, columns: ['id', 'v'] }, { ...scope, isEverybodys: false }, { ...scope, isEverybodys: false, param: '{}' }, { ...scope, table: 2 }];
    const keys = [scope, ...others].map((one) => cut([one])[0]?.key);
    expect(new Set(keys).size).toBe(others.length + 1);
    expect(cut([{ ...scope, level: 3 }])[0]?.key).toBe(keys[0]);
  });
});
