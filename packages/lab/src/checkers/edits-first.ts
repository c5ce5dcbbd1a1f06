import type { Entry } from '../world/trace.ts';
import type { Checker } from './checker.ts';

/** What the details of the entries below hold, each some of it. */
interface Detail {
  readonly id?: number;
  readonly path?: string;
  readonly push?: boolean;
  readonly status?: number;
  readonly bytes?: number;
  readonly how?: string;
  readonly by?: string;
  readonly lease?: string;
}

/** A step that runs may have to end before a question can be asked. */
const TO_ASK_MS = 500;

/**
 * Of what a lease asks for, edits that wait go first: before any download, and before other questions. One question is asked at a time: one that
 * is under way is not broken off.
 */
export function editsFirstChecker(device: string): Checker {
  /** Since when edits that the engine knows of wait. */
  let waitingMs: number | undefined;
  /** The app has written what the engine does not know of yet. */
  let isWritten = false;
  /** The edits were sent under this lease. */
  let isSent = false;
  /** They were, and the server did not take them: other work does not wait for it. */
  let isHeld = false;
  let pushId: number | undefined;
  let questionId: number | undefined;

  const written = (what: string, { how, by }: Detail, atMs: number): void => {
    if (what === 'edit' || (what === 'draft' && how === 'retry')) isWritten = true;
    const isKnown = what === 'noticed' || what === 'start' || what === 'draft' || by === 'engine';
    if (!isKnown || !isWritten) return;
    waitingMs ??= atMs;
    isWritten = false;
    isSent = false;
  };
  const ended = ({ id, status, bytes = 0 }: Detail): void => {
    // Outcomes come first in an answer, which may break off after them.
    if (id === pushId && status === 200 && bytes > 0) waitingMs = undefined;
    else if (id === pushId) isHeld = true;
    if (id === questionId) questionId = undefined;
  };
  const asked = (detail: Detail, atMs: number): string | undefined => {
    const isLate = waitingMs !== undefined && atMs - waitingMs > TO_ASK_MS && !isSent && !isHeld && questionId === undefined;
    if (detail.path === '/v1/sync') questionId = detail.id;
    if (detail.push === true) {
      pushId = detail.id;
      isSent = true;
      return undefined;
    }
    return isLate ? `${detail.path} is asked for although edits wait since ${waitingMs}` : undefined;
  };

  return {
    name: 'edits-first',
    see({ who, what, detail, atMs }: Entry): string | undefined {
      if (who !== device) return undefined;
      const told = (detail ?? {}) as Detail;
      switch (what) {
        case 'edit': case 'draft': case 'noticed': case 'start': written(what, told, atMs); break;
        case 'engine': if (told.lease !== 'run') [isSent, isHeld] = [false, false]; break;
        case 'request-end': ended(told); break;
        case 'request': return asked(told, atMs);
        default:
      }
      return undefined;
    },
  };
}
