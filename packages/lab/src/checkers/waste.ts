import type { Entry } from '../world/trace.ts';
import type { Checker } from './checker.ts';

interface Detail { readonly id: number; readonly path?: string; readonly range?: string; readonly status?: number; readonly bytes?: number; readonly how?: string }

/**
 * What came of a pack is not thrown away: after a download by the engine broke off, the next one goes on by Range, in the
 * next process too. Bytes count no more after a new plan, after a loss of power, and when the pack was whole,
 * was another's page, or met a full disk.
 */
export function wasteChecker(device: string): Checker {
  const open = new Map<number, string>();
  const kept = new Map<string, number>();
  let isPortal = false;
  let isFull = false;
  let isLost = false;
  const ended = ({ id, status, bytes = 0, how }: Detail): void => {
    const path = open.get(id);
    open.delete(id);
    if (path === undefined || isPortal || isFull || (status !== 200 && status !== 206)) return;
    kept.set(path, how === 'whole' ? 0 : (kept.get(path) ?? 0) + bytes);
  };
  return {
    name: 'waste',
    see({ who, what, detail }: Entry): string | undefined {
      if (who !== device) return undefined;
      if (what === 'link') isPortal ||= detail === 'portal';
      if (what === 'disk') isFull = detail === 'full';
      // The process's end is told after the loss.
      if (what === 'power-loss') isLost = true;
      if ((what === 'start' && isLost) || (what === 'journal' && detail === 'plan')) kept.clear();
      if (what === 'start') isLost = false;
      if (what === 'request-end') ended(detail as unknown as Detail);
      const { id, path, range } = (what === 'request' ? detail : {}) as unknown as Detail;
      if (path?.startsWith('pack ') !== true) return undefined;
      open.set(id, path);
      const bytes = kept.get(path) ?? 0;
      return bytes > 0 && range === undefined ? `${path} is asked for from its first byte although ${bytes} bytes of it are there` : undefined;
    },
  };
}
