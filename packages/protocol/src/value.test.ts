import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64, toBase64 } from './base64.ts';
import { decodeValue, encodeValue, RawText, type FeedValue, type SqlValue } from './value.ts';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const nearTheEdge = fc.tuple(fc.constantFrom(0n, 2n ** 53n, -(2n ** 53n), 2n ** 63n - 9n, -(2n ** 63n) + 9n), fc.bigInt({ min: -8n, max: 8n })).map(([base, by]) => base + by);
const real = fc.oneof(fc.double({ noNaN: true }), fc.integer(), fc.constantFrom(-0, 0, 1e21, 1e300, 2 ** 53, Infinity, -Infinity));
const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }).filter((value) => Buffer.from(value).toString() === value));
const value: fc.Arbitrary<SqlValue> = fc.oneof(fc.constant(null), int64, nearTheEdge, real, text, fc.uint8Array());

const overTheWire = (one: SqlValue): SqlValue => decodeValue(JSON.parse(JSON.stringify(encodeValue(one)))) as SqlValue;

describe('values', () => {
  it('V1 every value of SQLite comes over the wire as it was, with its type', () => {
    fc.assert(fc.property(value, (one) => {
      const read = overTheWire(one);
      expect(typeof read).toBe(typeof one);
      expect(Object.is(read, one) || (one instanceof Uint8Array && Buffer.from(one).equals(read as Uint8Array)), String(one)).toBe(true);
    }), { numRuns: 2000 });
  });

  it('V1 SQLite itself sees the same value and type', () => {
    const db = new DatabaseSync(':memory:');
    const kind = db.prepare('SELECT typeof(?1) AS type, ?1 IS ?2 AS same');
    fc.assert(fc.property(value, (one) => {
      const before = kind.get(one, one) as { type: string };
      expect(kind.get(overTheWire(one), one)).toEqual({ type: before.type, same: 1 });
    }));
    db.close();
  });

  it('V1 text that is not UTF-8 keeps its bytes', () => {
    const wire = JSON.stringify(encodeValue(new RawText(new Uint8Array([0xff, 0x41]))));
    expect(wire).toBe('{"x":"/0E="}');
    expect(decodeValue(JSON.parse(wire))).toEqual(new RawText(new Uint8Array([0xff, 0x41])));
  });

  it('V1 safe integers, fractions, texts and null are plain JSON', () => {
    expect([1n, -9007199254740991n, 1.5, 'a', null].map(encodeValue)).toEqual([1, -9007199254740991, 1.5, 'a', null]);
    expect([9007199254740992n, 1, -0, 1e21].map(encodeValue)).toEqual([{ i: '9007199254740992' }, { r: '1' }, { r: '-0' }, { r: '1e+21' }]);
  });

  it.each([
    undefined, true, [], {}, { i: 1 }, { i: '' }, { i: '1.5' }, { i: '0x10' }, { i: ' 9007199254740992' }, { i: '9223372036854775808' },
    { i: '-9223372036854775809' }, { i: '99999999999999999999' }, { r: '' }, { r: ' ' }, { r: 'NaN' }, { r: '0x10' }, { r: '1e5 ' }, { r: 1 },
    { b: 'A' }, { b: 'AA=A' }, { b: 1 }, { x: 'a' }, 9007199254740992, 1e300, 1e21,
  ])('V2 %j is no value', (wire) => {
    expect(() => decodeValue(wire)).toThrow(TypeError);
  });

  it('V2 arbitrary JSON throws or is exactly what its value is written as', () => {
    fc.assert(fc.property(fc.jsonValue(), (wire) => {
      let read: FeedValue;
      try {
        read = decodeValue(wire);
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
        return;
      }
      expect(encodeValue(read)).toEqual(Object.is(wire, -0) ? 0 : wire);
    }));
  });
});

describe('base64', () => {
  it('V3 bytes go and come as Node writes them', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const written = toBase64(bytes);
      expect(written).toBe(Buffer.from(bytes).toString('base64'));
      expect(fromBase64(written)).toEqual(bytes);
    }));
  });

  it.each(['A', 'AA', 'AAA', 'A===', '====', 'AA=A', 'AAAA=', 'AA==AAAA', 'AA A', 'AA\nAA', 'AAA-', 'AAA_', 'ÄAAA'])('V3 %j is not base64', (text) => {
    expect(() => fromBase64(text)).toThrow(TypeError);
  });
});
