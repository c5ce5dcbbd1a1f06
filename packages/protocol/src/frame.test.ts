import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CarryonError } from './errors.ts';
import { FRAMES, parseFrame } from './frame.ts';

const badAnswer = expect.objectContaining({ code: 'protocol.bad-answer' });

describe('parseFrame', () => {
  it.each([
    '', ' ', '{', 'null', '1', '"text"', 'true', 'undefined', '<html>', '[]', '["X",1]', '["P"]', '["P",1]', '["P","1",1]', '["P",1,"1"]', '["P",0,1]', '["P",1,0]', '["P",-1,1]',
    '["P",1.5,1]', '["P",9007199254740992,1]', '["P",null,1]', '["R"]', '["R",0]', '["R",1,2]', '["R","1"]', '[["P",1,1]]', '{"header":null}', '{"header":{}}', '{"header":[]}',
    '{"header":{"v":1,"epoch":"e","user":"u","checkpoint":-1,"nowMs":1}}', '{"table":"1"}', '{"table":-1}', '{"table":1.5}', '{"page":{"token":1}}', '{"page":{}}',
    '{"commit":{"checkpoint":1,"token":"t","tables":[{"table":"x"}]}}', '{"commit":{"checkpoint":1,"token":"t","tables":[{"table":1,"rows":1.5}]}}', '{"live":{"table":1,"runs":[-1]}}',
    '{"live":{"table":1,"runs":"1"}}', '{"range":{"table":1,"low":1}}', '{"range":{"table":1,"low":0,"high":-1}}', '{"range":[1,0,9]}', '{"lost":{}}', '{"lost":1}', '{"urls":"x"}', '{"urls":[1]}', '{"error":{"code":1,"message":"m"}}', '{"building":{"done":1}}', '{"plan":{"tables":[],"packs":[{}],"token":"t"}}',
  ])('P5 %j throws protocol.bad-answer', (line) => {
    expect(() => parseFrame(line)).toThrow(badAnswer);
  });

  it.each(['{}', '{"weather":1}', '{"__proto__":{"table":1}}', '{"constructor":1}', '{"toString":{"table":1}}'])('P6 %j is ignored', (line) => {
    expect(parseFrame(line)).toBeUndefined();
  });

  it('P5 whatever the line is, it gives a frame that fits its form, nothing, or protocol.bad-answer', () => {
    const member = fc.constantFrom(...Object.keys(FRAMES), 'token', 'runs', 'rows');
    const near = fc.dictionary(member, fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom('table', 'token', 'runs', 'v', 'code', 'tables'), fc.jsonValue())));
    const line = fc.oneof(fc.string(), fc.json(), near.map((value) => JSON.stringify(value)), fc.array(fc.jsonValue()).map((row) => JSON.stringify(['P', ...row])));
    fc.assert(fc.property(line, (text) => {
      try {
        const frame = parseFrame(text);
        if (frame === undefined) return;
        const fits = Array.isArray(frame) || Object.entries(FRAMES).some(([name, shape]) => Object.hasOwn(frame, name) && shape.problem(frame, '') === undefined);
        expect(fits).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(CarryonError);
        expect(error).toEqual(badAnswer);
      }
    }), { numRuns: 2000 });
  });

  it('P3 rows carry any number of values', () => {
    expect(parseFrame('["P",1,2]')).toEqual(['P', 1, 2]);
    expect(parseFrame('["P",1,2,null,{"b":""}]')).toEqual(['P', 1, 2, null, { b: '' }]);
    expect(parseFrame('["R",7]')).toEqual(['R', 7]);
  });

  it('P24 the tables of a person, also none, are a frame; with a table that is none they are not', () => {
    const table = { id: 1, name: 'jobs', columns: [{ name: 'id', type: '', collation: 'BINARY' }], key: [0], level: 0, rights: ['update'] };
    for (const tables of [[], [table]]) expect(parseFrame(JSON.stringify({ tables }))).toEqual({ tables });
    for (const tables of [[{ ...table, rights: ['drop'] }], [{ ...table, id: -1 }], { 0: table }]) expect(() => parseFrame(JSON.stringify({ tables }))).toThrow(expect.objectContaining({ code: 'protocol.bad-answer' }));
  });
});
