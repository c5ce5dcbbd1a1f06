/** Ascending row ids as [gap, length, gap, length, …]: gap of ids left out, then length of ids in. Dense sets get short. */
export function toRuns(rids: Iterable<number>): number[] {
  const runs: number[] = [];
  let next = 1;
  let length = 0;
  let gap = 0;
  for (const rid of rids) {
    if (rid < next) throw new RangeError('row ids must ascend');
    if (rid > next && length > 0) {
      runs.push(gap, length);
      length = 0;
    }
    if (length === 0) gap = rid - next;
    length++;
    next = rid + 1;
  }
  if (length > 0) runs.push(gap, length);
  return runs;
}

/** The [first, last] pairs of the runs, both inclusive. */
export function rangesOf(runs: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  let next = 1;
  for (let i = 0; i + 1 < runs.length; i += 2) {
    const first = next + (runs[i] ?? 0);
    next = first + (runs[i + 1] ?? 0);
    ranges.push([first, next - 1]);
  }
  return ranges;
}
