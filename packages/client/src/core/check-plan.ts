import { CarryonError, type PackSpec, type TableSpec } from '@carryon/protocol';

interface Plan { readonly tables: readonly TableSpec[]; readonly packs: readonly PackSpec[] }
interface Known extends TableSpec { readonly usable: boolean; readonly lost: boolean; readonly load: string }

/** SQLite compares names of tables and columns without case. */
const fold = (name: string): string => name.toLowerCase();
/** The device lacks the table, and asks for a plan of it. */
export const isAbsent = (table: Pick<Known, 'usable' | 'lost' | 'load'>): boolean => table.load === 'none' && (!table.usable || table.lost);
const OWN_COLUMNS = ['_rid', '_ver', '_live'];

/** `protocol.bad-answer` when a person's tables cannot be as the server tells them. */
export function checkTables(tables: readonly TableSpec[]): CarryonError | undefined {
  const isTwice = hasTwins(tables.map((table) => table.name)) || new Set(tables.map(({ id }) => id)).size < tables.length;
  const problem = isTwice ? 'two tables are called the same' : specProblem(tables);
  return problem === undefined ? undefined : new CarryonError('protocol.bad-answer', `The server tells of tables that cannot be: ${problem}.`);
}

/**
 * `protocol.bad-answer` when the device cannot follow a plan: no name of it may reach another table or the device's own. `asked`: the tables that the
 * server was asked about; all where it is left out.
 */
export function checkPlan(plan: Plan, known: readonly Known[], asked?: readonly number[]): CarryonError | undefined {
  const problem = tablesProblem(plan.tables, known, (id) => asked === undefined || asked.includes(id)) ?? packsProblem(plan);
  return problem === undefined ? undefined : new CarryonError('protocol.bad-answer', `The server's plan cannot be followed: ${problem}.`);
}

function tablesProblem(tables: readonly TableSpec[], known: readonly Known[], isAsked: (id: number) => boolean): string | undefined {
  const ids = new Set(tables.map((table) => table.id));
  const others = known.filter((table) => !ids.has(table.id));
  const absent = others.find((table) => isAbsent(table) && isAsked(table.id));
  if (tables.length === 0 || absent) return `it lacks ${absent ? `table ${absent.name}` : 'tables'}`;
  const present = known.find((table) => ids.has(table.id) && !isAbsent(table) && !isAsked(table.id));
  if (present) return `the device has table ${present.name} already`;
  if (ids.size < tables.length || hasTwins([...tables, ...others].map((table) => table.name))) return 'two tables are called the same';
  const renamed = known.find((table) => tables.some((other) => other.id === table.id && fold(other.name) !== fold(table.name)));
  return renamed ? `table ${renamed.name} is called otherwise now` : specProblem(tables);
}

function specProblem(tables: readonly TableSpec[]): string | undefined {
  const bad = tables.find((table) => /^(_carryon_|sqlite_)/i.test(table.name) || !hasGoodColumns(table));
  return bad && `table ${bad.name} has a name, columns or a key that cannot be`;
}

function hasGoodColumns(table: TableSpec): boolean {
  const isGoodKey = table.key.length > 0 && table.key.every((position) => position < table.columns.length);
  return isGoodKey && !hasTwins([...OWN_COLUMNS, ...table.columns.map((column) => column.name)]);
}

function packsProblem({ tables, packs }: Plan): string | undefined {
  const ids = new Set(tables.map((table) => table.id));
  if (packs.some((pack) => !/^[0-9a-f]{64}$/.test(pack.name))) return 'the name of a pack is not a hash';
  if (hasTwins(packs.map((pack) => pack.name))) return 'it names a pack twice';
  return packs.every((pack) => pack.parts.every((part) => ids.has(part.table))) ? undefined : 'a pack holds a table that it does not name';
}

const hasTwins = (names: readonly string[]): boolean => new Set(names.map(fold)).size < names.length;
