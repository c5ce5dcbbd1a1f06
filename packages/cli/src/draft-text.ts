import type { Draft } from '@carryon/client';
import { counted, table, timeText, valueText } from './output.ts';

type DraftChange = Draft['changes'][number];
type Row = NonNullable<DraftChange['mine']>;

const ACTIONS = { insert: 'new row', update: 'change', delete: 'deletion' } as const;
const MOST_KEY = 60;
/** A transaction may have changed very many rows. */
const OTHERS_SHOWN = 5;

/** A refused edit in a line: its number, what it is about, and why it was refused. */
export function draftLine({ seq, error, changes }: Draft): string {
  const refused = changes[error.change] ?? changes[0];
  return `#${seq} ${refused ? titleOf(refused) : ''}: ${error.message} (${error.code})`;
}

/** A refused edit as a person decides about it: per change and column what was there, what they wanted and what is there now. */
export function draftText({ seq, atMs, error, changes }: Draft): string {
  const others = changes.filter((_, i) => i !== error.change);
  const refused = changes[error.change];
  const blocks = [...(refused ? [changeText(refused, 'refused: ')] : []), ...others.slice(0, OTHERS_SHOWN).map((change) => changeText(change, refused ? 'with it: ' : ''))];
  const more = others.length > OTHERS_SHOWN ? [`    and ${counted(others.length - OTHERS_SHOWN, 'further change')}`] : [];
  return [`#${seq}  ${timeText(atMs)}  ${error.message} (${error.code})`, ...blocks, ...more].join('\n');
}

/** What a change is about: the action, the table and the row's key. */
export function titleOf({ op, table: name, key }: Pick<DraftChange, 'op' | 'table' | 'key'>): string {
  const text = key.map(valueText).join(', ');
  return `${ACTIONS[op]} of ${name} ${text.length > MOST_KEY ? `${text.slice(0, MOST_KEY - 1)}…` : text}`;
}

function changeText(change: DraftChange, role: string): string {
  const { op, base = {}, mine, theirs } = change;
  const gone = op !== 'insert' && !theirs ? ['    the row is not there any more, or is not yours any more'] : [];
  const sides: readonly (readonly [heading: string, row: Row | undefined])[] = [
    ...(op === 'insert' ? [] : [['was', base] as const]), ...(mine ? [['yours', mine] as const] : []), ...(theirs ? [['server\'s now', theirs] as const] : []),
  ];
  const rows = columnsToShow(change).map((name) => [name, ...sides.map(([, row]) => valueText(row?.[name]))]);
  const lines = rows.length === 0 ? [] : table(['column', ...sides.map(([heading]) => heading)], rows).split('\n').map((line) => `    ${line}`);
  return [`    ${role}${titleOf(change)}`, ...gone, ...lines].join('\n');
}

/** What the person has set, and what the server has changed since they saw it. */
function columnsToShow({ op, base = {}, mine, theirs }: DraftChange): string[] {
  if (op === 'insert') return Object.keys(mine ?? {}).filter((name) => mine?.[name] !== null || theirs !== undefined);
  const differs = (row: Row | undefined): string[] => Object.keys(row ?? {}).filter((name) => name in base && valueText(row?.[name]) !== valueText(base[name]));
  return [...new Set([...differs(mine), ...differs(theirs)])];
}
