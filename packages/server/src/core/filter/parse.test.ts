import { CarryonError } from '@carryon/protocol';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../limits.ts';
import { parseFilter } from './parse.ts';
import { printFilter } from './syntax.ts';

const read = (text: string): string => printFilter(parseFilter(text).says);

function problemOf(text: string): string {
  try {
    parseFilter(text, 'here');
  } catch (error) {
    if (error instanceof CarryonError && error.code === 'profile.invalid') return error.message;
    throw error;
  }
  return '';
}

/** What was expected, and the text from the character on at which the caret points. */
function pointed(text: string): [what: string, rest: string] {
  const [what = '', line = '', caret = ''] = problemOf(text).split('\n');
  return [what.replace(/^here: /, '').replace(/ here:$/, ''), line.slice(caret.indexOf('^'))];
}

describe('filter', () => {
  it.each([
    ['a eq 1', 'a eq 1'],
    ['a EQ 1 AND b Ne 2 oR c gT 3', '(a eq 1 and b ne 2) or c gt 3'],
    ['a eq 1 and (b eq 2 or c eq 3)', 'a eq 1 and (b eq 2 or c eq 3)'],
    ['((a eq 1))', 'a eq 1'],
    ['not a eq 1 and b eq 2', 'not (a eq 1) and b eq 2'],
    ['not (a eq 1 or not b eq 2)', 'not (a eq 1 or not (b eq 2))'],
    ['NOT NOT a eq null', 'not (not (a eq null))'],
    ['5 lt a', '5 lt a'],
    ['a eq B', 'a eq B'],
    ['a in (1,\'x\', null ,TRUE)', 'a in (1, \'x\', null, 1)'],
    ['a in(2026-11-21)', 'a in (2026-11-21)'],
    ['team IN userteams()', 'team in userTeams()'],
    ['unit in userBusinessUnits( )', 'unit in userBusinessUnits()'],
    ['Owner eq USER() or unit eq userBusinessUnit()', 'Owner eq user() or unit eq userBusinessUnit()'],
    ['startsWith(name,\'A\') and endswith(name, \'\'\'z\') or contains("my name",\'\')', '(startswith(name, \'A\') and endswith(name, \'\'\'z\')) or contains("my name", \'\')'],
    ['due lt now() add duration\'PT2H\' and due ge today() sub duration\'P7D\'', 'due lt now() add duration\'PT7200S\' and due ge today() sub duration\'P7D\''],
    ['due eq now() add duration\'-P1DT2H3M4S\'', 'due eq now() sub duration\'PT93784S\''],
    ['true', 'true'], ['FALSE or a eq 1', 'false or a eq 1'], ['true eq a', '1 eq a'],
    ['\t a\r\n eq\n1 ', 'a eq 1'],
  ])('F1 reads %s', (text, printed) => {
    expect(read(text)).toBe(printed);
  });

  it('F1 a name is a column unless it is a keyword or called, and whatever it is in quotes', () => {
    for (const name of ['user', 'now', 'duration', 'startswith', 'Straße', '_x1', 'наряд']) expect(read(`${name} eq 1`)).toBe(`${name} eq 1`);
    for (const name of ['"and"', '"null"', '"two words"', '"say ""so"""', '"1st"', '"semi;colon--"']) expect(read(`${name} eq 1`)).toBe(`${name} eq 1`);
    for (const name of ['and', 'eq', 'in', 'add', 'NOT']) expect(problemOf(`${name} eq 1`)).not.toBe('');
  });

  it.each([
    ['1', 1n], ['-1', -1n], ['9223372036854775807', 9223372036854775807n], ['-9223372036854775808', -9223372036854775808n], ['9223372036854775808', 9223372036854775808],
    ['1.0', 1], ['-0.5', -0.5], ['1e3', 1000], ['1E+2', 100], ['2.5e-1', 0.25],
    ['null', null], ['true', 1n], ['False', 0n], ['\'\'', ''], ['\'it\'\'s\'', 'it\'s'], ['\'a eq 1); DROP TABLE x; --\'', 'a eq 1); DROP TABLE x; --'],
    ['0F8FAD5B-d9cb-469f-a165-70867728950e', '0F8FAD5B-d9cb-469f-a165-70867728950e'], ['abcdef12-1234-1234-1234-123456789abc', 'abcdef12-1234-1234-1234-123456789abc'],
    ['12345678-1234-1234-1234-123456789012', '12345678-1234-1234-1234-123456789012'],
  ])('F3 the value %s is what it looks like', (text, value) => {
    const { says } = parseFilter(`a eq ${text}`);
    expect(says.kind === 'compare' && says.right).toMatchObject({ kind: 'value', value });
  });

  it('F2 an error names the place, says what was expected and points at the character', () => {
    expect(problemOf('status eqq \'x\'')).toBe('here: expected a comparison (eq, ne, gt, ge, lt, le) or "in" here:\n  status eqq \'x\'\n         ^');
  });

  it.each([
    ['', 'expected a column, a function or a value', ''],
    ['a eq  ', 'expected a column, a function or a value', '  '],
    ['a', 'expected a comparison (eq, ne, gt, ge, lt, le) or "in"', ''],
    ['a eq', 'expected a column, a function or a value', ''],
    ['a eq  )', 'expected a column, a function or a value', ')'],
    ['a eq 1 b eq 2', 'expected "and", "or" or the end', 'b eq 2'],
    ['a eq 1 eq 2', 'expected "and", "or" or the end', 'eq 2'],
    ['(a eq 1', 'expected "and", "or" or ")"', ''],
    ['a eq 1)', 'expected "and", "or" or the end', ')'],
    ['a eq \'x', 'a text begins and does not end', '\'x'],
    ['a eq \'x\'\'', 'a text begins and does not end', '\'x\'\''],
    ['"a eq 1', 'a column\'s name begins and does not end', '"a eq 1'],
    ['a eq 1 and ; drop', 'expected a name, a value or a parenthesis', '; drop'],
    ['a = 1', 'expected a name, a value or a parenthesis', '= 1'],
    ['a eq 12x', 'expected a number, a date such as 2026-11-21 or 2026-11-21T10:00:00Z, or a guid', '12x'],
    ['a eq 1.2.3', 'expected a number, a date such as 2026-11-21 or 2026-11-21T10:00:00Z, or a guid', '1.2.3'],
    ['a eq 1e999', 'the number is too large', '1e999'],
    ['a eq 2026-02-30', 'there is no such date or time', '2026-02-30'],
    ['a eq 2026-01-01T25:00:00Z', 'there is no such date or time', '2026-01-01T25:00:00Z'],
    ['a eq 2026-01-01T10:00:00+99:00', 'there is no such date or time', '2026-01-01T10:00:00+99:00'],
    ['a in 5', 'expected a list: values in parentheses, userTeams() or userBusinessUnits()', '5'],
    ['a in ()', 'expected a value', ')'],
    ['a in (b)', 'expected a value', 'b)'],
    ['a in (1 2)', 'expected "," or ")"', '2)'],
    ['a in user()', 'expected a list: values in parentheses, userTeams() or userBusinessUnits()', 'user()'],
    ['a in now()', 'expected a list: values in parentheses, userTeams() or userBusinessUnits()', 'now()'],
    ['a eq user(1)', 'expected ")"', '1)'],
    ['a eq now() add 5', 'expected a duration such as duration\'P7D\' or duration\'PT2H\'', '5'],
    ['a eq now() add duration 5', 'expected a duration in single quotes, such as \'P7D\' or \'PT2H\'', '5'],
    ['a eq now() add duration\'7 days\'', 'expected days, hours, minutes and seconds such as P7D or PT2H30M, a hundred years at most', '\'7 days\''],
    ['a eq now() add duration\'P36526D\'', 'expected days, hours, minutes and seconds such as P7D or PT2H30M, a hundred years at most', '\'P36526D\''],
    ['a eq today() add duration\'PT2H\'', 'today() is moved by whole days, such as duration\'P7D\'; expected such a duration', '\'PT2H\''],
    ['tolower(a) eq 1', 'there is no function tolower; expected a column, a value, user(), userTeams(), userBusinessUnit(), userBusinessUnits(), now(), today()', 'tolower(a) eq 1'],
    ['a eq contains(b, \'x\')', 'contains is no value; expected a column, a value, user(), userTeams(), userBusinessUnit(), userBusinessUnits(), now(), today()', 'contains(b, \'x\')'],
    ['contains(\'x\', a)', 'expected a column', '\'x\', a)'],
    ['contains(a)', 'expected ","', ')'],
    ['contains(a, 5)', 'expected a text in single quotes', '5)'],
    ['contains(a, \'x\'', 'expected ")"', ''],
    ['not', 'expected a column, a function or a value', ''],
    ['a eq 1 and', 'expected a column, a function or a value', ''],
    ['a eq\n  1 or\n  b eqq 2', 'expected a comparison (eq, ne, gt, ge, lt, le) or "in"', 'eqq 2'],
    ['ünïcödé eqq 1', 'expected a comparison (eq, ne, gt, ge, lt, le) or "in"', 'eqq 1'],
  ])('F2 of %j', (text, what, rest) => {
    expect(pointed(text)).toEqual([what, rest]);
  });

  it('F2 of a long line the surroundings of the character are shown', () => {
    const [, line = '', caret = ''] = problemOf(`${'a eq 1 and '.repeat(100)}b eqq 1${' or c eq 1'.repeat(100)}`).split('\n');
    expect(line.length).toBeLessThan(110);
    expect(line.slice(caret.indexOf('^'))).toMatch(/^eqq 1 or c eq 1/);
  });

  it('F4 length, comparisons and depth have limits', () => {
    const nested = (depth: number): string => `${'('.repeat(depth)}a eq 1${')'.repeat(depth)}`;
    expect(problemOf('a eq 1 or '.repeat(LIMITS.filterClauses - 1) + 'a eq 1')).toBe('');
    expect(problemOf('a eq 1 or '.repeat(LIMITS.filterClauses) + 'a eq 1')).toMatch(/more than 1000 comparisons/);
    expect(problemOf(nested(LIMITS.filterNesting))).toBe('');
    expect(problemOf(nested(LIMITS.filterNesting + 1))).toMatch(/deeper than 100/);
    expect(problemOf('not '.repeat(LIMITS.filterNesting + 1) + 'a eq 1')).toMatch(/deeper than 100/);
    expect(problemOf(`${'(a eq 1) and '.repeat(200)}a eq 1`)).toBe('');
    expect(problemOf(`a eq '${'x'.repeat(LIMITS.filterChars - 7)}'`)).toBe('');
    expect(problemOf(`a eq '${'x'.repeat(LIMITS.filterChars - 6)}'`)).toMatch(/longer than 20000 characters/);
  });
});
