/** How far a device has read each table. Opaque on the wire and never trusted: it can only make a device miss data. */
export interface Token {
  readonly epoch: string;
  readonly tables: ReadonlyMap<number, TablePosition>;
}

export interface TablePosition {
  /** The device's table equals its share at this checkpoint. */
  readonly at: number;
  /** In the middle of a round: how far its pages came. */
  readonly page?: PagePosition;
}

export interface PagePosition {
  readonly seq: number;
  readonly rid: number;
  /** Checkpoint of the round's first page. */
  readonly first: number;
  /** Tombstones were missed in this round: its commit must carry the live-set. */
  readonly gap?: boolean;
}

/** The token as plain data; the HTTP side writes it as base64url. */
export function tokenToText(token: Token): string {
  const tables = [...token.tables].map(([id, { at, page }]) => (page ? [id, at, page.seq, page.rid, page.first, page.gap ? 1 : 0] : [id, at]));
  return JSON.stringify([token.epoch, tables]);
}

/** Undefined when the text is not a token of this version. */
export function tokenFromText(text: string): Token | undefined {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(data) || typeof data[0] !== 'string' || !Array.isArray(data[1])) return undefined;
  const tables = new Map<number, TablePosition>();
  for (const entry of data[1] as unknown[]) {
    if (!Array.isArray(entry) || !entry.every((n) => Number.isSafeInteger(n) && (n as number) >= 0)) return undefined;
    const [id, at, seq, rid, first, gap] = entry as number[];
    if (id === undefined || at === undefined) return undefined;
    if (seq === undefined) tables.set(id, { at });
    else if (rid !== undefined && first !== undefined) tables.set(id, { at, page: { seq, rid, first, ...(gap === 1 ? { gap: true } : {}) } });
    else return undefined;
  }
  return { epoch: data[0], tables };
}

/** A copy of the token in which some tables have new positions. */
export function moveToken(token: Token, moved: Iterable<readonly [number, TablePosition]>): Token {
  return { epoch: token.epoch, tables: new Map([...token.tables, ...moved]) };
}

/**
 * The checkpoint up to which a table has missed no tombstone. A position inside a checkpoint counts as the one before;
 * a table read from nothing cannot miss rows that died before its first page.
 */
export function lowerBound(position: TablePosition): number {
  const read = position.page ? Math.max(position.at, position.page.seq - 1) : position.at;
  return position.at === 0 && position.page ? Math.max(read, position.page.first) : read;
}
