import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'carryon-lab-';
const folders: string[] = [];

/** A new folder that is gone when this process is; what killed processes left behind is cleared away at the first. */
export function tempFolder(name: string): string {
  if (folders.length === 0) {
    process.once('exit', () => { for (const folder of folders) remove(folder); });
    sweep();
  }
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-${name}-`));
  folders.push(folder);
  return folder;
}

const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true });

function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) remove(join(tmpdir(), name));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
