import type { Durable } from '../core/event.ts';
import type { Pack } from '../core/state.ts';
import type { Sqlite } from '../ports/sqlite.ts';
import { readOutbox } from './outbox/read.ts';
import { getMeta, readTables } from './schema.ts';

const textOf = (value: string | number | undefined): string | undefined => (value === undefined ? undefined : String(value));

/** What the database holds for the engine. */
export async function readDurable(db: Sqlite): Promise<Durable> {
  const packs = await db.all<{ spec: string; applied: number }>('SELECT spec, applied FROM _carryon_pack ORDER BY position');
  return {
    device: String(await getMeta(db, 'device')),
    epoch: textOf(await getMeta(db, 'epoch')),
    user: textOf(await getMeta(db, 'user')),
    token: textOf(await getMeta(db, 'token')) ?? null,
    tables: await readTables(db),
    packs: packs.map((row): Pack => ({ ...(JSON.parse(row.spec) as Pack), stage: row.applied === 1 ? 'applied' : 'wanted', verified: false, wrong: 0, own: false, handed: 0 })),
    outbox: await readOutbox(db),
  };
}
