import type { EngineState, Step } from './state.ts';

export const isLoading = (state: EngineState, id: number): boolean => state.tables.some((table) => table.id === id && table.load !== 'none');

/** Forgets these tables' downloads, and of every table that still waits for a pack which it shares with them. */
export function forgetStep(state: EngineState, tables: ReadonlySet<number>): Extract<Step, { kind: 'forget' }> {
  const ids = new Set(tables);
  for (let before = -1; before !== ids.size;) {
    before = ids.size;
    for (const pack of state.packs) if (pack.stage !== 'applied' && pack.parts.some((part) => ids.has(part.table))) for (const part of pack.parts) if (isLoading(state, part.table)) ids.add(part.table);
  }
  const packs = state.packs.filter((pack) => pack.parts.some((part) => ids.has(part.table))).map((pack) => pack.name);
  return { kind: 'forget', tables: [...ids], packs };
}

/** What is left after such a step. */
export function forgotten(state: EngineState, done: Extract<Step, { kind: 'forget' }>): EngineState {
  const ids = new Set(done.tables);
  const names = new Set(done.packs);
  const tables = state.tables.map((table) => (ids.has(table.id) ? { ...table, load: 'none' as const, fresh: false, lost: table.usable } : table));
  return { ...state, needUrls: false, tables, packs: state.packs.filter((pack) => !names.has(pack.name)) };
}
