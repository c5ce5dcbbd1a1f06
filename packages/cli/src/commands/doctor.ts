import { existsSync, mkdirSync, statfsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import zlib from 'node:zlib';
import { deviceFile, nodeNet, systemClock } from '@carryon/hosts/node';
import { toCarryonError } from '@carryon/protocol';
import type { Command } from 'commander';
import { action, isHttpUrl, newCommand } from '../command.ts';
import { waitingWords } from '../edits.ts';
import { bytes, counted, type Output } from '../output.ts';
import { storedEdits } from '../sync-edits.ts';

interface Options { readonly server?: string; readonly folder: string }
interface Check { readonly name: string; readonly state: 'ok' | 'note' | 'fail'; readonly detail: string }

const LOW_DISK_BYTES = 1e9;
const ANSWER_MS = 10_000;

export function doctorCommand(): Command {
  return newCommand('doctor', 'check what a device or a server needs on this machine')
    .option('--folder <dir>', 'check the disk that this folder is on, and what waits in it when it is a device\'s', '.')
    .option('--server <url>', 'check whether this server can be reached')
    .action(action(doctor));
}

async function doctor(out: Output, options: Options): Promise<number> {
  const checks = [runtime(), ...sqlite(), compression(), disk(options.folder), ...(await edits(options.folder)), ...(options.server === undefined ? [] : await server(options.server))];
  out.result({ checks });
  for (const check of checks) out.line(`${{ ok: '✓', note: '!', fail: '✗' }[check.state]} ${check.name.padEnd(14)} ${check.detail}`);
  return checks.some((check) => check.state === 'fail') ? 1 : 0;
}

function runtime(): Check {
  return { name: 'Node.js', state: 'ok', detail: `${process.versions.node} at ${process.execPath}` };
}

const FEATURES: readonly (readonly [string, string])[] = [
  ['upsert', 'CREATE TEMP TABLE u(a PRIMARY KEY, b); INSERT INTO u VALUES(1, 2) ON CONFLICT(a) DO UPDATE SET b = 3 RETURNING b'],
  ['row values', 'SELECT (1, 2) > (1, 1)'],
  ['JSON', "SELECT '{\"a\":1}' ->> '$.a'"],
  ['octet_length', "SELECT octet_length('a')"],
  ['full text', 'CREATE VIRTUAL TABLE temp.f USING fts5(a)'],
];

function sqlite(): Check[] {
  const db = new DatabaseSync(':memory:');
  const version = String(db.prepare('SELECT sqlite_version() AS v').get()?.['v']);
  const missing = FEATURES.filter(([, sql]) => {
    try {
      db.exec(sql);
      return false;
    } catch {
      return true;
    }
  }).map(([name]) => name);
  db.close();
  return [missing.length === 0
    ? { name: 'SQLite', state: 'ok', detail: `${version} with ${FEATURES.map(([name]) => name).join(', ')}` }
    : { name: 'SQLite', state: 'fail', detail: `${version} lacks ${missing.join(', ')}: install a current Node.js` }];
}

function compression(): Check {
  return typeof zlib.createZstdDecompress === 'function'
    ? { name: 'compression', state: 'ok', detail: 'zstd and gzip' }
    : { name: 'compression', state: 'note', detail: 'gzip only: downloads are about a tenth larger' };
}

function disk(folder: string): Check {
  try {
    mkdirSync(folder, { recursive: true });
    const { bavail, bsize } = statfsSync(folder);
    const free = bavail * bsize;
    return { name: 'disk', state: free < LOW_DISK_BYTES ? 'note' : 'ok', detail: `${bytes(free)} free at ${folder}` };
  } catch (error) {
    return { name: 'disk', state: 'fail', detail: `${folder} cannot be used: ${toCarryonError(error).message}` };
  }
}

/** Of a device's folder: what waits in it. */
async function edits(folder: string): Promise<Check[]> {
  if (!existsSync(deviceFile(folder))) return [];
  const stored = await storedEdits(folder);
  const waiting = stored.records > 0 ? waitingWords(stored) : 'no edit waits for the server';
  if (stored.drafts === 0) return [{ name: 'edits', state: 'ok', detail: waiting }];
  return [{ name: 'edits', state: 'note', detail: `${waiting}; ${counted(stored.drafts, 'refused edit waits', 'refused edits wait')} for your decision: carryon errors ${folder}` }];
}

async function server(url: string): Promise<Check[]> {
  if (!isHttpUrl(url)) return [{ name: 'server', state: 'fail', detail: `"${url}" is not an http or https address` }];
  try {
    const response = await nodeNet.request({ method: 'GET', url: new URL('healthz', url.endsWith('/') ? url : `${url}/`).href, headers: {}, signal: AbortSignal.timeout(ANSWER_MS) });
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.body) chunks.push(chunk);
    const health = JSON.parse(Buffer.concat(chunks).toString()) as { status?: string; code?: string; checkpoint?: number; nowMs?: number };
    if (health.status === undefined) throw new Error('what answered is not a Carryon server');
    const skewS = Math.round((systemClock.nowMs() - (health.nowMs ?? 0)) / 1000);
    return [
      { name: 'server', state: health.status === 'ok' ? 'ok' : 'note', detail: `${url} is ${health.status}${health.code === undefined ? '' : ` (${health.code})`}, checkpoint ${health.checkpoint}` },
      { name: 'clock', state: Math.abs(skewS) > 300 ? 'note' : 'ok', detail: `${Math.abs(skewS)} s ${skewS < 0 ? 'behind' : 'ahead of'} the server's` },
    ];
  } catch (error) {
    return [{ name: 'server', state: 'fail', detail: `${url}: ${toCarryonError(error).message}` }];
  }
}
