import { DatabaseSync } from 'node:sqlite';
import { CarryonError } from '@carryon/protocol';

export interface Edited {
  readonly number: string;
  readonly title: string;
  readonly status: string;
}

const NOTES = ['urgent', 'customer called', 'bring a ladder', 'part arrived', 'gate code 4711'];

/** One of so many is changed: those that the demonstration shows. */
const NEXT_JOBS = 5;

/** Changes one of the technician's scheduled work orders, as an office application would. */
export function editDemo(file: string, technician: string, fraction: number): Edited {
  const db = openDemo(file);
  const note = NOTES[Math.floor(fraction * NOTES.length)] ?? 'changed';
  const scheduled = db.prepare("SELECT id FROM work_orders WHERE technician_id = ? AND status = 'scheduled' ORDER BY scheduled_start LIMIT ?").all(technician, NEXT_JOBS);
  const chosen = scheduled[Math.floor(fraction * scheduled.length)]?.['id'] ?? null;
  const edited = db.prepare(`UPDATE work_orders SET title = substr(title, 1, 60) || ' (' || ? || ')', updated_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now')
    WHERE id = ? RETURNING number, title, status`).get(note, chosen) as unknown as Edited | undefined;
  db.close();
  if (!edited) throw new CarryonError('usage', `The technician ${technician} has no scheduled work order.`);
  return edited;
}

export interface Shown extends Edited {
  readonly technician_id: string;
  readonly updated_at: string;
}

/** A work order as the business database has it now. Throws `usage` when there is none of that number. */
export function showWorkOrder(file: string, number: string): Shown {
  const db = openDemo(file);
  const shown = db.prepare('SELECT number, title, status, technician_id, updated_at FROM work_orders WHERE number = ?').get(number) as unknown as Shown | undefined;
  db.close();
  if (!shown) throw new CarryonError('usage', `There is no work order ${number}.`);
  return shown;
}

function openDemo(file: string): DatabaseSync {
  try {
    const db = new DatabaseSync(file, { timeout: 5000 });
    db.prepare('SELECT 1 FROM work_orders LIMIT 1').get();
    return db;
  } catch (cause) {
    throw new CarryonError('source.not-found', `There is no demonstration database ${file} yet; run the demonstration first.`, { cause });
  }
}
