import type { TableSpec } from '@carryon/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CoreDriver, ensure, type World } from '../testing/core-driver.ts';
import { DEFAULT_CONFIG, initialState } from './state.ts';
import { step } from './step.ts';

const RUNS = 3000 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);
const MOST_TURNS = 5000;

const world: fc.Arbitrary<World> = fc.record({ tables: fc.integer({ min: 1, max: 4 }), levels: fc.integer({ min: 1, max: 3 }), packs: fc.integer({ min: 0, max: 9 }), transfers: fc.boolean() });
const choices = fc.array(fc.nat({ max: 1000 }), { maxLength: 500, size: 'max' });

function play(of: World, chosen: readonly number[]): CoreDriver {
  const driver = new CoreDriver(of, chosen);
  for (let turns = 0; driver.turn(); turns++) ensure('comes to an end', turns < MOST_TURNS);
  return driver;
}

describe('the pure engine', () => {
  it('D1 D3 D4 D17 D27 D28 whatever happens, what must hold holds; when failures stop, it finishes and every table is usable', () => {
    fc.assert(fc.property(world, choices, (of, chosen) => {
      const driver = play(of, chosen);
      expect(driver.finished).toEqual({});
      expect(driver.state.tables).toHaveLength(of.tables);
      for (const table of driver.state.tables) expect(table).toMatchObject({ usable: true, load: 'none', fresh: true, lost: false });
      expect(driver.state.outbox).toMatchObject({ loose: 0, made: driver.state.outbox.known, tables: [] });
    }), { numRuns: RUNS });
  });

  it('D67 D71 whatever tables the server tells of meanwhile, it finishes with those that it told of last', () => {
    fc.assert(fc.property(world, choices, (of, chosen) => {
      const driver = play({ ...of, changes: true }, chosen);
      expect(driver.finished).toEqual({});
      const nameOf = ({ id, columns }: TableSpec): string => `${id} ${columns.map(({ name }) => name).join()}`;
      expect(driver.state.tables.map(nameOf).sort()).toEqual(driver.share.tables.map(nameOf).sort());
      for (const table of driver.state.tables) expect(table).toMatchObject({ usable: true, load: 'none', fresh: true, lost: false });
      expect(driver.state.empty !== undefined).toBe(driver.state.tables.length === 0);
      expect(driver.state.outbox).toMatchObject({ loose: 0, made: driver.state.outbox.known, tables: [] });
    }), { numRuns: RUNS });
  });

  it('D0 the same events give the same effects and the same state', () => {
    fc.assert(fc.property(world, choices, (of, chosen) => {
      const driver = play(of, chosen);
      let state = initialState({ ...DEFAULT_CONFIG, mostAttempts: 1e9 }, of.transfers === true);
      for (const { event, effects } of driver.history) {
        const frozen = structuredClone({ ...state, retry: undefined, pushHeld: undefined, error: undefined, queue: [], step: undefined });
        const next = step(state, event);
        expect(next.effects).toEqual(effects);
        expect({ ...state, retry: undefined, pushHeld: undefined, error: undefined, queue: [], step: undefined }).toEqual(frozen);
        state = next.state;
      }
      expect(state).toEqual(driver.state);
    }), { numRuns: RUNS / 10 });
  });

  it('D1 after a revocation the device rests exactly once, when at most the step that runs has ended', () => {
    fc.assert(fc.property(world, choices, fc.nat({ max: 60 }), (of, chosen, when) => {
      const driver = new CoreDriver(of, chosen);
      for (let turns = 0; turns < when; turns++) driver.turn();
      driver.mayRestart = false;
      if (driver.state.lease === undefined) driver.grant();
      const before = driver.rests;
      driver.revoke();
      const steps = driver.state.step ? 1 : 0;
      const from = driver.history.length;
      for (let turns = 0; driver.rests === before; turns++) {
        ensure('comes to rest', turns < MOST_TURNS);
        if (!driver.turn()) break;
      }
      expect(driver.rests).toBe(before + 1);
      expect(driver.history.slice(from).filter(({ event }) => event.type === 'stepped' || event.type === 'step-failed').length).toBeLessThanOrEqual(steps);
    }), { numRuns: RUNS / 3 });
  });
});
