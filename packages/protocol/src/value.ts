import { fromBase64, toBase64 } from './base64.ts';

/** A value as SQLite holds it: INTEGER is bigint, REAL is number, so that 1 and 1.0 stay what they are. */
export type SqlValue = null | bigint | number | string | Uint8Array;

/** TEXT whose bytes are not UTF-8, which SQLite keeps and JavaScript's strings cannot. */
export class RawText {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** A value of a row in a feed. */
export type FeedValue = SqlValue | RawText;

/** A value on the wire: plain JSON where that is exact, else an object with one tag. */
export type WireValue = null | number | string | { readonly i: string } | { readonly r: string } | { readonly b: string } | { readonly x: string };

/** V1 in SPEC.md: safe integers and fractional reals are numbers; the rest is tagged. */
export function encodeValue(value: FeedValue): WireValue {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'bigint') {
    const near = Number(value);
    return Number.isSafeInteger(near) ? near : { i: value.toString() };
  }
  if (typeof value === 'number') {
    if (Number.isFinite(value) && !Number.isInteger(value)) return value;
    return { r: Object.is(value, -0) ? '-0' : String(value) };
  }
  return value instanceof RawText ? { x: toBase64(value.bytes) } : { b: toBase64(value) };
}

/** How encodeValue writes a real without a fraction. */
const REAL = /^-?(0|[1-9]\d*(\.\d+)?(e\+\d+)?|Infinity)$/;

/** Throws TypeError on anything that encodeValue cannot have made. */
export function decodeValue(wire: unknown): FeedValue {
  if (wire === null || typeof wire === 'string') return wire;
  if (typeof wire === 'number' && !Number.isInteger(wire)) return wire;
  if (typeof wire === 'number' && Number.isSafeInteger(wire)) return BigInt(wire);
  if (typeof wire === 'object') {
    const tagged = wire as { i?: unknown; r?: unknown; b?: unknown; x?: unknown };
    if (typeof tagged.b === 'string') return fromBase64(tagged.b);
    if (typeof tagged.x === 'string') return new RawText(fromBase64(tagged.x));
    if (typeof tagged.i === 'string' && /^-?[1-9]\d{15,18}$/.test(tagged.i) && BigInt.asIntN(64, BigInt(tagged.i)) === BigInt(tagged.i)) return BigInt(tagged.i);
    if (typeof tagged.r === 'string' && REAL.test(tagged.r)) return Number(tagged.r);
  }
  throw new TypeError('not a value');
}
