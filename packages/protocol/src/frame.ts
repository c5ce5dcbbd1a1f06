import { CarryonError } from './errors.ts';
import { commitFrame, errorFrame, liveFrame, lostFrame, pageFrame, rangeFrame, tableFrame, type CommitFrame, type ErrorFrame, type LiveFrame, type LostFrame, type PageFrame, type PutFrame, type RangeFrame, type RemoveFrame, type TableFrame } from './messages/feed.ts';
import { headerFrame, type HeaderFrame } from './messages/header.ts';
import { buildingFrame, planFrame, tablesFrame, urlsFrame, type BuildingFrame, type PlanFrame, type TablesFrame, type UrlsFrame } from './messages/plan.ts';
import { pushedFrame, type PushedFrame } from './messages/push.ts';
import type { Shape } from './shape.ts';

export type Frame = HeaderFrame | PushedFrame | TablesFrame | BuildingFrame | PlanFrame | UrlsFrame | TableFrame | PutFrame | RemoveFrame | LiveFrame | RangeFrame | LostFrame | PageFrame | CommitFrame | ErrorFrame;

export const FRAMES: Readonly<Record<string, Shape<Frame>>> = {
  header: headerFrame, pushed: pushedFrame, tables: tablesFrame, building: buildingFrame, plan: planFrame, urls: urlsFrame, table: tableFrame,
  live: liveFrame, range: rangeFrame, lost: lostFrame, page: pageFrame, commit: commitFrame, error: errorFrame,
};

const bad = (why: string): CarryonError => new CarryonError('protocol.bad-answer', `The server's answer could not be read: ${why}.`);
const isRid = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;

/** Reads one line of an answer. Throws `protocol.bad-answer`. Unknown frames of newer servers give undefined. */
export function parseFrame(line: string): Frame | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw bad('a line is not JSON');
  }
  if (Array.isArray(value)) return rowFrame(value);
  if (typeof value !== 'object' || value === null) throw bad('a line is neither object nor list');
  for (const [name, shape] of Object.entries(FRAMES)) {
    if (!Object.hasOwn(value, name)) continue;
    const problem = shape.problem(value, '');
    if (problem !== undefined) throw bad(problem);
    return value as Frame;
  }
  return undefined;
}

function rowFrame(value: readonly unknown[]): PutFrame | RemoveFrame {
  if (value[0] === 'P' && isRid(value[1]) && isRid(value[2])) return value as unknown as PutFrame;
  if (value[0] === 'R' && isRid(value[1]) && value.length === 2) return value as unknown as RemoveFrame;
  throw bad('a row is malformed');
}
