import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lowerBound, moveToken, tokenFromText, tokenToText, type TablePosition, type Token } from './token.ts';

const whole = fc.nat(Number.MAX_SAFE_INTEGER);
const position: fc.Arbitrary<TablePosition> = fc.oneof(
  fc.record({ at: whole }),
  fc.record({ at: whole, page: fc.oneof(fc.record({ seq: whole, rid: whole, first: whole }), fc.record({ seq: whole, rid: whole, first: whole, gap: fc.constant(true) })) }),
);
const token: fc.Arbitrary<Token> = fc.record({ epoch: fc.string(), tables: fc.array(fc.tuple(whole, position)).map((entries) => new Map(entries)) });

describe('token', () => {
  it('S24 what is written is read', () => {
    fc.assert(fc.property(token, (one) => { expect(tokenFromText(tokenToText(one))).toEqual(one); }));
  });

  it('S24 anything else is refused, whatever it is', () => {
    const bad = ['', '{', 'null', '1', '"a"', '[]', '["e"]', '["e",{}]', '[1,[]]', '["e",[1]]', '["e",[[]]]', '["e",[[1]]]', '["e",[[1,-1]]]', '["e",[[1,1.5]]]', '["e",[["1",1]]]', '["e",[[1,null]]]', '["e",[[1,1,1]]]', '["e",[[1,1,1,1]]]', '["e",[[1,9007199254740992]]]', '["e",[{"0":1,"1":1}]]'];
    for (const text of bad) expect(tokenFromText(text), text).toBeUndefined();
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const read = tokenFromText(text);
      if (read) expect(tokenFromText(tokenToText(read))).toEqual(read);
    }));
  });

  it('S24 moving some tables leaves the others and the old token as they were', () => {
    const old: Token = { epoch: 'e', tables: new Map([[1, { at: 1 }], [2, { at: 2 }]]) };
    expect(moveToken(old, [[2, { at: 5 }], [3, { at: 6 }]])).toEqual({ epoch: 'e', tables: new Map([[1, { at: 1 }], [2, { at: 5 }], [3, { at: 6 }]]) });
    expect(old.tables.size).toBe(2);
  });

  it('S28 a position inside a checkpoint counts as the one before; a first reading counts from its first page', () => {
    expect(lowerBound({ at: 7 })).toBe(7);
    expect(lowerBound({ at: 7, page: { seq: 9, rid: 3, first: 12 } })).toBe(8);
    expect(lowerBound({ at: 7, page: { seq: 7, rid: 3, first: 12 } })).toBe(7);
    expect(lowerBound({ at: 0, page: { seq: 3, rid: 3, first: 12 } })).toBe(12);
    expect(lowerBound({ at: 0, page: { seq: 15, rid: 3, first: 12 } })).toBe(14);
  });
});
