// npm run bench [-- --quick | --large]
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { benchEdits } from './edits.ts';
import { median, run, start, startServer, type Finished, type Server } from './processes.ts';
import { createWorkOrders, PROFILE } from './work-orders.ts';

const WORK = fileURLToPath(new URL('.work', import.meta.url));
const quick = process.argv.includes('--quick');
/** Beyond the 3,000,000 rows at which Power Apps stops: first sync alone. */
const large = process.argv.includes('--large');
const SIZES = large ? [5_000_000] : quick ? [100_000] : [100_000, 1_000_000];
const ROUNDS = large ? 3 : 5;

interface Plan { readonly packs: readonly { url: string; name: string; codec: string; bytes: number }[]; readonly tables: readonly { id: number }[] }
interface Received { readonly received: number; readonly stepMs: number; readonly longestMs: number }

const say = (text: string): void => console.log(text);
const figure = (name: string, value: string, command: string): void => say(`| ${name} | ${value} | \`${command}\` |`);
const heading = (text: string): void => say(`\n## ${text}\n\n| figure | value | command |\n| --- | --- | --- |`);
const fixed = (value: number, digits = 2): string => value.toFixed(digits);
const fresh = (name: string): string => {
  const path = `${WORK}/${name}`;
  for (const ending of ['', '-wal', '-shm']) rmSync(path + ending, { recursive: true, force: true });
  return path;
};
const sizeOf = (file: string): number => ['', '-wal'].reduce((sum, ending) => sum + (statSync(file + ending, { throwIfNoEntry: false })?.size ?? 0), 0);

async function askPlan(server: Server): Promise<Plan> {
  const response = await fetch(`${server.url}/v1/sync`, {
    method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${server.token}` },
    body: JSON.stringify({ v: 1, device: 'bench', token: null, accept: ['zstd', 'gzip'] }),
  });
  const plan = (await response.text()).split('\n').filter((line) => line.startsWith('{"plan"'))[0];
  return (JSON.parse(plan ?? '{}') as { plan: Plan }).plan;
}

async function buildPacks(server: Server, rows: number): Promise<void> {
  const startMs = performance.now();
  const plan = await askPlan(server);
  const seconds = (performance.now() - startMs) / 1000;
  const bytes = plan.packs.reduce((sum, pack) => sum + pack.bytes, 0);
  figure('packs built, rows/s', `${Math.round(rows / seconds).toLocaleString('en')} (${plan.packs.length} packs, ${fixed(bytes / rows, 0)} B a row)`, 'POST /v1/sync with an empty token, cold');
}

const deviceArgs = (server: Server, folder: string, ...rest: string[]): string[] => [server.url, folder, server.token, ...rest];

/** First sync against the floor, in turns with the order reversed. */
async function firstSync(server: Server, rows: number): Promise<string> {
  const plan = await askPlan(server);
  const floorList = fresh('floor.json');
  const source = new DatabaseSync(`${WORK}/work-orders-${rows}.db`, { readOnly: true });
  const columns = source.prepare("SELECT name, type FROM pragma_table_info('work_orders')").all().map((column) => `${column['name']} ${column['type']}`).join(', ');
  source.close();
  writeFileSync(floorList, JSON.stringify({
    packs: plan.packs.map((pack) => ({ ...pack, url: server.url + pack.url })), table: `t${plan.tables[0]?.id}`, create: `CREATE TABLE local(_rid INTEGER PRIMARY KEY, _ver INTEGER, ${columns})`,
  }));
  const floors: Finished<Received>[] = [];
  const devices: Finished<Received>[] = [];
  const serverCpu: number[] = [];
  const runFloor = async (): Promise<void> => { floors.push(await run<Received>('bench/floor.ts', [floorList, fresh('floor.db')])); };
  const runDevice = async (): Promise<void> => {
    const before = await server.metric('carryon_cpu_seconds');
    devices.push(await run<Received>('bench/device.ts', deviceArgs(server, fresh('device'), 'once')));
    serverCpu.push((await server.metric('carryon_cpu_seconds')) - before);
  };
  for (let round = 0; round < ROUNDS; round++) for (const part of round % 2 === 0 ? [runFloor, runDevice] : [runDevice, runFloor]) await part();
  const of = (list: readonly Finished<Received>[], key: 'wallS' | 'cpuS' | 'rssMb'): number => median(list.map((entry) => entry[key]));
  const command = 'bench/device.ts against bench/floor.ts';
  figure('wall', `${fixed(of(devices, 'wallS'))} s, floor ${fixed(of(floors, 'wallS'))} s: **${fixed(of(devices, 'wallS') / of(floors, 'wallS'))}x**`, command);
  figure('device CPU', `${fixed(of(devices, 'cpuS'))} s, floor ${fixed(of(floors, 'cpuS'))} s: **${fixed(of(devices, 'cpuS') / of(floors, 'cpuS'))}x**`, command);
  figure('peak device memory', `**${fixed(of(devices, 'rssMb'), 0)} MB** (floor ${fixed(of(floors, 'rssMb'), 0)} MB)`, command);
  figure('received', `${fixed((devices[0]?.result.received ?? 0) / 1e6, 1)} MB`, command);
  figure('time without giving way', `longest ${fixed(median(devices.map(({ result }) => result.longestMs)), 0)} ms (the key's index), 99.9 % below ${fixed(median(devices.map(({ result }) => result.stepMs)), 0)} ms`, 'event-loop delay in bench/device.ts');
  figure('server CPU for one more device', `**${fixed(median(serverCpu))} s**`, 'carryon_cpu_seconds of /metrics before and after');
  figure('device database', databaseRatio(rows), 'against the plain table with the same unique index');
  return `${WORK}/device`;
}

function databaseRatio(rows: number): string {
  const plain = fresh('plain.db');
  const db = new DatabaseSync(plain);
  db.exec(`PRAGMA journal_mode = OFF; ATTACH '${WORK}/work-orders-${rows}.db' AS source; CREATE TABLE work_orders AS SELECT * FROM source.work_orders; CREATE UNIQUE INDEX k ON work_orders(id)`);
  db.close();
  const device = sizeOf(`${WORK}/device/carryon.db`);
  return `${fixed(device / 1e6, 1)} MB, plain ${fixed(sizeOf(plain) / 1e6, 1)} MB: **${fixed(device / sizeOf(plain))}x**`;
}

async function noOp(server: Server): Promise<void> {
  const before = await server.metric('carryon_requests_total');
  const runs: Finished<Received>[] = [];
  for (let i = 0; i < ROUNDS; i++) runs.push(await run<Received>('bench/device.ts', deviceArgs(server, `${WORK}/device`, 'once')));
  const requests = ((await server.metric('carryon_requests_total')) - before - 1) / ROUNDS;
  figure('nothing new: whole process', `${fixed(median(runs.map((entry) => entry.wallS)))} s, ${runs[0]?.result.received} B received, ${fixed(requests, 0)} request`, 'bench/device.ts again');
}

function change(rows: number, count: number, seed: number): number {
  const db = new DatabaseSync(`${WORK}/work-orders-${rows}.db`, { timeout: 5000 });
  const step = Math.floor(rows / count);
  db.exec(`BEGIN; UPDATE work_orders SET title = 'changed ${Date.now()} ' || rowid, updated_at = '2026-12-01' WHERE rowid % ${step} = ${seed % step} AND rowid <= ${step * count}; COMMIT`);
  const atMs = Date.now();
  db.close();
  return atMs;
}

async function changedRows(server: Server, rows: number): Promise<void> {
  const runs: Finished<Received>[] = [];
  const serverCpu: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const checkpoint = await server.metric('carryon_checkpoint');
    change(rows, 1000, i + 1);
    while ((await server.metric('carryon_checkpoint')) === checkpoint) await new Promise((resolve) => { setTimeout(resolve, 20); });
    const before = await server.metric('carryon_cpu_seconds');
    runs.push(await run<Received>('bench/device.ts', deviceArgs(server, `${WORK}/device`, 'once')));
    serverCpu.push((await server.metric('carryon_cpu_seconds')) - before);
  }
  figure(`1,000 changed rows of ${rows.toLocaleString('en')}: whole process`, `${fixed(median(runs.map((entry) => entry.wallS)))} s wall, ${fixed(median(runs.map((entry) => entry.cpuS)))} s CPU, ${fixed((runs[0]?.result.received ?? 0) / 1e3, 0)} kB, server CPU ${fixed(median(serverCpu) * 1000, 0)} ms`, 'bench/device.ts after an UPDATE of 1,000 rows');
}

async function latency(server: Server, rows: number): Promise<void> {
  const child = start('bench/device.ts', deviceArgs(server, `${WORK}/device`, 'watch'));
  if (!child.stdout) return;
  const lines = createInterface(child.stdout);
  await new Promise((resolve) => { setTimeout(resolve, 1500); });
  const delays: number[] = [];
  for (let i = 0; i < 30; i++) {
    const seen = once(lines, 'line') as Promise<[string]>;
    const atMs = change(rows, 1, 1000 + i * 37);
    delays.push((JSON.parse((await seen)[0]) as { atMs: number }).atMs - atMs);
    await new Promise((resolve) => { setTimeout(resolve, 100 + i * 7); });
  }
  child.kill('SIGTERM');
  await once(child, 'close');
  figure('changed row to visible on a watching device', `median ${fixed(median(delays), 0)} ms, worst of 30 ${Math.max(...delays)} ms`, 'bench/device.ts … watch');
}

async function killed(server: Server): Promise<void> {
  const plan = await askPlan(server);
  const total = plan.packs.reduce((sum, pack) => sum + pack.bytes, 0);
  const largest = Math.max(...plan.packs.map((pack) => pack.bytes));
  const folder = fresh('killed');
  const victim = start('bench/device.ts', deviceArgs(server, folder, 'once', String(Math.floor(total / 2))));
  const [, signal] = (await once(victim, 'close')) as [number, string];
  const before = await server.metric('carryon_pack_bytes_total');
  await run<Received>('bench/device.ts', deviceArgs(server, folder, 'once'));
  const again = total / 2 + ((await server.metric('carryon_pack_bytes_total')) - before) - total;
  figure(`${signal} at half-way`, `${fixed((Math.max(0, again) / total) * 100, 1)} % of the bytes came again (a pack is ${fixed((largest / total) * 100, 1)} %)`, 'bench/device.ts … once HALF, then once');
}

mkdirSync(WORK, { recursive: true });
const profile = `${WORK}/profile.json`;
writeFileSync(profile, JSON.stringify(PROFILE));
say(`# Benchmark\n\nNode ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}. Medians of ${ROUNDS} fresh processes.`);
for (const rows of SIZES) {
  const database = `${WORK}/work-orders-${rows}.db`;
  if (!existsSync(database)) createWorkOrders(database, rows);
  const startMs = performance.now();
  const server = await startServer(database, profile, fresh(`server-${rows}`));
  heading(`${rows.toLocaleString('en')} rows in one shared scope`);
  figure('database taken in, rows/s', Math.round(rows / ((performance.now() - startMs) / 1000)).toLocaleString('en'), 'carryon serve, from start to /healthz ok');
  try {
    await buildPacks(server, rows);
    await firstSync(server, rows);
    await noOp(server);
    if (large) continue;
    await changedRows(server, rows);
    await latency(server, rows);
    await benchEdits({ server, database, folder: `${WORK}/device`, figure });
    await killed(server);
  } finally {
    await server.stop();
  }
}
