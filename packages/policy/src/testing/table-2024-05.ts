import type { Cell, TruthTable } from './truth-table.ts';

const CLOSED: Cell = ['stop A3', 'wait A3'];
const FROZEN: Cell = ['suspend S2', 'wait S2'];
const OPEN: Cell = ['run B2', 'start B2'];
const OTHERS: Cell = ['run B3', 'start B3'];
const IOS_AWAY: Cell = ['suspend B8', 'wait B8'];
const ANDROID_AWAY: Cell = ['run B5', 'wait B6'];
const NEVER: Cell = ['suspend B11', 'wait B11'];
const MINIMIZED: Cell = ['run B9', 'start B9'];
const LOCKED: Cell = ['run B10', 'start B10'];

const WINDOWS: TruthTable['windows10'] = {
  foreground: {
    unlocked: { never: OPEN, thrift: OPEN, optimized: OPEN, always: OPEN },
    locked: { never: NEVER, thrift: LOCKED, optimized: LOCKED, always: LOCKED },
  },
  background: {
    unlocked: { never: NEVER, thrift: MINIMIZED, optimized: MINIMIZED, always: MINIMIZED },
    locked: { never: NEVER, thrift: LOCKED, optimized: LOCKED, always: LOCKED },
  },
  frozen: {
    unlocked: { never: FROZEN, thrift: FROZEN, optimized: FROZEN, always: FROZEN },
    locked: { never: FROZEN, thrift: FROZEN, optimized: FROZEN, always: FROZEN },
  },
  closed: {
    unlocked: { never: CLOSED, thrift: CLOSED, optimized: CLOSED, always: CLOSED },
    locked: { never: CLOSED, thrift: CLOSED, optimized: CLOSED, always: CLOSED },
  },
};

export const TABLE_2024_05 = {
  ios: {
    foreground: {
      unlocked: { inUse: ['run B7', 'start B7'], idle: ['run B7', 'start B7'] },
      locked: { inUse: IOS_AWAY, idle: IOS_AWAY },
    },
    background: { unlocked: { inUse: IOS_AWAY, idle: IOS_AWAY }, locked: { inUse: IOS_AWAY, idle: IOS_AWAY } },
    frozen: { unlocked: { inUse: FROZEN, idle: FROZEN }, locked: { inUse: FROZEN, idle: FROZEN } },
    closed: { unlocked: { inUse: CLOSED, idle: CLOSED }, locked: { inUse: CLOSED, idle: CLOSED } },
  },
  android: {
    foreground: { unlocked: ['run B4', 'start B4'], locked: ANDROID_AWAY },
    background: { unlocked: ANDROID_AWAY, locked: ANDROID_AWAY },
    frozen: { unlocked: FROZEN, locked: FROZEN },
    closed: { unlocked: CLOSED, locked: CLOSED },
  },
  windows10: WINDOWS,
  windows11: WINDOWS,
  web: {
    foreground: { unlocked: OPEN, locked: OTHERS },
    background: { unlocked: OTHERS, locked: OTHERS },
    frozen: { unlocked: FROZEN, locked: FROZEN },
    closed: { unlocked: CLOSED, locked: CLOSED },
  },
  node: {
    foreground: { unlocked: OPEN, locked: OTHERS },
    background: { unlocked: OTHERS, locked: OTHERS },
    frozen: { unlocked: FROZEN, locked: FROZEN },
    closed: { unlocked: CLOSED, locked: CLOSED },
  },
} as const satisfies TruthTable;
