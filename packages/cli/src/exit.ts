import type { CarryonError } from '@carryon/protocol';

/** The exit codes, as `carryon --help` lists them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, later: 3, auth: 4, device: 5 } as const;

/** The exit code of work that a signal ended at rest, as shells know it. */
export const signalExit = (signal: string): number => (signal === 'SIGINT' ? 130 : 143);

export const EXIT_HELP = `
Exit codes: 0 done · 1 failed · 2 wrong use or wrong input · 3 not possible now (server, network): try again
            4 the token is refused · 5 the device cannot go on (disk, lock, damaged file) · 130, 143 interrupted; nothing is lost`;

export function exitCode(error: CarryonError): number {
  const [area] = error.code.split('.');
  if (area === 'auth') return EXIT.auth;
  if (error.code === 'device.not-a-device' || error.code === 'device.other-server') return EXIT.usage;
  if (error.code === 'device.not-usable') return EXIT.later;
  if (error.code === 'device.pending-edits') return EXIT.failed;
  if (area === 'device') return EXIT.device;
  if (['usage', 'sql', 'profile', 'file', 'runtime'].includes(area ?? '')) return EXIT.usage;
  if (['source.not-found', 'source.not-sqlite', 'server.no-keys', 'server.not-carryon', 'server.data-foreign'].includes(error.code)) return EXIT.usage;
  return error.retry === 'no' ? EXIT.failed : EXIT.later;
}
