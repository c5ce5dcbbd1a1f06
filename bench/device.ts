// One device process: node --conditions=@carryon/source bench/device.ts URL FOLDER TOKEN once|watch [KILL_AT_BYTES]
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openDevice } from '@carryon/hosts/node';
import { ownCost } from './processes.ts';

const [url = '', folder = '', token = '', mode = 'once', killAt = ''] = process.argv.slice(2);
// A step holds the event loop: its delay shows how long steps are.
const steps = monitorEventLoopDelay({ resolution: 1 });
steps.enable();
const { engine, close } = await openDevice({ folder, serverUrl: url, credentials: async () => token, config: { mode: mode === 'watch' ? 'watch' : 'once' } });
if (killAt !== '') {
  engine.subscribe(() => {
    if (engine.received >= Number(killAt)) process.kill(process.pid, 'SIGKILL');
  });
}
if (mode === 'watch') engine.onCommit((committed) => console.log(JSON.stringify({ atMs: Date.now(), ...committed })));
await engine.run();
await close();
console.log(JSON.stringify({ received: engine.received, sent: engine.sent, stepMs: steps.percentile(99.9) / 1e6, longestMs: steps.max / 1e6, ...ownCost() }));
