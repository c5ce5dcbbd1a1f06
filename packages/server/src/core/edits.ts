import type { ConflictMode, TableSpec } from '@carryon/protocol';
import type { ProfileTable } from './profile.ts';
import type { SourceTable } from './source.ts';

type Spec = Pick<TableSpec, 'columns' | 'key' | 'newKeys' | 'rights'>;
type ForEdits = Pick<TableSpec, 'rights' | 'conflicts' | 'newKeys' | 'computed'>;
type References = NonNullable<TableSpec['references']>;
type Rights = NonNullable<TableSpec['rights']>;

const RIGHTS = ['create', 'update', 'delete'] as const;
/** From the loosest to the strictest. */
const MODES: readonly ConflictMode[] = ['last-writer-wins', 'merge', 'detect'];

/** What people may do besides reading, of all that is said: what any of it allows. */
export function rightsOf(said: readonly (readonly string[] | undefined)[]): Rights {
  return RIGHTS.filter((right) => said.some((rights) => rights?.includes(right)));
}

/** The strictest mode of all that are said. */
export function strictest(said: readonly (ConflictMode | undefined)[]): ConflictMode {
  return MODES.findLast((mode) => said.includes(mode)) ?? 'last-writer-wins';
}

/** What devices are told of a table whose rows people may write; nothing of one that they only read. */
export function forEdits(spec: Pick<Spec, 'columns' | 'key'>, rights: Rights, conflicts: ConflictMode, table: SourceTable): ForEdits {
  if (rights.length === 0) return {};
  const newKeys = rights.includes('create') ? newKeysOf(spec, table) : undefined;
  const computed = spec.columns.flatMap(({ name }, i) => (table.columns.some((column) => column.name === name && column.generated) ? [i] : []));
  return {
    rights,
    ...(conflicts === 'last-writer-wins' ? {} : { conflicts }),
    ...(newKeys ? { newKeys } : {}),
    ...(computed.length > 0 ? { computed } : {}),
  };
}

/** A key that SQLite gives is temporary on the device; a text can be made there. */
function newKeysOf(spec: Pick<Spec, 'columns' | 'key'>, table: SourceTable): TableSpec['newKeys'] {
  const [position = -1, ...others] = spec.key;
  const column = spec.columns[position];
  if (!column || others.length > 0) return undefined;
  if (column.name === table.rowid) return 'temporary';
  return isText(column.type) ? 'uuid' : undefined;
}

/** TEXT affinity: https://www.sqlite.org/datatype3.html section 3.1. */
const isText = (type: string): boolean => /CHAR|CLOB|TEXT/i.test(type) && !/INT/i.test(type);

/** The columns of a table that hold temporary keys of others, or of its own rows. */
export function referencesOf(spec: Spec, said: ProfileTable['references'], table: SourceTable, specs: readonly TableSpec[]): Pick<TableSpec, 'references'> {
  if (!spec.rights) return {};
  const named = (said ?? []).flatMap(({ columns: [column, ...others], table: to }) => (column !== undefined && others.length === 0 ? [{ column, table: to, to: undefined }] : []));
  // What the database says of a column counts more than what the profile says.
  const pointers = [...table.pointers, ...named.filter(({ column }) => !table.pointers.some((pointer) => isSame(pointer.column, column)))];
  const references = new Map<string, References[number]>();
  for (const pointer of pointers) {
    const column = spec.columns.findIndex(({ name }) => isSame(name, pointer.column));
    const target = specs.find(({ name, newKeys }) => newKeys === 'temporary' && isSame(name, pointer.table));
    const key = target?.columns[target.key[0] ?? -1]?.name ?? '';
    if (target && column >= 0 && isSame(pointer.to ?? key, key)) references.set(`${column} ${target.id}`, { column, table: target.id });
  }
  return references.size > 0 ? { references: [...references.values()] } : {};
}

const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
