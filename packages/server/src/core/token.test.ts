import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { moveToken, tokenFromText, tokenToText, type TablePosition, type Token } from './token.ts';

const whole = fc.nat(Number.MAX_SAFE_INTEGER);
const mark = (name: string): fc.Arbitrary<object> => fc.constantFrom({}, { [name]: true });
const page = fc.tuple(fc.record({ scope: whole, seq: whole, rid: whole, first: whole }), mark('gap'), mark('swept')).map(([position, gap, swept]) => ({ ...position, ...gap, ...swept }));
const position: fc.Arbitrary<TablePosition> = fc.oneof(fc.record({ at: whole, scope: whole, form: fc.string() }), fc.record({ at: whole, scope: whole, form: fc.string(), page }));
const token: fc.Arbitrary<Token> = fc.record({ epoch: fc.string(), specs: fc.string(), tables: fc.array(fc.tuple(whole, position)).map((entries) => new Map(entries)) });

describe('token', () => {
  it('S24 what is written is read', () => {
    fc.assert(fc.property(token, (one) => { expect(tokenFromText(tokenToText(one))).toEqual(one); }));
  });

  it('S24 anything else is refused, whatever it is', () => {
    const bad = [
      '', '{', 'null', '1', '"a"', '[]', '["e"]', '["e","s"]', '["e",[],[]]', '["e","s",{}]', '[1,"s",[]]', '["e","s",[1]]', '["e","s",[[]]]', '["e","s",[["f"]]]', '["e","s",[["f",1]]]', '["e","s",[["f",1,2]]]',
      '["e","s",[[1,2,3]]]', '["e","s",[["f",1,2,-3]]]', '["e","s",[["f",1,2,3.5]]]', '["e","s",[["f","1",2,3]]]', '["e","s",[["f",1,2,null]]]', '["e","s",[["f",1,2,3,4]]]', '["e","s",[["f",1,2,3,4,5,6,7]]]',
      '["e","s",[["f",1,2,3,4,5,6,7,8,9]]]', '["e","s",[["f",1,2,9007199254740992]]]', '["e","s",[{"0":"f","1":1,"2":2,"3":3}]]', '["e",[[1]]]', '["e",[["1",2]]]', '["e",{}]',
    ];
    for (const text of bad) expect(tokenFromText(text), text).toBeUndefined();
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const read = tokenFromText(text);
      if (read) expect(tokenFromText(tokenToText(read))).toEqual(read);
    }));
  });

  it('S24 one of before scopes were named still tells its epoch, and names no tables', () => {
    expect(tokenFromText('["e",[[1,5],[2,3,4,5,6,1]]]')).toEqual({ epoch: 'e', specs: '', tables: new Map() });
    expect(tokenFromText('["e",[]]')).toEqual({ epoch: 'e', specs: '', tables: new Map() });
  });

  it('S24 moving some tables leaves the others and the old token as they were', () => {
    const at = (checkpoint: number): TablePosition => ({ at: checkpoint, scope: 1, form: 'f' });
    const old: Token = { epoch: 'e', specs: 's', tables: new Map([[1, at(1)], [2, at(2)]]) };
    expect(moveToken(old, [[2, at(5)], [3, at(6)]])).toEqual({ epoch: 'e', specs: 's', tables: new Map([[1, at(1)], [2, at(5)], [3, at(6)]]) });
    expect(old.tables.size).toBe(2);
  });
});
