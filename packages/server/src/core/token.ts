/** How far a device has read each table. Opaque on the wire and never trusted: it can only make a device miss data. */
export interface Token {
  readonly epoch: string;
  /** Stands for the descriptions of tables that the device was told last; '' for none. */
  readonly specs: string;
  readonly tables: ReadonlyMap<number, TablePosition>;
}

export interface TablePosition {
  /** The device's table equals the scope at this checkpoint. */
  readonly at: number;
  /** The scope that it was read from. */
  readonly scope: number;
  /** The form of the table that the device has. */
  readonly form: string;
  /** In the middle of a round: how far its pages came. */
  readonly page?: PagePosition;
}

export interface PagePosition {
  /** The scope that the round reads; when it is another one, the round takes the table over from there. */
  readonly scope: number;
  readonly seq: number;
  readonly rid: number;
  /** Checkpoint of the round's first page. */
  readonly first: number;
  /** Removals were missed in this round: its commit must carry the live-set. */
  readonly gap?: boolean;
  /** The rows of the former scope that are not in this one were removed. */
  readonly swept?: boolean;
}

const GAP = 1;
const SWEPT = 2;

/** The token as plain data; the HTTP side writes it as base64url. */
export function tokenToText(token: Token): string {
  const tables = [...token.tables].map(([id, { at, scope, form, page }]) => [form, id, at, scope, ...(page ? pageNumbers(page) : [])]);
  return JSON.stringify([token.epoch, token.specs, tables]);
}

const pageNumbers = ({ scope, seq, rid, first, gap, swept }: PagePosition): number[] => [scope, seq, rid, first, (gap ? GAP : 0) + (swept ? SWEPT : 0)];

/** Undefined when the text is no token. One of before scopes were named counts as a token of no tables. */
export function tokenFromText(text: string): Token | undefined {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(data) || typeof data[0] !== 'string') return undefined;
  const [epoch, specs, entries] = data as [string, unknown, unknown];
  if (data.length === 2 && isOldTables(specs)) return { epoch, specs: '', tables: new Map() };
  if (typeof specs !== 'string' || !Array.isArray(entries)) return undefined;
  const tables = entries.map(readPosition);
  return tables.every((table) => table !== undefined) ? { epoch, specs, tables: new Map(tables) } : undefined;
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const isOldTables = (tables: unknown): boolean =>
  Array.isArray(tables) && tables.every((entry) => Array.isArray(entry) && entry.length >= 2 && entry.every(isWhole));

function readPosition(entry: unknown): [number, TablePosition] | undefined {
  if (!Array.isArray(entry) || typeof entry[0] !== 'string' || !entry.slice(1).every(isWhole)) return undefined;
  const [form, ...numbers] = entry as [string, ...number[]];
  const [id, at, scope, pageScope, seq, rid, first, flags] = numbers;
  if (id === undefined || at === undefined || scope === undefined) return undefined;
  if (numbers.length === 3) return [id, { at, scope, form }];
  if (pageScope === undefined || seq === undefined || rid === undefined || first === undefined || flags === undefined || numbers.length > 8) return undefined;
  const marks = { ...((flags & GAP) > 0 ? { gap: true } : {}), ...((flags & SWEPT) > 0 ? { swept: true } : {}) };
  return [id, { at, scope, form, page: { scope: pageScope, seq, rid, first, ...marks } }];
}

/** A copy of the token in which some tables have new positions. */
export function moveToken(token: Token, moved: Iterable<readonly [number, TablePosition]>): Token {
  return { ...token, tables: new Map([...token.tables, ...moved]) };
}
