import type { TableSpec } from '@carryon/protocol';
import { forgetStep } from './forget.ts';
import type { EngineState, Step, Table, ToldTables } from './state.ts';

/** SQLite compares names without the case of ASCII letters. */
export const foldName = (name: string): string => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** What copies and packs of a table depend on. All else of its description may change in place. */
export const formOf = ({ name, columns, key }: TableSpec): string =>
  JSON.stringify([name, columns.map((column) => [column.name, column.type, column.collation]), key]);

/** A copy can stay: only what does not touch its rows has changed. */
const isFit = (was: TableSpec, spec: TableSpec): boolean => was.id === spec.id && formOf(was) === formOf(spec);

/** Finds what belongs to a table by its name. */
export function byName<T extends { readonly name: string }>(tables: readonly T[]): (table: { readonly name: string }) => T | undefined {
  const known = new Map(tables.map((table) => [foldName(table.name), table]));
  return ({ name }) => known.get(foldName(name));
}

/** What is loaded of tables that are gone, or have another form now, is thrown away. */
export function withForgotten(state: EngineState, told: ToldTables): ToldTables {
  const specOf = byName(told.tables);
  const stale = state.tables.filter((table) => {
    const spec = specOf(table);
    return table.load !== 'none' && !(spec && isFit(table, spec));
  });
  const { tables: forget, packs } = forgetStep(state, new Set(stale.map(({ id }) => id)));
  return { ...told, forget, packs };
}

/** These tables as the device has them then: a copy that is usable stays what it is until the next one takes its place. */
export function retold(tables: readonly Table[], { tables: specs, forget }: Pick<ToldTables, 'tables' | 'forget'>): Table[] {
  const known = byName(tables);
  return inOrder(specs.map((spec): Table => {
    const was = known(spec);
    if (!was) return { ...spec, usable: false, load: 'none', rows: 0, syncedMs: undefined, fresh: false, lost: false };
    const { usable, load, rows, syncedMs, fresh, lost } = was;
    if (isFit(was, spec) && !forget.includes(was.id)) return { ...spec, usable, load, rows, syncedMs, fresh, lost };
    return { ...(usable && formOf(was) !== formOf(spec) ? { ...was, id: spec.id } : spec), usable, load: 'none', rows, syncedMs, fresh: false, lost: usable };
  }));
}

export const inOrder = (tables: Table[]): Table[] => tables.sort((a, b) => a.level - b.level || a.id - b.id);

/** The state when that is taken over. */
export function withTables(state: EngineState, told: ToldTables): EngineState {
  const tables = retold(state.tables, told);
  const dropped = new Set(told.packs);
  const isThere = new Set(tables.map(({ id }) => id));
  const measured = state.measured && tables.some(({ id, lost }) => id === state.measured?.table && !lost) ? state.measured : undefined;
  return {
    ...state, tables, measured, resetting: false, empty: undefined, epoch: told.epoch, user: told.user,
    packs: state.packs.filter(({ name }) => !dropped.has(name)), repaired: state.repaired.filter((id) => isThere.has(id)),
    // Who may see what has changed: tables that are not due may be concerned, too.
    allDue: state.allDue || state.round?.tables !== undefined,
  };
}

/** What has changed, for the journal; undefined: nothing that a person would notice. */
export function changesText(before: readonly Table[], { tables: specs }: ToldTables): string | undefined {
  if (specs.length === 0) return 'This person has no tables here.';
  const [was, is] = [byName(before), byName(specs)];
  const named = (what: string, tables: readonly { readonly name: string }[]): string[] => (tables.length === 0 ? [] : [`${what} ${tables.map(({ name }) => name).join(', ')}`]);
  const parts = before.length === 0 ? [] : [
    ...named('new:', specs.filter((spec) => !was(spec))),
    ...named('no longer here:', before.filter((table) => !is(table))),
    ...named('to be downloaded anew:', specs.filter((spec) => { const known = was(spec); return known && !isFit(known, spec); })),
  ];
  return parts.length === 0 ? undefined : `The tables have changed. ${parts.join('; ')}.`;
}

/** What a step takes over of that. */
export const toldOf = (step: Step | undefined): ToldTables | undefined => (step?.kind === 'plan' || step?.kind === 'segment' ? step.told : undefined);
