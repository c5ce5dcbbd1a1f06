import type { Cell, TruthTable } from './truth-table.ts';

const CLOSED: Cell = ['stop A3', 'wait A3'];
const FROZEN: Cell = ['suspend S2', 'wait S2'];
const OPEN: Cell = ['run S1', 'start S1'];
const OTHERS: Cell = ['run A2', 'start A2'];
const NEVER: Cell = ['suspend A16', 'wait A16'];
const THRIFT: Cell = ['ten A15', 'ten A15'];
const MINIMIZED: Cell = ['run A13', 'start A13'];
const LOCKED: Cell = ['run A14', 'start A14'];

const WINDOWS: TruthTable['windows10'] = {
  foreground: {
    unlocked: { never: OPEN, thrift: OPEN, optimized: OPEN, always: OPEN },
    locked: { never: NEVER, thrift: THRIFT, optimized: LOCKED, always: LOCKED },
  },
  background: {
    unlocked: { never: NEVER, thrift: THRIFT, optimized: MINIMIZED, always: MINIMIZED },
    locked: { never: NEVER, thrift: THRIFT, optimized: LOCKED, always: LOCKED },
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

export const TABLE_2022_11 = {
  ios: {
    foreground: {
      unlocked: { inUse: ['run A9', 'start A9'], idle: ['run A9', 'start A9'] },
      locked: { inUse: ['suspend A5', 'wait A5'], idle: ['slices A7', 'wait A7'] },
    },
    background: {
      unlocked: { inUse: ['suspend A10', 'wait A10'], idle: ['suspend A4', 'wait A4'] },
      locked: { inUse: ['suspend A5', 'wait A5'], idle: ['slices A8', 'wait A8'] },
    },
    frozen: { unlocked: { inUse: FROZEN, idle: FROZEN }, locked: { inUse: FROZEN, idle: FROZEN } },
    closed: { unlocked: { inUse: CLOSED, idle: CLOSED }, locked: { inUse: CLOSED, idle: CLOSED } },
  },
  android: {
    foreground: { unlocked: OPEN, locked: ['run A12', 'wait A12'] },
    background: { unlocked: ['run A11', 'wait A11'], locked: ['run A12', 'wait A12'] },
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
