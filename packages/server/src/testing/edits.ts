import type { Change, Changeset, Outcome, Push, TableSpec } from '@carryon/protocol';
import { sharesOf } from '../core/entitle.ts';
import type { Claims, Person, ScopeKey, Storage, SyncErrorRow, Upload, Uploaded } from '../ports/storage.ts';

type Wire = unknown;
/** A change with names in the place of positions; values as on the wire. */
export type NamedChange =
  | { readonly insert: string; readonly key: readonly Wire[]; readonly set?: Readonly<Record<string, Wire>> }
  | { readonly update: string; readonly key: readonly Wire[]; readonly set: Readonly<Record<string, readonly [old: Wire, value: Wire]>>; readonly base?: Readonly<Record<string, Wire>> }
  | { readonly delete: string; readonly key: readonly Wire[]; readonly base?: Readonly<Record<string, Wire>> };

/** Changesets from `first` on, as a device would send them. */
export function pushOf(tables: readonly TableSpec[], changesets: readonly (readonly NamedChange[])[], options: { first?: number; known?: number; lost?: number } = {}): Push {
  const { first = 1, known = 0, lost } = options;
  return {
    known, ...(lost === undefined ? {} : { lost }),
    tables: tables.map(({ name, columns, key }) => ({ name, columns: columns.map((column) => column.name), key })),
    changesets: changesets.map((changes, i): Changeset => ({ seq: first + i, changes: changes.map((one) => toChange(one, tables)) })),
  };
}

function toChange(named: NamedChange, tables: readonly TableSpec[]): Change {
  const name = 'insert' in named ? named.insert : 'update' in named ? named.update : named.delete;
  const table = tables.findIndex((one) => one.name === name);
  const column = (wanted: string): number => tables[table]?.columns.findIndex((one) => one.name === wanted) ?? -1;
  const list = (record: Readonly<Record<string, Wire>>): [number, Wire][] => Object.entries(record).map(([key, value]) => [column(key), value]);
  const base = 'base' in named && named.base ? { base: list(named.base) } : {};
  if ('insert' in named) return { op: 'insert', table, key: named.key, set: list(named.set ?? {}) };
  if ('delete' in named) return { op: 'delete', table, key: named.key, ...base };
  return { op: 'update', table, key: named.key, set: Object.entries(named.set).map(([key, [old, value]]) => [column(key), old, value]), ...base };
}

/** The scope of each table that the person has, by its name. */
export async function scopesOf(storage: Storage, user: string): Promise<Map<string, ScopeKey>> {
  return storage.read((snapshot) => new Map(sharesOf(snapshot, { user, claims: {} }).map(({ table, scope }) => [table.name, scope])));
}

/** Makes the person's scopes, as the first answer to them would. */
export async function activateAll(storage: Storage, user: string, nowMs = 1): Promise<void> {
  const person: Person = { user, claims: {} };
  await storage.activate(person, [...(await scopesOf(storage, user)).values()], nowMs);
}

/** A device that only sends edits. It numbers its changesets itself. */
export class EditingDevice {
  readonly #storage: Storage;
  readonly #tables: readonly TableSpec[];
  readonly user: string;
  readonly device: string;
  readonly claims: Claims = {};
  #next = 1;
  #nowMs = 5_000_000;

  constructor(storage: Storage, tables: readonly TableSpec[], user = 'ann', device = 'phone') {
    this.#storage = storage;
    this.#tables = tables;
    this.user = user;
    this.device = device;
  }

  /** Sends each list of changes as a changeset, all in one push. */
  async send(...changesets: readonly (readonly NamedChange[])[]): Promise<Uploaded> {
    const first = this.#next;
    this.#next += changesets.length;
    return this.#storage.upload(this.upload(pushOf(this.#tables, changesets, { first, known: first - 1 })));
  }

  /** Sends one changeset; gives its outcome. */
  async one(...changes: readonly NamedChange[]): Promise<Outcome | undefined> {
    return (await this.send(changes)).outcomes.at(-1);
  }

  /** Sends one changeset; gives the code that it was refused with, or 'ok'. */
  async code(...changes: readonly NamedChange[]): Promise<string> {
    return (await this.one(...changes))?.refused?.code ?? 'ok';
  }

  upload(push: Push): Upload {
    return { user: this.user, claims: this.claims, device: this.device, push, nowMs: ++this.#nowMs };
  }

  async errors(): Promise<SyncErrorRow[]> {
    return this.#storage.errors(this.user, 100);
  }
}
