import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rangesOf, toRuns } from './runs.ts';

const rids = fc.uniqueArray(fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }))).map((list) => list.sort((a, b) => a - b));

describe('runs', () => {
  it('P10 the ranges of the runs hold exactly the row ids', () => {
    fc.assert(fc.property(rids, (list) => {
      const ranges = rangesOf(toRuns(list));
      expect(ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i))).toEqual(list);
    }));
  });

  it('P10 ranges ascend, do not touch, and dense sets are short', () => {
    fc.assert(fc.property(rids, (list) => {
      const ranges = rangesOf(toRuns(list));
      for (let i = 1; i < ranges.length; i++) expect(ranges[i]?.[0]).toBeGreaterThan((ranges[i - 1]?.[1] ?? 0) + 1);
    }));
    expect(toRuns([])).toEqual([]);
    expect(toRuns([1, 2, 3, 6])).toEqual([0, 3, 2, 1]);
    expect(toRuns(Array.from({ length: 1000 }, (_, i) => i + 1))).toEqual([0, 1000]);
  });

  it('P10 row ids that do not ascend throw', () => {
    expect(() => toRuns([2, 1])).toThrow(RangeError);
    expect(() => toRuns([2, 2])).toThrow(RangeError);
    expect(() => toRuns([0])).toThrow(RangeError);
  });
});
