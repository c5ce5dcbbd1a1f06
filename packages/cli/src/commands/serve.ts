import { unwatchFile, watchFile } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock, systemRandom } from '@carryon/hosts/node';
import { CarryonError, toCarryonError } from '@carryon/protocol';
import { startServer, type AuthOptions, type RunningServer } from '@carryon/server';
import { Option, type Command } from 'commander';
import { pino, type Logger } from 'pino';
import { action, newCommand, wholeNumber } from '../command.ts';
import { count, type Output } from '../output.ts';
import { readProfiles } from '../read-profile.ts';

interface Options {
  readonly database: string; readonly profile: readonly string[]; readonly data?: string; readonly port: number; readonly host: string; readonly dev?: boolean;
  readonly jwks?: string; readonly issuer?: string; readonly audience?: string; readonly userClaim?: string; readonly logLevel: string;
}

export const DEFAULT_PORT = 7788;
/** How often profile files are looked at. */
const WATCH_MS = 1000;
/** What was refused for a reason that passes (the database is locked) is tried again. */
const RETRY_MS = 5000;

export function serveCommand(): Command {
  return newCommand('serve', 'the sync server for a business database')
    .requiredOption('--database <file>', 'the business database (SQLite); gets triggers and a few tables, see detach')
    .requiredOption('--profile <file...>', 'who may hold what; see init and profile. Read again when it changes, and at SIGHUP')
    .option('--data <dir>', 'the server\'s own files; default: NAME.carryon beside the database')
    .option('--port <n>', 'port; 0 takes any free one', wholeNumber('--port', 0, 65_535), DEFAULT_PORT)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--dev', 'accept tokens made with "carryon token": for trying things out only')
    .option('--jwks <url>', 'address of the public keys that sign tokens')
    .option('--issuer <text>', 'the issuer that tokens must name')
    .option('--audience <text>', 'the audience that tokens must name')
    .option('--user-claim <name>', 'the claim with the person\'s id (default: sub)')
    .addOption(new Option('--log-level <level>', 'how much the log on stderr says').choices(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'))
    .addHelpText('after', '\nThe secret for HS256 tokens comes from the variable CARRYON_JWT_SECRET (32 characters or more).')
    .action(action(serve));
}

async function serve(out: Output, options: Options): Promise<void> {
  const profiles = readProfiles(options.profile);
  const dataDir = options.data ?? join(dirname(options.database), `${options.database.split(/[\\/]/).at(-1) ?? 'database'}.carryon`);
  const log = pino({ level: options.logLevel }, pino.destination({ fd: 2, sync: true }));
  const signalled = stopSignal();
  const server = await startServer({
    database: options.database, profiles, dataDir, port: options.port, host: options.host, auth: authOptions(options), development: options.dev === true,
    onIngest: ({ table, rows }) => log.debug({ table, rows }, 'reading the business database'),
  }, { clock: systemClock, random: systemRandom, log });
  const names = new Set(profiles.flatMap(({ tables }) => Object.keys(tables)));
  out.result({ url: server.url, dataDir, profile: profiles.map(({ name }) => name).join(', ') });
  out.line(`${server.url} serves ${count(names.size)} tables of ${options.database}`);
  if (options.dev) out.line(`a token to try it: carryon token --data ${dataDir} --user USER`);
  const unwatch = watchProfiles(server, options.profile, log);
  await untilStopped(server, signalled).finally(unwatch);
}

/** Goes over to the profiles as they are now whenever a file changes, and at SIGHUP. A broken one is refused, and the old ones stay. */
function watchProfiles(server: RunningServer, files: readonly string[], log: Logger): () => void {
  let turn = Promise.resolve();
  const reload = async (): Promise<void> => {
    try {
      await server.reload(readProfiles(files));
      log.info({ files }, 'the profiles were read again');
    } catch (thrown) {
      const { code, message, retry } = toCarryonError(thrown);
      log.error({ code }, `The profiles were refused, and the old ones stay. ${message}`);
      if (retry !== 'no') retrial = systemClock.after(RETRY_MS, again);
    }
  };
  let retrial = (): void => undefined;
  const again = (): void => {
    retrial();
    turn = turn.then(reload);
  };
  for (const file of files) watchFile(file, { interval: WATCH_MS }, ({ mtimeMs }, before) => { if (mtimeMs !== before.mtimeMs) again(); });
  process.on('SIGHUP', again);
  return () => {
    for (const file of files) unwatchFile(file);
    process.off('SIGHUP', again);
    retrial();
  };
}

function authOptions(options: Options): AuthOptions {
  const secret = process.env['CARRYON_JWT_SECRET'];
  if (secret !== undefined && secret.length < 32) throw new CarryonError('server.no-keys', 'CARRYON_JWT_SECRET is shorter than 32 characters.');
  if (options.jwks !== undefined && !URL.canParse(options.jwks)) throw new CarryonError('usage', `--jwks must be an address, not "${options.jwks}".`);
  return {
    ...(secret === undefined ? {} : { secret: new TextEncoder().encode(secret) }),
    ...(options.jwks === undefined ? {} : { jwksUrl: options.jwks }), ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
    ...(options.audience === undefined ? {} : { audience: options.audience }), ...(options.userClaim === undefined ? {} : { userClaim: options.userClaim }),
  };
}

/** Resolves at SIGTERM or SIGINT, which from now on do not end the process by themselves. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
}

/** Waits for the signal, then closes the server; a failure that somebody must mend ends it too. */
export async function untilStopped(server: RunningServer, signalled: Promise<void>): Promise<void> {
  try {
    await Promise.race([signalled, server.ended]);
  } finally {
    await server.close();
  }
}
