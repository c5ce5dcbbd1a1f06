import type { DatabaseSync } from 'node:sqlite';
import type { Asset } from './assets.ts';
import { DAY_MS, isoTime, MINUTE_MS } from './calendar.ts';
import { REGIONS } from './places.ts';
import { at, Random } from './random.ts';
import { insertInto } from './schema.ts';
import { TECHNICIANS } from './staff.ts';
import { taskTitles, workOrderDescription } from './texts.ts';
import { NOTES } from './words.ts';

type Status = 'scheduled' | 'in_progress' | 'on_hold' | 'completed' | 'cancelled';

interface Schedule {
  readonly createdMs: number;
  readonly startMs: number;
  readonly minutes: number;
  readonly status: Status;
}

// Orders arrive evenly until yesterday and are planned 1 to 61 days ahead, which puts the work between 180 days ago
// and 60 days from now, and fills the coming weeks the more the nearer they are.
const ARRIVAL_DAYS = 181;
const LONGEST_LEAD_DAYS = 61;
const WORKDAY_BEGINS_MINUTES = 6 * 60;
const WORKDAY_MINUTES = 9 * 60;
const PROGRESS_STEP = 5000;
/** One in fifteen is urgent; 3 is the ordinary case. */
const PRIORITIES = [1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4];

export function insertWorkOrders(
  db: DatabaseSync,
  count: number,
  assets: readonly Asset[],
  todayMs: number,
  onProgress: (done: number, of: number) => void,
): void {
  const random = new Random(`work orders ${todayMs}`);
  const insertOrder = db.prepare(insertInto('work_orders', 17));
  const insertTask = db.prepare(insertInto('tasks', 7));
  const assetsByRegion = REGIONS.map((_, region) => assets.filter((asset) => asset.customer.region === region));
  const deck = [...TECHNICIANS];

  for (let i = 0; i < count; i++) {
    // Dealt like cards: random from order to order, equal shares in the end.
    if (i % deck.length === 0) random.shuffle(deck);
    const technician = at(deck, i % deck.length);
    const asset = random.pick(at(assetsByRegion, technician.teamId - 1));
    const schedule = drawSchedule(random, i / count, todayMs);
    const job = random.pick(asset.equipment.jobs);
    const id = random.uuidAt(schedule.createdMs);
    const endMs = schedule.startMs + schedule.minutes * MINUTE_MS;
    insertOrder.run(id, `WO-${String(i + 1).padStart(7, '0')}`, `${job} on ${asset.equipment.noun} ${asset.tag}`,
      workOrderDescription(random, asset.equipment), schedule.status, random.pick(PRIORITIES),
      asset.customer.id, asset.id, technician.id, technician.teamId, isoTime(schedule.startMs), isoTime(endMs),
      schedule.minutes, asset.customer.latitude, asset.customer.longitude, isoTime(schedule.createdMs),
      isoTime(updatedMs(random, schedule, endMs, todayMs)));

    const titles = taskTitles(random, job, random.int(1, 4));
    const doneCount = doneTasks(random, schedule.status, titles.length);
    const share = Math.floor(schedule.minutes / titles.length / 5) * 5;
    titles.forEach((title, index) => {
      const isLast = index === titles.length - 1;
      const minutes = isLast ? schedule.minutes - share * index : share;
      const note = random.chance(0.2) ? random.pick(NOTES) : null;
      insertTask.run(id, index + 1, title, index < doneCount ? 1 : 0, technician.id, minutes, note);
    });

    const done = i + 1;
    if (done % PROGRESS_STEP === 0 || done === count) onProgress(done, count);
  }
}

/** `arrival` goes from 0 to 1 over the orders, so numbers, ids and creation times rise together. */
function drawSchedule(random: Random, arrival: number, todayMs: number): Schedule {
  const arrivalDays = arrival * ARRIVAL_DAYS;
  const day = Math.floor(arrivalDays);
  // All of a day's orders come in during its twelve busy hours.
  const busyMs = WORKDAY_BEGINS_MINUTES * MINUTE_MS + Math.floor((arrivalDays - day) * (DAY_MS / 2));
  const createdDayMs = todayMs + (day - ARRIVAL_DAYS) * DAY_MS;
  const startDayMs = createdDayMs + random.int(1, LONGEST_LEAD_DAYS) * DAY_MS;
  const quarterHour = random.int(0, WORKDAY_MINUTES / 15 - 1);
  return {
    createdMs: createdDayMs + busyMs,
    startMs: startDayMs + (WORKDAY_BEGINS_MINUTES + quarterHour * 15) * MINUTE_MS,
    minutes: random.int(2, 12) * 15,
    status: drawStatus(random, startDayMs, todayMs),
  };
}

function drawStatus(random: Random, startDayMs: number, todayMs: number): Status {
  if (startDayMs > todayMs) return 'scheduled';
  if (startDayMs === todayMs) return 'in_progress';
  const draw = random.fraction();
  if (draw < 0.92) return 'completed';
  return draw < 0.97 ? 'cancelled' : 'on_hold';
}

/** Nothing was touched after today began: no row is from the future, whatever the hour. */
function updatedMs(random: Random, { status, createdMs }: Schedule, endMs: number, todayMs: number): number {
  const afterMs = random.int(1, 90) * MINUTE_MS;
  if (status === 'scheduled') return Math.min(createdMs + afterMs, todayMs);
  return Math.min(endMs + afterMs, todayMs);
}

function doneTasks(random: Random, status: Status, count: number): number {
  switch (status) {
    case 'completed':
      return count;
    case 'in_progress':
    case 'on_hold':
      return random.int(0, count - 1);
    case 'scheduled':
    case 'cancelled':
      return 0;
    default:
      return status satisfies never;
  }
}
