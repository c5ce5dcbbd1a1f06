import { describe, expect, it } from 'vitest';
import type { ColumnSpec, TableSpec } from '@carryon/protocol';
import type { Attributes } from './attributes.ts';
import type { CompiledProfile, Config, SyncedTable, TableShare } from './config.ts';
import { formOf, profilesOf, resolve, specsOf, type Share } from './resolve.ts';
import type { RuleNode } from './rule.ts';

const column = (name: string): ColumnSpec => ({ name, type: 'TEXT', collation: 'BINARY' });

/** Two tables with everything that any profile sends of them. */
const ORDERS: SyncedTable = {
  id: 1, name: 'orders', columns: ['note', 'total', 'id', 'owner', 'customer'].map(column), hidden: [column('secret')], key: [2], level: 0,
  rights: ['create', 'update', 'delete'], newKeys: 'temporary', computed: [1], references: [{ column: 4, table: 2 }],
};
const CUSTOMERS: SyncedTable = { id: 2, name: 'customers', columns: ['id', 'name'].map(column), hidden: [], key: [0], level: 0, rights: ['create'], newKeys: 'temporary' };

const EVERY: RuleNode = { id: 1, table: 2, text: 'every', rule: { kind: 'every' }, uses: [] };
const OWN: RuleNode = { id: 2, table: 1, text: 'own', rule: { kind: 'mine', column: 'owner', attribute: 'user' }, uses: ['user'] };
const TEAM: RuleNode = { id: 3, table: 1, text: 'team', rule: { kind: 'mine', column: 'owner', attribute: 'teams' }, uses: ['teams'] };
const ALL: RuleNode = { id: 4, table: 1, text: 'all', rule: { kind: 'every' }, uses: [] };
const SOME: RuleNode = { id: 5, table: 1, text: 'some', rule: { kind: 'filter', filter: { op: 'compare', column: 'note', by: 'eq', value: 'x' } }, uses: [] };
const BOTH: RuleNode = { id: 6, table: 1, text: 'both', rule: { kind: 'any', of: [{ kind: 'same', node: 2 }, { kind: 'same', node: 3 }] }, uses: ['profiles', 'teams', 'user'] };

const share = (table: number, node: number, columns: readonly string[], more: Partial<TableShare> = {}): TableShare => ({ table, node, columns, level: 5, ...more });
const profile = (name: string, who: CompiledProfile['who'], ...shares: readonly TableShare[]): CompiledProfile => ({ name, who, shares });
const configOf = (...profiles: readonly CompiledProfile[]): Config =>
  ({ tables: [ORDERS, CUSTOMERS], nodes: [EVERY, OWN, TEAM, ALL, SOME, BOTH], profiles, unions: { 1: 6 }, people: {}, timeZone: 'UTC' });

const NOBODY_IN = { users: [], teams: [], units: [] };
const ANN: Attributes = { user: ['ann'], teams: ['north', 'south'], unit: ['u1'], units: ['u1', 'u2'], profiles: [] };
const person = { user: 'ann', claims: {} };
const sharesOf = (config: Config, attributes: Attributes | undefined = ANN): readonly Share[] => resolve(config, person, attributes);
const names = (table: TableSpec | undefined): string[] => (table?.columns ?? []).map(({ name }) => name);

describe('the profiles of a person', () => {
  it('S83 are everybody\'s and those that name the person, one of their teams or their own unit', () => {
    const named = [
      profile('everyone', undefined), profile('by id', { ...NOBODY_IN, users: ['bob', 'ann'] }), profile('by team', { ...NOBODY_IN, teams: ['south'] }), profile('by unit', { ...NOBODY_IN, units: ['u1'] }),
    ];
    const others = [
      profile('nobody', NOBODY_IN), profile('other id', { ...NOBODY_IN, users: ['Ann', 'ann '] }), profile('other team', { users: ['north'], teams: ['west'], units: ['north'] }),
      profile('unit below', { ...NOBODY_IN, units: ['u2'] }),
    ];
    expect(profilesOf(configOf(...others, ...named), person, ANN)).toEqual(named);
    expect(profilesOf(configOf(...named), person, { ...ANN, teams: [], unit: [] }).map(({ name }) => name)).toEqual(['everyone', 'by id']);
  });

  it('S83 S90 give nothing to nobody', () => {
    const config = configOf(profile('everyone', undefined, share(2, 1, ['id'])));
    expect(resolve(config, person, undefined)).toEqual([]);
    expect(sharesOf(configOf(profile('nobody', NOBODY_IN, share(2, 1, ['id']))))).toEqual([]);
    expect(sharesOf(config)).toHaveLength(1);
  });
});

describe('the share of a table', () => {
  it('S18 S84 is one scope: the rule with what it uses of the person', () => {
    const found = sharesOf(configOf(profile('p', undefined, share(1, 2, ['id', 'owner']), share(2, 1, ['id', 'name']))));
    expect(found.map(({ scope }) => scope)).toEqual([
      { table: 1, node: 2, param: '{"user":["ann"]}', columns: ['id', 'owner'] }, { table: 2, node: 1, param: '', columns: ['id', 'name'] },
    ]);
    expect(found.map(({ isEverybodys }) => isEverybodys)).toEqual([false, true]);
  });

  it('S84 is the same scope for people with equal attributes, whatever else differs', () => {
    const config = configOf(profile('p', undefined, share(1, 3, ['id'])));
    const scopeFor = (user: string, teams: readonly string[]): unknown => resolve(config, { user, claims: {} }, { ...ANN, user: [user], teams })[0]?.scope;
    expect(scopeFor('ann', ['north', 'south'])).toEqual(scopeFor('bob', ['south', 'north', 'south']));
    expect(scopeFor('ann', ['north'])).not.toEqual(scopeFor('ann', ['north', 'south']));
  });

  it('S84 S31 is everybody\'s only if a profile for everyone gives it', () => {
    const given = (who: CompiledProfile['who'], node: number): boolean | undefined => sharesOf(configOf(profile('p', who, share(1, node, ['id']))))[0]?.isEverybodys;
    expect([given(undefined, 4), given(undefined, 5), given(undefined, 2)]).toEqual([true, true, false]);
    expect(given({ ...NOBODY_IN, users: ['ann'] }, 4)).toBe(false);
  });

  it('S84 S31 is everybody\'s only with columns that everybody gets, from whichever of their profiles', () => {
    const buyers = (...columns: readonly string[]): CompiledProfile => profile('buyers', { ...NOBODY_IN, users: ['ann'] }, share(1, 4, columns));
    const given = (...profiles: readonly CompiledProfile[]): boolean | undefined => sharesOf(configOf(...profiles))[0]?.isEverybodys;
    const [all, own] = [profile('all', undefined, share(1, 4, ['id', 'note'])), profile('own', undefined, share(1, 2, ['id', 'total']))];
    expect([given(all, buyers('id', 'note')), given(all, buyers('id', 'total')), given(all, own), given(all, own, buyers('id', 'total')), given(own, buyers('id', 'total'))]).toEqual([true, false, true, true, false]);
  });

  it('S83 has the columns and rights of all of the person\'s profiles, the lowest level and interval, the strictest mode', () => {
    const config = configOf(
      profile('a', undefined, share(1, 2, ['note', 'id', 'owner'], { level: 3, rights: ['update'], conflicts: 'merge', everyMinutes: 60 })),
      profile('b', undefined, share(1, 2, ['total', 'id', 'owner'], { level: 1, rights: ['delete'], conflicts: 'detect' })),
      profile('c', { ...NOBODY_IN, users: ['bob'] }, share(1, 2, ['customer', 'id', 'owner'], { level: 0, rights: ['create'], everyMinutes: 5 })),
    );
    expect(sharesOf(config)[0]?.table).toEqual({
      id: 1, name: 'orders', columns: ['note', 'total', 'id', 'owner'].map(column), key: [2], level: 1, everyMinutes: 60, rights: ['update', 'delete'], conflicts: 'detect', computed: [1],
    });
    expect(sharesOf(config)[0]?.scope.columns).toEqual(['note', 'total', 'id', 'owner']);
  });

  it('S83 counts positions of columns anew, and tells of edits only what its rights need', () => {
    const edited = (rights: TableShare['rights'], columns: readonly string[], customers: TableShare['rights']): TableSpec | undefined =>
      sharesOf(configOf(profile('p', undefined, share(1, 2, columns, rights ? { rights } : {}), share(2, 1, ['id', 'name'], customers ? { rights: customers } : {}))))[0]?.table;
    expect(edited(['create'], ['total', 'id', 'customer'], ['create'])).toMatchObject({ key: [1], newKeys: 'temporary', computed: [0], references: [{ column: 2, table: 2 }] });
    const reader = edited(undefined, ['total', 'id', 'customer'], ['create']);
    expect(Object.keys(reader ?? {})).toEqual(['id', 'name', 'columns', 'key', 'level']);
    expect(edited(['update'], ['id', 'customer'], ['create'])).toMatchObject({ key: [0], references: [{ column: 1, table: 2 }] });
    expect(edited(['update'], ['id', 'customer'], ['create'])).not.toHaveProperty('newKeys');
    expect(edited(['update'], ['id', 'customer'], ['create'])).not.toHaveProperty('computed');
    expect(edited(['create'], ['id', 'customer'], ['update'])).not.toHaveProperty('references');
  });

  it('S83 S84 is all rows if one profile gives all, else the union of what the profiles give; equal rules are no union', () => {
    const scopeOf = (...nodes: readonly number[]): unknown => {
      const { node, param } = sharesOf(configOf(...nodes.map((id, i) => profile(`p${i}`, undefined, share(1, id, ['id'])))))[0]?.scope ?? {};
      return [node, param];
    };
    expect(scopeOf(2, 4, 3)).toEqual([4, '']);
    expect(scopeOf(2, 2)).toEqual([2, '{"user":["ann"]}']);
    expect(scopeOf(2, 3)).toEqual([6, '{"profiles":["p0","p1"],"teams":["north","south"],"user":["ann"]}']);
  });
});

describe('descriptions', () => {
  it('S85 are of one form when name, columns and key are equal, whatever else changes', () => {
    const spec: TableSpec = { id: 1, name: 'a', columns: [column('x'), column('y')], key: [0], level: 1 };
    expect(formOf({ ...spec, id: 9, level: 3, rights: ['create'], everyMinutes: 5, newKeys: 'uuid', computed: [1], conflicts: 'merge', references: [] })).toBe(formOf(spec));
    const others: TableSpec[] = [
      { ...spec, name: 'A' }, { ...spec, key: [1] }, { ...spec, key: [0, 1] }, { ...spec, columns: [column('y'), column('x')] }, { ...spec, columns: [column('x')] },
      { ...spec, columns: [column('x'), { ...column('y'), type: 'text' }] }, { ...spec, columns: [column('x'), { ...column('y'), collation: 'NOCASE' }] }, { ...spec, columns: [column('x'), column('y'), column('z')] },
    ];
    expect(new Set([spec, ...others].map(formOf)).size).toBe(others.length + 1);
  });

  it('S89 stand for themselves: any change of any table is told from what it was', () => {
    const spec: TableSpec = { id: 1, name: 'a', columns: [column('x')], key: [0], level: 1 };
    const all = [[], [spec], [spec, { ...spec, id: 2 }], [{ ...spec, level: 2 }], [{ ...spec, rights: ['update' as const] }], [{ ...spec, everyMinutes: 5 }]];
    const hashes = all.map((tables) => specsOf(tables.map((table) => ({ table }))));
    expect(new Set(hashes).size).toBe(all.length);
    expect(hashes).not.toContain('');
  });
});
