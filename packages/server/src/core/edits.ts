import type { TableSpec } from '@carryon/protocol';
import type { SyncedTable } from '../ports/storage.ts';
import type { ProfileTable } from './profile.ts';
import type { SourceTable } from './source.ts';

type ForEdits = Pick<TableSpec, 'rights' | 'conflicts' | 'newKeys' | 'computed'>;
type References = NonNullable<TableSpec['references']>;

/** What devices are told of a table whose rows people may write; nothing of one that they only read. */
export function forEdits(spec: SyncedTable, wanted: ProfileTable, table: SourceTable): ForEdits {
  const rights = (['create', 'update', 'delete'] as const).filter((right) => wanted.rights?.includes(right));
  if (rights.length === 0) return {};
  const newKeys = rights.includes('create') ? newKeysOf(spec, table) : undefined;
  const computed = spec.columns.flatMap(({ name }, i) => (table.columns.some((column) => column.name === name && column.generated) ? [i] : []));
  return {
    rights,
    ...(wanted.conflicts === undefined || wanted.conflicts === 'last-writer-wins' ? {} : { conflicts: wanted.conflicts }),
    ...(newKeys ? { newKeys } : {}),
    ...(computed.length > 0 ? { computed } : {}),
  };
}

/** A key that SQLite gives is temporary on the device; a text can be made there. */
function newKeysOf(spec: SyncedTable, table: SourceTable): TableSpec['newKeys'] {
  const [position = -1, ...others] = spec.key;
  const column = spec.columns[position];
  if (!column || others.length > 0) return undefined;
  if (column.name === table.rowid) return 'temporary';
  return isText(column.type) ? 'uuid' : undefined;
}

/** TEXT affinity: https://www.sqlite.org/datatype3.html section 3.1. */
const isText = (type: string): boolean => /CHAR|CLOB|TEXT/i.test(type) && !/INT/i.test(type);

/** The columns of a table that hold temporary keys of others, or of its own rows. */
export function referencesOf(spec: SyncedTable, wanted: ProfileTable, table: SourceTable, specs: readonly SyncedTable[]): Pick<TableSpec, 'references'> {
  if (!spec.rights) return {};
  const named = (wanted.references ?? []).flatMap(({ columns: [column, ...others], table: to }) => (column !== undefined && others.length === 0 ? [{ column, table: to, to: undefined }] : []));
  // What the database says of a column counts more than what the profile says.
  const pointers = [...table.pointers, ...named.filter(({ column }) => !table.pointers.some((pointer) => isSame(pointer.column, column)))];
  const references: References[number][] = [];
  for (const pointer of pointers) {
    const column = spec.columns.findIndex(({ name }) => isSame(name, pointer.column));
    const target = specs.find(({ name, newKeys }) => newKeys === 'temporary' && isSame(name, pointer.table));
    const key = target?.columns[target.key[0] ?? -1]?.name ?? '';
    if (target && column >= 0 && isSame(pointer.to ?? key, key)) references.push({ column, table: target.id });
  }
  return references.length > 0 ? { references } : {};
}

const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
