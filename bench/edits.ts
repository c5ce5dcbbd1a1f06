import { once } from 'node:events';
import { DatabaseSync } from 'node:sqlite';
import { openEdits } from '@carryon/hosts/node';
import { median, run, start, type Finished, type Server } from './processes.ts';

const EDITS = 1000;
const ROUNDS = 5;
const LATENCIES = 30;

interface Sent { readonly received: number; readonly sent: number }
type Figure = (name: string, value: string, command: string) => void;

export interface EditBench {
  readonly server: Server;
  readonly database: string;
  readonly folder: string;
  readonly figure: Figure;
}

const fixed = (value: number, digits = 2): string => value.toFixed(digits);
const deviceFile = (folder: string): string => `${folder}/carryon.db`;

/** Changes so many rows on the device, each in a transaction of its own or all in one. */
async function editOffline(folder: string, round: number, apart: boolean): Promise<void> {
  const { edits, close } = await openEdits(folder);
  const db = new DatabaseSync(deviceFile(folder), { readOnly: true });
  const ids = db.prepare('SELECT id FROM work_orders WHERE _rid > 0 ORDER BY _rid LIMIT ? OFFSET ?').all(EDITS, round * EDITS).map(({ id }) => String(id));
  db.close();
  const change = (id: string): Parameters<typeof edits.write>[0] => async (tx) => { await tx.update('work_orders', [id], { status: 'completed', title: `done in round ${round}` }); };
  if (apart) for (const id of ids) await edits.write(change(id));
  else await edits.write(async (tx) => { for (const id of ids) await change(id)(tx); });
  await close();
}

/** Edits made while offline, sent by a process of its own: the whole of it, with the answer taken in. */
async function upload({ server, folder, figure }: EditBench, apart: boolean): Promise<void> {
  const runs: Finished<Sent>[] = [];
  const serverCpu: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await editOffline(folder, round + (apart ? 0 : ROUNDS), apart);
    const before = await server.metric('carryon_cpu_seconds');
    runs.push(await run<Sent>('bench/device.ts', [server.url, folder, server.token, 'once']));
    serverCpu.push((await server.metric('carryon_cpu_seconds')) - before);
  }
  const of = (key: 'wallS' | 'cpuS'): number => median(runs.map((entry) => entry[key]));
  const name = `${EDITS.toLocaleString('en')} offline edits sent, ${apart ? 'a transaction each' : 'one transaction'}: whole process`;
  figure(name, `**${fixed(of('wallS'))} s** wall, ${fixed(of('cpuS'))} s CPU, ${fixed((runs[0]?.result.sent ?? 0) / 1e3, 0)} kB sent, ${fixed((runs[0]?.result.received ?? 0) / 1e3, 0)} kB received, server CPU ${fixed(median(serverCpu) * 1000, 0)} ms`, 'bench/device.ts after edits');
}

/** From an UPDATE by another connection on the device to the row in the business database. */
async function latency({ server, database, folder, figure }: EditBench): Promise<void> {
  const child = start('bench/device.ts', [server.url, folder, server.token, 'watch']);
  await new Promise((resolve) => { setTimeout(resolve, 1500); });
  const device = new DatabaseSync(deviceFile(folder), { timeout: 5000 });
  const business = new DatabaseSync(database, { readOnly: true, timeout: 5000 });
  const { id } = device.prepare('SELECT id FROM work_orders WHERE _rid > 0 ORDER BY _rid DESC LIMIT 1').get() as { id: string };
  const write = device.prepare('UPDATE work_orders SET title = ? WHERE id = ?');
  const read = business.prepare('SELECT title FROM work_orders WHERE id = ?');
  const delays: number[] = [];
  for (let i = 0; i < LATENCIES; i++) {
    const title = `edit ${i}`;
    const startMs = performance.now();
    write.run(title, id);
    while ((read.get(id) as { title: string }).title !== title) await new Promise((resolve) => { setTimeout(resolve, 1); });
    delays.push(performance.now() - startMs);
    await new Promise((resolve) => { setTimeout(resolve, 100 + i * 7); });
  }
  device.close();
  business.close();
  child.kill('SIGTERM');
  await once(child, 'close');
  figure('plain SQL edit on the device to the business database, online', `median ${fixed(median(delays), 0)} ms, worst of ${LATENCIES} ${fixed(Math.max(...delays), 0)} ms`, 'bench/device.ts … watch, UPDATE by another connection');
}

/** What the capture triggers cost: the same statements on the synced table and on a plain copy of it. */
function triggers({ folder, figure }: EditBench): void {
  const db = new DatabaseSync(deviceFile(folder));
  db.exec('PRAGMA synchronous = NORMAL; CREATE TEMP TABLE plain AS SELECT * FROM work_orders WHERE _rid > 0; CREATE UNIQUE INDEX temp.plain_key ON plain(id)');
  const ids = db.prepare('SELECT id FROM plain LIMIT 10000 OFFSET 20000').all().map(({ id }) => String(id));
  const perWrite = (table: string): number => median(Array.from({ length: ROUNDS }, (_, round) => {
    const update = db.prepare(`UPDATE ${table} SET title = ? WHERE id = ?`);
    db.exec('BEGIN');
    const startMs = performance.now();
    for (const id of ids) update.run(`cost ${round}`, id);
    const tookMs = performance.now() - startMs;
    // Nothing of it is to be sent.
    db.exec('ROLLBACK');
    return (tookMs / ids.length) * 1000;
  }));
  const [plain, captured] = [perWrite('plain'), perWrite('work_orders')];
  db.close();
  figure('one-row UPDATE on the device, inside a transaction', `${fixed(captured, 1)} µs with capture, ${fixed(plain, 1)} µs without: **${fixed(captured / plain, 1)}x**`, 'bench/edits.ts, 10,000 updates each');
}

export async function benchEdits(bench: EditBench): Promise<void> {
  await upload(bench, true);
  await upload(bench, false);
  await latency(bench);
  triggers(bench);
}
