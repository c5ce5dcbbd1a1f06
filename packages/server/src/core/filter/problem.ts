import { CarryonError } from '@carryon/protocol';

/** So much of a long line is shown, with the character in question about in its middle. */
const SHOWN = 100;

/** An error of a filter that points at the character. The place says where the filter stands. */
export function filterProblem(place: string, text: string, at: number, what: string): CarryonError {
  const lineStart = text.lastIndexOf('\n', at - 1) + 1;
  const [line = ''] = text.slice(lineStart).split('\n', 1);
  const from = at - lineStart > SHOWN / 2 && line.length > SHOWN ? at - lineStart - SHOWN / 2 : 0;
  const before = from > 0 ? '…' : '';
  const shown = line.slice(from, from + SHOWN).replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');
  const after = from + SHOWN < line.length ? '…' : '';
  const caret = ' '.repeat([...before + shown.slice(0, at - lineStart - from)].length);
  return new CarryonError('profile.invalid', `${place}: ${what} here:\n  ${before}${shown}${after}\n  ${caret}^`);
}
