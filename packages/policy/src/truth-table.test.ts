import { describe, expect, it } from 'vitest';
import { RULE_SET_NAMES, type RuleSetName } from './rule-set.ts';
import { APP_STATES, PLATFORMS, POWERS, SCREENS, type Situation, SYNC_KINDS } from './situation.ts';
import { after, MINUTE } from './testing/situations.ts';
import { TABLE_2022_11 } from './testing/table-2022-11.ts';
import { TABLE_2024_05 } from './testing/table-2024-05.ts';
import { TABLE_CARRY_ON } from './testing/table-carry-on.ts';
import type { Texts } from './texts.ts';
import { en } from './texts/en.ts';
import type { Cell, TruthTable, Use, WindowsCase } from './testing/truth-table.ts';

const TABLES: Readonly<Record<RuleSetName, TruthTable>> = { '2022-11': TABLE_2022_11, '2024-05': TABLE_2024_05, 'carry-on': TABLE_CARRY_ON };

const EVERY_POWER = POWERS.flatMap((power) => [true, false].map((saver) => ({ power, saver })));
const THRIFT = { power: 'battery', saver: true, permission: 'power-optimized' } as const;
const EASY = EVERY_POWER.filter(({ power, saver }) => power === 'plugged' || !saver);
const ALL_IN_FRONT_OF = [true, false].flatMap((inUse) => EVERY_POWER.map((power) => ({ ...power, inUse })));

/** All situations that a cell stands for: what its row does not name takes every value. */
function spelledOut(table: TruthTable): readonly (readonly [Partial<Situation>, Cell])[] {
  return PLATFORMS.flatMap((platform) => APP_STATES.flatMap((app) => SCREENS.flatMap((screen) => {
    const cells = table[platform][app][screen];
    const variants = 'idle' in cells ? iosVariants(cells) : 'never' in cells ? windowsVariants(cells) : ALL_IN_FRONT_OF.map((one) => [one, cells] as const);
    return variants.map(([changes, cell]) => [{ platform, app, screen, ...changes }, cell] as const);
  })));
}

function iosVariants(cells: Readonly<Record<Use, Cell>>): readonly (readonly [Partial<Situation>, Cell])[] {
  return ALL_IN_FRONT_OF.map((one) => [one, cells[one.inUse ? 'inUse' : 'idle']] as const);
}

function windowsVariants(cells: Readonly<Record<WindowsCase, Cell>>): readonly (readonly [Partial<Situation>, Cell])[] {
  return [true, false].flatMap((inUse) => [
    ...EVERY_POWER.map((power) => [{ ...power, inUse, permission: 'never' }, cells.never] as const),
    ...EVERY_POWER.map((power) => [{ ...power, inUse, permission: 'always' }, cells.always] as const),
    ...EASY.map((power) => [{ ...power, inUse, permission: 'power-optimized' }, cells.optimized] as const),
    [{ ...THRIFT, inUse }, cells.thrift] as const,
  ]);
}

/** What the words of a cell mean after the situation has lasted that long. */
function expected(words: string, ms: number): string {
  const [what, rule] = words.split(' ') as [string, string];
  const inSlice = ms >= 15 * MINUTE && ms % (15 * MINUTE) < 5 * MINUTE;
  switch (what) {
    case 'slices': return inSlice ? 'run A6' : `suspend ${rule}`;
    case 'grace': return ms < 30_000 ? `run ${rule}` : `suspend ${rule}`;
    case 'ten': return ms < 10 * MINUTE ? `run ${rule}` : `denied ${rule}`;
    case 'start': return `run ${rule}`;
    default: return words;
  }
}

const TIMES = [0, 29_999, 30_000, 5 * MINUTE, 10 * MINUTE - 1, 10 * MINUTE, 15 * MINUTE - 1, 15 * MINUTE, 20 * MINUTE - 1, 20 * MINUTE, 30 * MINUTE, 35 * MINUTE, 45 * MINUTE];

describe.each(RULE_SET_NAMES)('the truth table of %s', (ruleSet) => {
  it('says what decide says, in every cell and for every kind of sync', () => {
    const wrong: string[] = [];
    let compared = 0;
    for (const [changes, [begun, fresh]] of spelledOut(TABLES[ruleSet])) {
      for (const ms of TIMES) {
        for (const kind of SYNC_KINDS) {
          // The one exception, C1: in the grace time an upload may start.
          const freshWords = kind === 'upload' && begun === 'grace C1' && ms < 30_000 ? 'start C1' : fresh;
          for (const [state, words] of [['active', begun], ['suspended', begun], ['none', freshWords]] as const) {
            const verdict = after(ruleSet, ms, { kind, state }, changes);
            const denied = state === 'none' ? 'wait' : 'suspend';
            const should = expected(words, ms).replace('denied', denied);
            const is = `${verdict.engine} ${verdict.rule}`;
            compared += 1;
            if (is !== should) wrong.push(`${JSON.stringify(changes)} ${kind} ${state} after ${ms} ms: ${is}, not ${should}`);
          }
        }
      }
    }
    expect(wrong.slice(0, 10)).toEqual([]);
    expect(compared).toBeGreaterThan(50_000);
  });
});

it('a truth table without one of its states, and a catalogue without one of its texts, do not compile', () => {
  const { closed: _closed, ...open } = TABLE_2024_05.web;
  const { A7: _a7, ...why } = en.why;
  // @ts-expect-error: a state is missing
  const table: TruthTable = { ...TABLE_2024_05, web: open };
  // @ts-expect-error: a text is missing
  const texts: Texts = { ...en, why };
  expect([Object.keys(table.web), Object.keys(texts.why)].flat()).not.toContain('closed');
});
