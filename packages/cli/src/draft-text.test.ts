import type { Draft } from '@carryon/client';
import { describe, expect, it } from 'vitest';
import { draftLine, draftText } from './draft-text.ts';

type Change = Draft['changes'][number];

const conflict: Change = { op: 'update', table: 'jobs', key: ['job-1'], base: { id: 'job-1', title: 'Old', note: null, hours: 1n }, mine: { id: 'job-1', title: 'Mine', note: null, hours: 1n }, theirs: { id: 'job-1', title: 'Theirs', note: '', hours: 1n } };
const made: Change = { op: 'insert', table: 'photos', key: [-7n], base: undefined, mine: { id: -7n, name: null, body: new Uint8Array(3) }, theirs: undefined };
const gone: Change = { op: 'update', table: 'jobs', key: ['a', 2n], base: { id: 'a', n: 2n, title: 'Old' }, mine: { id: 'a', n: 2n, title: 'Mine' }, theirs: undefined };
const removed: Change = { op: 'delete', table: 'jobs', key: ['job-2'], base: { id: 'job-2', title: 'Old' }, mine: undefined, theirs: { id: 'job-2', title: 'Theirs' } };

const draft = (changes: Change[], change = 0): Draft => ({ seq: 12, atMs: Date.UTC(2026, 0, 2, 3, 4, 5), error: { code: 'write.conflict', message: 'Somebody was faster.', change, id: 'd:12' }, changes });
const lines = (changes: Change[], change = 0): string[] => draftText(draft(changes, change)).split('\n').map((line) => line.trimEnd());

describe('a draft in words', () => {
  it('shows each column that the person has set, and what the server has changed since', () => {
    expect(lines([conflict])).toEqual([
      '#12  2026-01-02 03:04:05  Somebody was faster. (write.conflict)',
      '    refused: change of jobs job-1',
      '    column  was   yours  server\'s now',
      '    ──────  ────  ─────  ────────────',
      '    title   Old   Mine   Theirs',
      '    note    NULL  NULL',
    ]);
  });

  it('shows of a new row what it has, of a deleted one what has changed, and says when the row is gone', () => {
    expect(lines([made]).slice(1)).toEqual(['    refused: new row of photos -7', '    column  yours', '    ──────  ───────', '    id      -7', '    body    3 bytes']);
    expect(lines([removed]).slice(1)).toEqual(['    refused: deletion of jobs job-2', '    column  was  server\'s now', '    ──────  ───  ────────────', '    title   Old  Theirs']);
    expect(lines([gone]).slice(1)).toEqual(['    refused: change of jobs a, 2', '    the row is not there any more, or is not yours any more', '    column  was  yours', '    ──────  ───  ─────', '    title   Old  Mine']);
  });

  it('begins with the change that was refused, and does not list thousands of others', () => {
    const titles = lines([...Array.from({ length: 100 }, () => made), conflict], 100).filter((line) => /^ {4}(refused|with it|and)/.test(line));
    expect(titles).toEqual(['    refused: change of jobs job-1', ...Array.from({ length: 5 }, () => '    with it: new row of photos -7'), '    and 95 further changes']);
  });

  it('is told in a line', () => {
    expect(draftLine(draft([made, conflict], 1))).toBe('#12 change of jobs job-1: Somebody was faster. (write.conflict)');
  });
});
