import { describe, expect, it } from 'vitest';
import { syncRequest } from './messages/request.ts';
import { anything, fields, flag, list, nullable, oneOf, optional, text, whole } from './shape.ts';

const person = fields({ name: text, age: optional(whole), friends: list(fields({ name: text }), 2), kind: oneOf('a', 'b'), at: nullable(whole), ok: flag, more: anything });
const good = { name: 'Mia', friends: [{ name: 'Jo' }], kind: 'a', at: null, ok: true };

describe('shape', () => {
  it('P5 a value that fits has no problem', () => {
    expect(person.problem(good, '')).toBeUndefined();
    expect(person.problem({ ...good, age: 3, at: 4, more: [] }, '')).toBeUndefined();
  });

  it.each([
    [null, 'value is not an object'],
    [[], 'value is not an object'],
    [{ ...good, name: 1 }, 'name is not text'],
    [{ ...good, age: null }, 'age is not whole'],
    [{ ...good, age: -1 }, 'age is not whole'],
    [{ ...good, age: 1.5 }, 'age is not whole'],
    [{ ...good, age: 2 ** 53 }, 'age is not whole'],
    [{ ...good, friends: {} }, 'friends is not a list'],
    [{ ...good, friends: [{ name: 'Jo' }, { name: 2 }] }, 'friends[1].name is not text'],
    [{ ...good, friends: [1, 2, 3] }, 'friends has more than 2 entries'],
    [{ ...good, kind: 'c' }, 'kind is not one of a, b'],
    [{ ...good, at: 'x' }, 'at is not whole'],
    [{ ...good, ok: 1 }, 'ok is not flag'],
  ])('P5 the first thing wrong is named by its path: %j', (value, problem) => {
    expect(person.problem(value, '')).toBe(problem);
  });

  it('P6 further members are ignored', () => {
    expect(person.problem({ ...good, later: true }, '')).toBeUndefined();
  });

  it('P7 lists have a greatest length', () => {
    const request = { v: 1, device: 'd', token: null, accept: [] };
    expect(syncRequest.problem(request, '')).toBeUndefined();
    expect(syncRequest.problem({ ...request, accept: Array(9).fill('gzip') }, '')).toBe('accept has more than 8 entries');
    expect(syncRequest.problem({ ...request, tables: Array(10_001).fill(1) }, '')).toBe('tables has more than 10000 entries');
  });

  it('P13 the form tells everything that is checked', () => {
    expect(person.form).toEqual({
      fields: {
        name: 'text', age: { optional: 'whole' }, friends: { list: { fields: { name: 'text' } }, most: 2 },
        kind: { oneOf: ['a', 'b'] }, at: { nullable: 'whole' }, ok: 'flag', more: 'anything',
      },
    });
  });
});
