import type { Draft, Engine, StoredEdits } from '@carryon/client';
import { countSent, readDevice } from '@carryon/hosts/node';
import { withEdits } from './edits.ts';

/** How a person's own edits fared in a sync. */
export interface SyncedEdits {
  /** Transactions that the server has accepted or refused. */
  readonly sent: number;
  /** Those of them that it refused. */
  readonly refused: readonly Draft[];
  /** Rows that still wait for it. */
  readonly waiting: number;
}

const NONE: StoredEdits = { records: 0, operations: 0, drafts: 0, answered: 0, gone: 0, left: [] };

/** What a folder holds of edits. Where nothing can be read there are none: what is wrong is the sync's to say. */
export async function storedEdits(folder: string): Promise<StoredEdits> {
  return readDevice(folder).then(({ edits }) => edits, () => NONE);
}

/** What became of the edits since the transaction of that number. */
export async function editsSince(folder: string, answered: number): Promise<SyncedEdits> {
  const now = await storedEdits(folder);
  const sent = now.answered > answered ? await countSent(folder, answered) : 0;
  const refused = now.drafts > 0 ? await withEdits(folder, (edits) => edits.drafts()) : [];
  return { sent, refused: refused.filter(({ seq }) => seq > answered), waiting: now.records };
}

/** Tells of each edit that is refused after the transaction of that number. */
export function tellRefused(engine: Engine, after: number, onRefused: (draft: Draft) => void): void {
  let known = 0;
  let told = after;
  engine.subscribe(() => {
    const { drafts } = engine.status().edits;
    const isMore = drafts > known;
    known = drafts;
    if (!isMore) return;
    void engine.edits.drafts().then((all) => {
      for (const draft of all.filter(({ seq }) => seq > told)) onRefused(draft);
      told = Math.max(told, ...all.map(({ seq }) => seq));
    }, () => undefined);
  });
}
