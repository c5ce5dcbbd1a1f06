import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Sources are TypeScript: what Node makes of them is cached, as an installed package would come ready-made. */
const CACHE = { NODE_COMPILE_CACHE: `${root}bench/.work/compile-cache` };
const NODE = ['--conditions=@carryon/source', '--disable-warning=ExperimentalWarning'];

/** What a finished process took, by the operating system's own account. */
export interface Cost {
  readonly wallS: number;
  readonly cpuS: number;
  readonly rssMb: number;
}

export interface Finished<T> extends Cost {
  readonly result: T;
}

export function start(script: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [...NODE, `${root}${script}`, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...CACHE, ...env } });
}

/** Runs a script whose last line is JSON with its own cpuS and rssMb; wall time is from spawn to exit. */
export async function run<T>(script: string, args: readonly string[]): Promise<Finished<T>> {
  const startMs = performance.now();
  const child = start(script, args);
  let last = '';
  if (child.stdout) createInterface(child.stdout).on('line', (line) => { last = line; });
  const [code] = (await once(child, 'close')) as [number];
  const wallS = (performance.now() - startMs) / 1000;
  if (code !== 0) throw new Error(`${script} ended with ${code}`);
  const { cpuS, rssMb, ...result } = JSON.parse(last) as Cost & T;
  return { wallS, cpuS, rssMb, result: result as T };
}

/** To be printed by a script as its last line. */
export function ownCost(): { cpuS: number; rssMb: number } {
  const usage = process.resourceUsage();
  return { cpuS: (usage.userCPUTime + usage.systemCPUTime) / 1e6, rssMb: usage.maxRSS / 1024 };
}

export interface Server {
  readonly url: string;
  readonly token: string;
  readonly pid: number;
  /** The value of a metric. */
  metric(name: string): Promise<number>;
  stop(): Promise<void>;
}

export async function startServer(database: string, profile: string, data: string): Promise<Server> {
  const child = start('packages/cli/bin/carryon.js', ['serve', '--database', database, '--profile', profile, '--data', data, '--port', '0', '--dev', '--json', '--log-level', 'warn']);
  if (!child.stdout) throw new Error('no output');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const { url } = JSON.parse(line) as { url: string };
  while ((((await (await fetch(`${url}/healthz`)).json()) as { checkpoint: number }).checkpoint) === 0) await new Promise((resolve) => { setTimeout(resolve, 50); });
  const { token } = (await run<{ token: string }>('bench/token.ts', [data])).result;
  return {
    url, token, pid: child.pid ?? 0,
    async metric(name) {
      const text = await (await fetch(`${url}/metrics`)).text();
      return text.split('\n').filter((metric) => metric.startsWith(`${name} `) || metric.startsWith(`${name}{`)).reduce((sum, metric) => sum + Number(metric.split(' ').at(-1)), 0);
    },
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'close');
    },
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
