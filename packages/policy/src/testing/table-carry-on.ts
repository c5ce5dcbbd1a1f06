// Without a window granted by the OS; windows have tests of their own.
import type { Cell, TruthTable } from './truth-table.ts';

const OPEN: Cell = ['run B2', 'start B2'];
const IOS_AWAY: Cell = ['grace C1', 'wait C1'];
const IOS_FROZEN: Cell = ['suspend C1', 'wait C1'];
const IOS_CLOSED: Cell = ['stop C1', 'wait C1'];
const ANDROID_AWAY: Cell = ['run C2', 'wait C2'];
const NEVER: Cell = ['suspend C3', 'wait C3'];
const THRIFT: Cell = ['ten C3', 'ten C3'];
const WINDOWS_AWAY: Cell = ['run C3', 'start C3'];
const WINDOWS_FROZEN: Cell = ['suspend C3', 'wait C3'];
const WINDOWS_CLOSED: Cell = ['stop C3', 'wait C3'];

const WINDOWS: TruthTable['windows10'] = {
  foreground: {
    unlocked: { never: OPEN, thrift: OPEN, optimized: OPEN, always: OPEN },
    locked: { never: NEVER, thrift: THRIFT, optimized: WINDOWS_AWAY, always: WINDOWS_AWAY },
  },
  background: {
    unlocked: { never: NEVER, thrift: THRIFT, optimized: WINDOWS_AWAY, always: WINDOWS_AWAY },
    locked: { never: NEVER, thrift: THRIFT, optimized: WINDOWS_AWAY, always: WINDOWS_AWAY },
  },
  frozen: {
    unlocked: { never: WINDOWS_FROZEN, thrift: WINDOWS_FROZEN, optimized: WINDOWS_FROZEN, always: WINDOWS_FROZEN },
    locked: { never: WINDOWS_FROZEN, thrift: WINDOWS_FROZEN, optimized: WINDOWS_FROZEN, always: WINDOWS_FROZEN },
  },
  closed: {
    unlocked: { never: WINDOWS_CLOSED, thrift: WINDOWS_CLOSED, optimized: WINDOWS_CLOSED, always: WINDOWS_CLOSED },
    locked: { never: WINDOWS_CLOSED, thrift: WINDOWS_CLOSED, optimized: WINDOWS_CLOSED, always: WINDOWS_CLOSED },
  },
};

export const TABLE_CARRY_ON = {
  ios: {
    foreground: { unlocked: { inUse: OPEN, idle: OPEN }, locked: { inUse: IOS_AWAY, idle: IOS_AWAY } },
    background: { unlocked: { inUse: IOS_AWAY, idle: IOS_AWAY }, locked: { inUse: IOS_AWAY, idle: IOS_AWAY } },
    frozen: { unlocked: { inUse: IOS_FROZEN, idle: IOS_FROZEN }, locked: { inUse: IOS_FROZEN, idle: IOS_FROZEN } },
    closed: { unlocked: { inUse: IOS_CLOSED, idle: IOS_CLOSED }, locked: { inUse: IOS_CLOSED, idle: IOS_CLOSED } },
  },
  android: {
    foreground: { unlocked: OPEN, locked: ANDROID_AWAY },
    background: { unlocked: ANDROID_AWAY, locked: ANDROID_AWAY },
    frozen: { unlocked: ['suspend C2', 'wait C2'], locked: ['suspend C2', 'wait C2'] },
    closed: { unlocked: ['stop C2', 'wait C2'], locked: ['stop C2', 'wait C2'] },
  },
  windows10: WINDOWS,
  windows11: WINDOWS,
  web: {
    foreground: { unlocked: OPEN, locked: ['run C4', 'start C4'] },
    background: { unlocked: ['run C4', 'start C4'], locked: ['run C4', 'start C4'] },
    frozen: { unlocked: ['suspend C4', 'wait C4'], locked: ['suspend C4', 'wait C4'] },
    closed: { unlocked: ['stop C4', 'wait C4'], locked: ['stop C4', 'wait C4'] },
  },
  node: {
    foreground: { unlocked: ['run C5', 'start C5'], locked: ['run C5', 'start C5'] },
    background: { unlocked: ['run C5', 'start C5'], locked: ['run C5', 'start C5'] },
    frozen: { unlocked: ['suspend C5', 'wait C5'], locked: ['suspend C5', 'wait C5'] },
    closed: { unlocked: ['stop C5', 'wait C5'], locked: ['stop C5', 'wait C5'] },
  },
} as const satisfies TruthTable;
