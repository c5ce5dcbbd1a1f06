// A process of one of several apps on a device: says what it sees, one JSON object to a line, and does what it is told.
import { createInterface } from 'node:readline';
import { openShared } from '../node/shared.ts';

const [folder = '', serverUrl = '', sql = ''] = process.argv.slice(2);
const say = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`);

const device = await openShared({ folder, serverUrl, credentials: async () => 'token' });
const tell = (): void => {
  const { state, tables, edits } = device.status();
  say({ role: device.role, state, usable: tables.filter(({ usable }) => usable).length, records: edits.records });
};
device.subscribe(tell);
device.onChange(({ origin }) => say({ changed: origin }));
device.live<object>({ sql, onRows: (rows) => say({ rows }), onError: () => undefined });
tell();

createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'close') void device.close();
  else if (line === 'sync') say({ refused: refusalOf(() => device.syncNow()) });
  else void device.edits.write((edits) => edits.sql(line)).then(() => say({ written: line }), (thrown: unknown) => say({ failed: String(thrown) }));
});

function refusalOf(work: () => void): unknown {
  try {
    work();
    return null;
  } catch (thrown) {
    return (thrown as { code?: string }).code;
  }
}

await device.run().catch((thrown: unknown) => say({ failed: String(thrown) }));
process.exit(0);
