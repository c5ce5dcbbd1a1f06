import { describe, expect, it } from 'vitest';
import { CarryonError } from '@carryon/protocol';
import { parseProfile } from './profile.ts';

const problemOf = (input: unknown): string => {
  try {
    parseProfile(input);
  } catch (error) {
    if (error instanceof CarryonError && error.code === 'profile.invalid') return error.message;
    throw error;
  }
  return '';
};

describe('profile', () => {
  it('S50 what is left out has its default', () => {
    expect(parseProfile({ version: 1, tables: { job: {} } })).toEqual({ version: 1, name: 'Profile', tables: { job: { rows: 'all', columns: 'all', priority: 5 } } });
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

  it('S50 all errors are told at once', () => {
    expect(problemOf({ version: 2, tables: { a: { priority: -1 }, b: { rows: 1 } } })).toMatch(/version.*tables\.a\.priority.*tables\.b\.rows/);
  });
});
