/**
 * The digest of a table's rows: how many, and the sum of one number per (rid, ver). Sums can be kept up to date by set-based SQL
 * on both sides, which an XOR cannot. All products stay below 2^62, so SQLite computes them exactly.
 */
export interface Digest {
  readonly rows: number;
  readonly sum: number;
}

export const EMPTY_DIGEST: Digest = { rows: 0, sum: 0 };

const PRIME = 2147483647n;
const mix = (value: bigint, factor: bigint, offset: bigint): bigint => (value * factor + offset) % PRIME;

/** Each row adds less than this, so that the sum over half a billion rows is still a safe integer. */
const BELOW = 16777216n;

/** The number of one row; the same as digestSql gives. */
export function digestOf(rid: number, ver: number): number {
  return Number(((mix(BigInt(rid) % PRIME, 48271n, 11n) * mix(BigInt(ver) % PRIME, 69621n, 7n)) % PRIME) % BELOW);
}

/** SQL for the number of one row. The two arguments are SQL expressions. */
export function digestSql(rid: string, ver: string): string {
  return `((((${rid}) % ${PRIME} * 48271 + 11) % ${PRIME}) * (((${ver}) % ${PRIME} * 69621 + 7) % ${PRIME}) % ${PRIME} % ${BELOW})`;
}

export const addDigest = (a: Digest, b: Digest): Digest => ({ rows: a.rows + b.rows, sum: a.sum + b.sum });
export const subtractDigest = (a: Digest, b: Digest): Digest => ({ rows: a.rows - b.rows, sum: a.sum - b.sum });
