import { filterProblem } from './problem.ts';

/** `word` is a bare name or keyword, `name` a quoted name; the text of `name` and `string` is without quotes. */
export type TokenKind = 'word' | 'name' | 'string' | 'number' | 'guid' | 'time' | '(' | ')' | ',' | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Offset of its first character. */
  readonly at: number;
}

/** A guid and a time begin like numbers and names, so they are tried first; none may go on as another. */
const FORMS: readonly (readonly [TokenKind, RegExp])[] = [
  ['guid', /[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![\p{L}\p{N}_-])/uy],
  ['time', /\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?(?![\p{L}\p{N}_:.-])/uy],
  ['number', /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\p{L}\p{N}_.:-])/uy],
  ['word', /[\p{L}_][\p{L}\p{M}\p{N}_]*/uy],
  ['string', /'(?:[^']|'')*'(?!')/uy],
  ['name', /"(?:[^"]|"")+"(?!")/uy],
  ['(', /\(/uy],
  [')', /\)/uy],
  [',', /,/uy],
];

const SPACE = /[ \t\r\n]*/uy;

/** Cuts a filter into tokens, with one for its end. Throws `profile.invalid` at the first character that begins none. */
export function tokensOf(text: string, place: string): Token[] {
  const tokens: Token[] = [];
  for (let at = skipSpace(text, 0); at < text.length;) {
    const token = tokenAt(text, at);
    if (!token) throw filterProblem(place, text, at, whyNone(text.slice(at)));
    tokens.push({ kind: token.kind, text: unquoted(token.kind, token.written), at });
    at = skipSpace(text, at + token.written.length);
  }
  return [...tokens, { kind: 'end', text: '', at: text.trimEnd().length }];
}

function tokenAt(text: string, at: number): { kind: TokenKind; written: string } | undefined {
  for (const [kind, form] of FORMS) {
    form.lastIndex = at;
    const [written] = form.exec(text) ?? [];
    if (written !== undefined) return { kind, written };
  }
  return undefined;
}

function skipSpace(text: string, at: number): number {
  SPACE.lastIndex = at;
  return at + (SPACE.exec(text)?.[0].length ?? 0);
}

function unquoted(kind: TokenKind, written: string): string {
  if (kind === 'string') return written.slice(1, -1).replaceAll("''", "'");
  return kind === 'name' ? written.slice(1, -1).replaceAll('""', '"') : written;
}

function whyNone(rest: string): string {
  if (rest.startsWith("'")) return 'a text begins and does not end';
  if (rest.startsWith('"')) return 'a column\'s name begins and does not end';
  if (/^-?\d/.test(rest)) return 'expected a number, a date such as 2026-11-21 or 2026-11-21T10:00:00Z, or a guid';
  return 'expected a name, a value or a parenthesis';
}
