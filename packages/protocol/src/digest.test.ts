import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDigest, digestOf, digestSql, EMPTY_DIGEST, subtractDigest } from './digest.ts';

const PRIME = 2147483647;
const id = fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), fc.constantFrom(PRIME - 1, PRIME, PRIME + 1, 2 * PRIME, Number.MAX_SAFE_INTEGER));

describe('digest', () => {
  it('P12 SQL and JavaScript give the same number', () => {
    const db = new DatabaseSync(':memory:');
    const inSql = db.prepare(`SELECT ${digestSql('?1', '?2')} AS n`);
    fc.assert(fc.property(id, id, (rid, ver) => {
      const n = digestOf(rid, ver);
      expect(inSql.get(BigInt(rid), BigInt(ver))).toEqual({ n });
      expect(Number.isSafeInteger(n) && n >= 0 && n < 2 ** 24).toBe(true);
    }), { numRuns: 2000 });
    db.close();
  });

  it('P12 sums of parts are the sum of the whole, in any order, and can be taken back', () => {
    const digest = fc.record({ rows: fc.nat(), sum: fc.nat() });
    fc.assert(fc.property(digest, digest, (a, b) => {
      expect(addDigest(a, b)).toEqual(addDigest(b, a));
      expect(subtractDigest(addDigest(a, b), b)).toEqual(a);
      expect(addDigest(a, EMPTY_DIGEST)).toEqual(a);
    }));
  });

  it('P12 another version or another row id changes the number, but for one in millions', () => {
    const seen = new Set<number>();
    for (let rid = 1; rid <= 100; rid++) for (let ver = 1; ver <= 100; ver++) seen.add(digestOf(rid, ver));
    expect(seen.size).toBeGreaterThan(9980);
  });
});
