import { describe, expect, it } from 'vitest';
import { CarryonError } from '@carryon/protocol';
import { parseProfile, profileJsonSchema } from './profile.ts';
import { readProfileText } from './profile-text.ts';

const problemOf = (input: unknown, parse: (input: never) => unknown = parseProfile): string => {
  try {
    parse(input as never);
  } catch (error) {
    if (error instanceof CarryonError && error.code === 'profile.invalid') return error.message;
    throw error;
  }
  return '';
};

describe('profile', () => {
  it('S50 what is left out has its default', () => {
    expect(parseProfile({ version: 1, tables: { job: {} } })).toEqual({ version: 1, name: 'Profile', who: 'everyone', tables: { job: { rows: 'all', columns: 'all', priority: 5 } } });
  });

  it('S52 a table may name an interval of 5 minutes to a day', () => {
    for (const every of [5, 60, 1440]) expect(parseProfile({ version: 1, tables: { job: { every } } }).tables['job']).toMatchObject({ every });
  });

  it('S53 a table may name rights, and how conflicts are treated', () => {
    for (const rights of [['read'], ['delete', 'read'], ['create', 'read', 'update', 'delete']]) expect(parseProfile({ version: 1, tables: { job: { rights } } }).tables['job']).toMatchObject({ rights });
    for (const conflicts of ['last-writer-wins', 'detect', 'merge']) expect(parseProfile({ version: 1, tables: { job: { conflicts } } }).tables['job']).toMatchObject({ conflicts });
  });

  it('S53 a table that nobody may read is refused with the reason', () => {
    expect(problemOf({ version: 1, tables: { job: { rights: ['update'] } } })).toMatch(/tables\.job\.rights: .*nobody may read is left out/);
    expect(problemOf({ version: 1, tables: { job: { rights: [] } } })).toMatch(/tables\.job\.rights: .*nobody may read/);
  });

  it('S82 the table of sync errors cannot be named', () => {
    expect(problemOf({ version: 1, tables: { job: {}, Carryon_Sync_Error: {} } })).toMatch(/"Carryon_Sync_Error", which Carryon keeps/);
  });

  it('S50 each error is named with its place', () => {
    const wrong: [unknown, RegExp][] = [
      [undefined, /profile: /], [null, /profile: /], ['x', /profile: /], [[], /profile: |version: /],
      [{ version: 2, tables: { job: {} } }, /version: /],
      [{ version: 1 }, /tables: /],
      [{ version: 1, tables: {} }, /no tables/],
      [{ version: 1, tables: { job: { rows: 'some' } } }, /tables\.job\.rows: /],
      [{ version: 1, tables: { job: { rows: { own: '' } } } }, /tables\.job\.rows/],
      [{ version: 1, tables: { job: { rows: { own: 'owner', also: 1 } } } }, /tables\.job\.rows/],
      [{ version: 1, tables: { job: { rows: { filtr: 'a' } } } }, /tables\.job\.rows: must be "all", or an object with one of own, team, unit, filter, childOf/],
      [{ version: 1, tables: { job: { rows: { own: 5 } } } }, /tables\.job\.rows\.own: .*string/],
      [{ version: 1, tables: { job: { rows: { own: 'a', team: 'b' } } } }, /tables\.job\.rows: .*"team"/],
      [{ version: 1, tables: { job: { rows: { any: [] } } } }, /tables\.job\.rows\.any: /],
      [{ version: 1, tables: { job: { rows: { any: ['all', { all: [{ unit: 'u', children: 'yes' }] }] } } } }, /tables\.job\.rows\.any\.1\.all\.0\.children: /],
      [{ version: 1, tables: { job: { rows: { linkedTo: 'a' } } } }, /tables\.job\.rows: must be "all", or .*linkedTo \(with through\)/],
      [{ version: 1, tables: { job: { rows: { childOf: 'a', by: [] } } } }, /tables\.job\.rows\.by: /],
      [{ version: 1, tables: { job: { hidden: 'a' } } }, /tables\.job\.hidden: /],
      [{ version: 1, who: 'nobody', tables: { job: {} } }, /who: must be "everyone", or/],
      [{ version: 1, who: {}, tables: { job: {} } }, /who: must name somebody/], [{ version: 1, who: { users: [] }, tables: { job: {} } }, /who: must name somebody/],
      [{ version: 1, who: { users: [7] }, tables: { job: {} } }, /who\.users\.0: /],
      [{ version: 1, people: { users: { table: 'u' } }, tables: { job: {} } }, /people\.users\.id: /], [{ version: 1, people: { groups: {} }, tables: { job: {} } }, /people: .*groups/],
      [{ version: 1, name: '', tables: { job: {} } }, /name: /], [{ version: 1, timeZone: 5, tables: { job: {} } }, /timeZone: /],
      [{ version: 1, tables: { job: { columns: [] } } }, /tables\.job\.columns/],
      [{ version: 1, tables: { job: { key: [] } } }, /tables\.job\.key: /],
      [{ version: 1, tables: { job: { priority: 10 } } }, /tables\.job\.priority: /],
      [{ version: 1, tables: { job: { priority: 1.5 } } }, /tables\.job\.priority: /],
      [{ version: 1, tables: { job: { rights: 'read' } } }, /tables\.job\.rights: /], [{ version: 1, tables: { job: { rights: ['read', 'write'] } } }, /tables\.job\.rights\.1: /],
      [{ version: 1, tables: { job: { conflicts: 'never' } } }, /tables\.job\.conflicts: /],
      [{ version: 1, tables: { job: { prioritty: 1 } } }, /prioritty/],
      ...[4, 1441, 7.5, '60', null].map((every): [unknown, RegExp] => [{ version: 1, tables: { job: { every } } }, /tables\.job\.every: /]),
      [{ version: 1, tables: { job: {} }, extra: 1 }, /extra/],
    ];
    for (const [input, message] of wrong) expect(problemOf(input), JSON.stringify(input)).toMatch(message);
  });

  it('S55 rows may be named in every way, in each other', () => {
    const all = [
      'all', { own: 'a' }, { team: 'a' }, { unit: 'a' }, { unit: 'a', children: true }, { filter: 'a eq 1' }, { childOf: 't' }, { childOf: 't', by: 'a' }, { childOf: 't', by: ['a', 'b'] },
      { parentOf: 't', by: 'a' }, { linkedTo: 't', through: 'l' }, { linkedTo: 't', through: 'l', by: 'a', to: ['b'] },
    ];
    for (const rows of [...all, { any: all }, { all: [{ any: [{ all }] }] }]) expect(parseProfile({ version: 1, tables: { job: { rows } } }).tables['job']?.rows).toEqual(rows);
  });

  it('S55 nesting has a limit', () => {
    const nested = (depth: number): object => (depth === 0 ? { own: 'a' } : { any: [nested(depth - 1)] });
    expect(problemOf({ version: 1, tables: { job: { rows: nested(16) } } })).toBe('');
    expect(problemOf({ version: 1, tables: { job: { rows: nested(5000) } } })).toMatch(/"any" and "all" stand inside each other more than 16 times/);
  });

  it('S50 all errors are told at once', () => {
    expect(problemOf({ version: 2, tables: { a: { priority: -1 }, b: { rows: 1 } } })).toMatch(/version.*tables\.a\.priority.*tables\.b\.rows/);
  });
});

describe('the file of a profile', () => {
  const inText = (text: string): string => problemOf(text, readProfileText);

  it('S56 may have comments and trailing commas', () => {
    expect(readProfileText('\uFEFF{ // the first\r\n "version": 1, /* all */ "tables": { "job": { "rows": { "any": ["all",], }, }, }, }\n').tables['job']?.rows).toEqual({ any: ['all'] });
  });

  it('S56 is refused with the line and column where it is not JSON', () => {
    expect(inText('{\n  "version": 1\n  "tables": {}\n}')).toBe('The profile is not JSON: line 3, column 3: comma expected.');
    expect(inText('')).toBe('The profile is not JSON: line 1, column 1: value expected.');
    expect(inText('{"version": 1}}')).toMatch(/line 1, column 15: end of file expected/);
    expect(inText('{"version": 1, "tables": {"a": {"rows": {"filter": "x')).toMatch(/unexpected end of string/);
  });

  it('S56 tells the line of each error', () => {
    expect(inText('{\n  "version": 1,\n  "tables": {\n    "a": { "priority": -1 },\n    "b": {\n      "rows": { "own": 1 }\n    }\n  }\n}'))
      .toMatch(/line 4: tables\.a\.priority: .*; line 6: tables\.b\.rows\.own: /);
    expect(inText('{\n"tables": { "a": {} } }')).toMatch(/line 1: version: /);
  });

  it('S56 names nothing twice', () => {
    expect(inText('{ "version": 1,\n "tables": { "a": {},\n "b": {},\n "a": { "rights": ["read"] } } }')).toBe('The profile has an error. line 4: "a" stands here twice, or is a name that cannot be used.');
    expect(inText('{ "version": 1, "tables": { "__proto__": {} } }')).toMatch(/"__proto__"/);
  });

  it('S56 has a JSON Schema that describes every name', () => {
    const schema = profileJsonSchema() as { $schema: string; properties: Record<string, { description?: string; additionalProperties?: { properties: Record<string, { description?: string }>; required?: string[] } }>; required: string[]; $defs: Record<string, { anyOf: unknown[] }> };
    expect(schema.$schema).toMatch(/json-schema\.org/);
    expect(schema.required).toEqual(['version', 'tables']);
    const table = schema.properties['tables']?.additionalProperties;
    expect(Object.keys(table?.properties ?? {})).toEqual(['rows', 'columns', 'hidden', 'key', 'references', 'priority', 'rights', 'conflicts', 'every']);
    expect(table?.required).toBeUndefined();
    for (const [name, property] of [...Object.entries(schema.properties), ...Object.entries(table?.properties ?? {})]) expect(property.description, name).toMatch(/./);
    expect(schema.$defs['rows']?.anyOf).toHaveLength(10);
  });
});
