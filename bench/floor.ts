// The floor: node bench/floor.ts LIST FILE. LIST is a JSON file: {packs: [{url, name, codec}], sql}. Receives the same bytes over loopback,
// hashes, decompresses, attaches, inserts and builds the key's index; nothing else, one after another.
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { ownCost } from './processes.ts';

const [listFile = '', file = ''] = process.argv.slice(2);
const list = JSON.parse(readFileSync(listFile, 'utf8')) as { packs: { url: string; name: string; codec: string }[]; create: string; table: string };

function receive(url: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks))).on('error', reject);
    }).on('error', reject);
  });
}

const db = new DatabaseSync(file);
db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${list.create}`);
let received = 0;
for (const pack of list.packs) {
  const bytes = await receive(pack.url);
  received += bytes.length;
  if (createHash('sha256').update(bytes).digest('hex') !== pack.name) throw new Error('wrong bytes');
  writeFileSync(`${file}.pack`, pack.codec === 'zstd' ? zstdDecompressSync(bytes) : gunzipSync(bytes));
  db.exec(`ATTACH '${file}.pack' AS pack; BEGIN; INSERT INTO main.local SELECT * FROM pack.${list.table}; COMMIT; DETACH pack`);
}
rmSync(`${file}.pack`);
db.exec('CREATE UNIQUE INDEX local_key ON local(id)');
db.close();
console.log(JSON.stringify({ received, ...ownCost() }));
