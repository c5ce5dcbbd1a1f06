import { CarryonError } from '@carryon/protocol';

/** Texts, quoted names and comments are one piece each, whatever they hold. */
const PIECE = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|[()]|;|\w+|\s+|[\s\S]/g;
const WRITING = new Set(['insert', 'update', 'delete', 'replace']);
const READING = new Set(['select', 'values', 'explain', 'pragma']);

/** Divides SQL into its statements, each of which must be one that changes rows. Throws `sql.refused`. */
export function writingStatements(sql: string): string[] {
  const statements = split(sql);
  if (statements.length === 0) throw refused('There is no SQL statement to run.');
  for (const statement of statements) refuseOther(statement);
  return statements.map((pieces) => pieces.join('').trim());
}

function split(sql: string): string[][] {
  const statements: string[][] = [[]];
  for (const piece of sql.match(PIECE) ?? []) {
    if (piece === ';') statements.push([]);
    else statements.at(-1)?.push(piece);
  }
  return statements.filter((pieces) => pieces.some((piece) => !isBlank(piece)));
}

const isBlank = (piece: string): boolean => /^(?:\s|--|\/\*)/.test(piece);

function refuseOther(pieces: readonly string[]): void {
  const verb = verbOf(pieces);
  if (WRITING.has(verb)) return;
  if (READING.has(verb)) throw refused(`This statement only reads (${verb.toUpperCase()}).`);
  throw refused(`"${verb}" does not begin a statement that changes rows.`);
}

/** What the statement does: its first word, or after WITH the first that stands in no parentheses and names an action. */
function verbOf(pieces: readonly string[]): string {
  const [first = '', ...others] = outermost(pieces);
  if (first !== 'with') return first;
  return others.find((word) => WRITING.has(word) || READING.has(word)) ?? first;
}

function outermost(pieces: readonly string[]): string[] {
  let depth = 0;
  return pieces.filter((piece) => {
    if (piece === '(') depth++;
    if (piece === ')') depth--;
    return depth === 0 && piece !== ')' && !isBlank(piece);
  }).map((piece) => piece.toLowerCase());
}

const refused = (why: string): CarryonError => new CarryonError('sql.refused', why);
