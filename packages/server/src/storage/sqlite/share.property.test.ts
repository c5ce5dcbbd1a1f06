import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SqlValue } from '@carryon/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileProfiles } from '../../core/compile.ts';
import type { Config } from '../../core/config.ts';
import { parseProfile } from '../../core/profile.ts';
import { profilesOf, resolve, type Share } from '../../core/resolve.ts';
import type { Rule } from '../../core/rule.ts';
import { ERROR_TABLE } from '../../core/sync-errors.ts';
import { runChanges } from '../../testing/rules/changes.ts';
import { Facts } from '../../testing/rules/facts.ts';
import { profileJson } from '../../testing/rules/profile.ts';
import { personOf, sqlOf, USERS } from '../../testing/rules/schema.ts';
import { ShareOracle } from '../../testing/rules/share-oracle.ts';
import { worldPlan } from '../../testing/rules/store-history.ts';
import type { WorldPlan } from '../../testing/rules/store-world.ts';
import { same } from '../../testing/store-audit.ts';
import { withFolder } from '../../testing/temp-store.ts';
import { Database } from './driver.ts';
import { introspect } from './introspect.ts';
import { readAttributes } from './rules/people.ts';
import { ShareSql } from './rules/share.ts';

const RUNS = 100 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);

interface Case {
  readonly plan: WorldPlan;
  readonly minutes: number;
}

const cases: fc.Arbitrary<Case> = fc.record({ plan: worldPlan, minutes: fc.integer({ min: -3000, max: 10_000 }) });

/** Compiles the profiles and compares what they give each person, by SQL over the business tables, with the oracle. */
async function play({ plan: { schema, filling, profiles: [profiles = []] }, minutes }: Case, mutant: (config: Config) => Config = (config) => config): Promise<void> {
  await withFolder((folder) => {
    const file = join(folder, 'app.db');
    const business = new DatabaseSync(file, { enableForeignKeyConstraints: false });
    business.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; ${sqlOf(schema)}`);
    runChanges(business, schema, filling);
    const db = new Database(file);
    const clockMs = schema.start.ms + minutes * 60_000;
    const config = mutant(compileProfiles(profiles.map((profile) => parseProfile(profileJson(profile, schema))), introspect(db)));
    const oracle = new ShareOracle(new Facts(business, schema), profiles, clockMs);
    try {
      for (const user of USERS) comparePerson(db, config, oracle, user, clockMs);
    } finally {
      db.close();
      business.close();
    }
  });
}

function comparePerson(db: Database, config: Config, oracle: ShareOracle, user: string, clockMs: number): void {
  const person = personOf(user);
  const attributes = readAttributes(db, config, person);
  const known = oracle.facts.person(user);
  same(`R1 attributes of ${user}`, attributes && { user: [...attributes.user], teams: [...attributes.teams].sort(), unit: [...attributes.unit].sort(), units: [...attributes.units].sort() }, known);
  const shares = resolve(config, person, attributes);
  same(`R1 tables of ${user}`, shares.map(({ table }) => [table.name, table.columns.map(({ name }) => name)]).sort(), [...oracle.columnsOf(user)].sort());
  if (!attributes || !known) return;
  const all = { ...attributes, profiles: profilesOf(config, person, attributes).map(({ name }) => name) };
  // The table of sync errors is made with the first edits.
  for (const share of shares.filter(({ table }) => table.name !== ERROR_TABLE)) {
    const wanted = [...oracle.keysOf(share.table.name, all.profiles, known)].sort();
    for (const forMany of [false, true]) same(`R1 rows of ${share.table.name} for ${user}`, rowsFound(oracle.facts, new ShareSql(config, all, clockMs, forMany), share), wanted);
  }
}

function rowsFound(facts: Facts, shares: ShareSql, { table, scope }: Share): string[] {
  const where = shares.of(scope.node, 'x');
  return facts.keysWhere(table.name, where.sql, where.values as readonly SqlValue[]).sort();
}

describe('shares by SQL against the oracle', () => {
  it('R1 I12 random profiles compile, and give each person the tables, columns and rows that they say', async () => {
    await fc.assert(fc.asyncProperty(cases, (one) => play(one)), { numRuns: RUNS });
  });
});

/** Another rule in place of each, those inside of others first. */
const everywhere = (change: (rule: Rule) => Rule) => (config: Config): Config => {
  const inside = (rule: Rule): Rule => change(rule.kind === 'any' || rule.kind === 'all' ? { ...rule, of: rule.of.map(inside) } : rule);
  return { ...config, nodes: config.nodes.map((node) => ({ ...node, rule: inside(node.rule) })) };
};

describe('the property has teeth', () => {
  const mutants: Record<string, (config: Config) => Config> = {
    'all is any': everywhere((rule) => (rule.kind === 'all' ? { kind: 'any', of: rule.of } : rule)),
    'the units below count as the own': everywhere((rule) => (rule.kind === 'mine' && rule.attribute === 'unit' ? { ...rule, attribute: 'units' } : rule)),
    'whoever has one profile has all': everywhere((rule) => (rule.kind === 'holds' ? { kind: 'every' } : rule)),
    'children without their parents': everywhere((rule) => (rule.kind === 'child' ? { kind: 'every' } : rule)),
    'links by one side': everywhere((rule) => (rule.kind === 'linked' ? { ...rule, to: rule.by } : rule)),
    'parents of nothing': everywhere((rule) => (rule.kind === 'parent' ? { kind: 'any', of: [] } : rule)),
    'profiles are everybody\'s': (config) => ({ ...config, profiles: config.profiles.map((profile) => ({ ...profile, who: undefined })) }),
    'nobody is somebody': (config) => ({ ...config, people: { ...config.people, users: undefined } as unknown as Config['people'] }),
  };
  for (const [name, mutant] of Object.entries(mutants)) {
    it(`R1 ${name}: caught`, async () => {
      const result = await fc.check(fc.asyncProperty(cases, (one) => play(one, mutant)), { seed: 20261124, numRuns: 1000, endOnFailure: true });
      expect(String(result.errorInstance)).toMatch(/R1/);
    });
  }
});
