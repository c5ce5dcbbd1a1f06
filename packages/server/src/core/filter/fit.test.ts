import { describe, expect, it } from 'vitest';
import { fitFilter } from './fit.ts';
import { liftFilter } from './lift.ts';
import { parseFilter } from './parse.ts';
import type { Predicate } from './predicate.ts';
import { attributesIn, columnsOf, isTimed, predicateText, simplify } from './simplify.ts';

const TARGET = { table: 'job', columns: ['id', 'Owner', 'team', 'Status', 'due'], timeZone: 'Europe/Berlin' };
const fit = (text: string): Predicate => fitFilter(parseFilter(text), TARGET);
const simple = (text: string): Predicate => simplify(fit(text));
const problemOf = (text: string): string => {
  try {
    fit(text);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};
const compare = (column: string, value: bigint | string | null, by: 'eq' | 'ne' = 'eq'): Predicate => ({ op: 'compare', column, by, value });

describe('a filter over a table', () => {
  it('F1 columns are found whatever their letters, and named as the table names them', () => {
    expect(fit('OWNER eq STATUS')).toEqual({ op: 'columns', column: 'Owner', by: 'eq', other: 'Status' });
    expect(fit('startswith("status", \'x\')')).toEqual({ op: 'text', function: 'startswith', column: 'Status', value: 'x' });
  });

  it('F2 an unknown column is pointed at, and so is what cannot be compared', () => {
    expect(problemOf('id eq 1 and nix eq 2')).toBe('filter: table "job" has no column "nix"; expected one of id, Owner, team, Status, due here:\n  id eq 1 and nix eq 2\n              ^');
    expect(problemOf('contains(nix, \'a\')')).toMatch(/no column "nix"/);
    expect(problemOf('nix in (1)')).toMatch(/no column "nix"/);
    expect(problemOf('id eq nix')).toMatch(/no column "nix"[^]*\n {8}\^$/);
    expect(problemOf('1 eq 1')).toMatch(/one side of a comparison must be a column/);
    expect(problemOf('now() gt 2026-01-01')).toMatch(/one side of a comparison must be a column/);
    expect(problemOf('Owner gt user()')).toMatch(/user\(\) can only be compared by eq and ne[^]*\n {11}\^$/);
    expect(problemOf('team eq userTeams()')).toMatch(/userTeams\(\) is a list; expected "in" before it/);
    expect(problemOf('userBusinessUnits() eq team')).toMatch(/userBusinessUnits\(\) is a list/);
  });

  it('F5 a column may stand on either side', () => {
    expect(['1 lt id', '1 le id', '1 gt id', '1 ge id', '1 eq id', '1 ne id'].map((text) => predicateText(fit(text))))
      .toEqual(['id gt 1', 'id ge 1', 'id lt 1', 'id le 1', 'id eq 1', 'id ne 1'].map((text) => predicateText(fit(text))));
    expect(fit('user() eq owner')).toEqual({ op: 'mine', column: 'Owner', attribute: 'user' });
  });

  it('F5 NULL equals NULL alone, and is neither less nor greater', () => {
    expect([fit('id eq null'), fit('id ne null'), fit('null eq id')]).toEqual([compare('id', null), compare('id', null, 'ne'), compare('id', null)]);
    for (const by of ['gt', 'ge', 'lt', 'le']) expect(simple(`id ${by} null`)).toEqual({ op: 'constant', value: false });
  });

  it('F5 a list may have NULL and times', () => {
    expect(simple('id in (2, 1, 2)')).toEqual({ op: 'in', column: 'id', values: [1n, 2n] });
    expect(simple('id in (2)')).toEqual(compare('id', 2n));
    expect(simple('id in (null)')).toEqual(compare('id', null));
    expect(simple('id in (1, null, \'1\')')).toEqual({ op: 'or', of: [compare('id', null), { op: 'in', column: 'id', values: ['1', 1n] }] });
    expect(simple('due in (2026-11-21, 2026-11-22T00:00:00Z)')).toEqual({
      op: 'or', of: [
        { op: 'time', column: 'due', by: 'eq', when: { kind: 'at', instant: 1_795_215_600, wall: 1_795_219_200 } },
        { op: 'time', column: 'due', by: 'eq', when: { kind: 'at', instant: 1_795_305_600, wall: 1_795_309_200 } },
      ],
    });
  });

  it('F6 what is asked of the person', () => {
    expect([fit('owner eq user()'), fit('team in userTeams()'), fit('team eq userBusinessUnit()'), fit('team in userBusinessUnits()')])
      .toEqual((['user', 'teams', 'unit', 'units'] as const).map((attribute) => ({ op: 'mine', column: attribute === 'user' ? 'Owner' : 'team', attribute })));
    expect(fit('owner ne user()')).toEqual({ op: 'not', of: { op: 'mine', column: 'Owner', attribute: 'user' } });
    expect(attributesIn(fit('owner eq user() or not (team in userTeams()) and id eq 1'))).toEqual(['user', 'teams']);
  });

  it('F10 a column is compared with now and today as they are moved', () => {
    expect(fit('due lt now() add duration\'PT2H\'')).toEqual({ op: 'time', column: 'due', by: 'lt', when: { kind: 'now', plusSeconds: 7200 } });
    expect(fit('today() sub duration\'P7D\' le due')).toEqual({ op: 'time', column: 'due', by: 'ge', when: { kind: 'today', plusDays: -7 } });
    expect([isTimed(fit('not (due lt now())')), isTimed(fit('due lt 2026-11-21'))]).toEqual([true, false]);
  });

  it('F7 filters that differ only in order, repetition, nesting and constants are one', () => {
    const same = [
      'id eq 1 and (status eq \'a\' or owner eq null)', '(owner eq null or status eq \'a\') and id eq 1', 'id eq 1 and id eq 1 and (status eq \'a\' or (owner eq null or status eq \'a\'))',
      'true and (id eq 1 and (status eq \'a\' or owner eq null or false))', 'not not (1 eq id and (status eq \'a\' or owner eq null))', 'id in (1, 1) and not (id gt null) and (status in (\'a\') or owner eq null)',
    ].map((text) => predicateText(simple(text)));
    expect(new Set(same).size).toBe(1);
    expect(new Set(['id eq 1', 'id eq \'1\'', 'id eq 1.0e0', 'id eq 1 or id eq 2', 'id in (1, 2)', 'not (id eq 1)', 'id ne 1', 'id eq -0.0', 'id eq 0.0'].map((text) => predicateText(simple(text)))).size).toBe(9);
  });

  it('F7 constants decide', () => {
    const constant = (value: boolean): Predicate => ({ op: 'constant', value });
    expect([simple('true'), simple('false'), simple('not true'), simple('id eq 1 or true'), simple('id eq 1 and false'), simple('not (id eq 1 or not false)')])
      .toEqual([true, false, false, true, false, false].map(constant));
    expect(simple('id eq 1 and (owner eq 2 or true)')).toEqual(compare('id', 1n));
  });

  it('F7 the columns that a filter reads', () => {
    expect(columnsOf(fit('id eq owner and not contains(status, \'x\') or due lt now() and id in (1) and team in userTeams()'))).toEqual(['id', 'Owner', 'Status', 'due', 'team']);
  });

  it('F8 what is asked of the person comes out of the filter as far as and and or reach', () => {
    const owner = { kind: 'mine', column: 'Owner', attribute: 'user' };
    expect(liftFilter(fit('owner eq user()'))).toEqual(owner);
    expect(liftFilter(fit('id eq 1 and owner eq user()'))).toEqual({ kind: 'all', of: [{ kind: 'filter', filter: compare('id', 1n) }, owner] });
    expect(liftFilter(fit('id eq 1 or id eq 2 and (owner eq user() or id eq 3)'))).toEqual({
      kind: 'any', of: [{ kind: 'filter', filter: compare('id', 1n) }, { kind: 'all', of: [{ kind: 'filter', filter: compare('id', 2n) }, { kind: 'any', of: [owner, { kind: 'filter', filter: compare('id', 3n) }] }] }],
    });
    expect(liftFilter(fit('id eq 1 or id eq 2'))).toMatchObject({ kind: 'filter' });
    expect(liftFilter(fit('id eq 1 and owner ne user()'))).toMatchObject({ kind: 'filter' });
  });
});
