import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDemoDatabase, DEMO_ASSET_COUNT, DEMO_CUSTOMER_COUNT, DEMO_PRODUCT_COUNT, DEMO_TEAM_COUNT,
  DEMO_TECHNICIAN, DEMO_TECHNICIAN_COUNT } from './database.ts';
import { DEMO_PROFILE, SAMPLE_QUERY } from './profile.ts';

const WORK_ORDERS = 500;
const MORNING = new Date('2026-03-10T07:30:00Z');
const EVENING = new Date('2026-03-10T22:00:00Z');
const TABLES = Object.keys(DEMO_PROFILE.tables);

let folder: string;
let db: DatabaseSync;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'carryon-demo-'));
  createDemoDatabase(join(folder, 'demo.db'), { workOrders: WORK_ORDERS, today: MORNING });
  db = new DatabaseSync(join(folder, 'demo.db'));
});

afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

function value(sql: string): unknown {
  return Object.values(db.prepare(sql).get() ?? {})[0];
}

function allRows(source: DatabaseSync, table: string): unknown[] {
  return source.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all();
}

function makeOther(name: string, today: Date): DatabaseSync {
  const file = join(folder, name);
  createDemoDatabase(file, { workOrders: WORK_ORDERS, today });
  return new DatabaseSync(file);
}

describe('the demonstration database', () => {
  it('has the same rows whenever it is made on the same day', () => {
    const other = makeOther('same-day.db', EVENING);
    for (const table of TABLES) expect(allRows(other, table), table).toEqual(allRows(db, table));
    other.close();
  });

  it('has other work orders on another day', () => {
    const other = makeOther('next-day.db', new Date('2026-03-11T07:30:00Z'));
    expect(allRows(other, 'work_orders')).not.toEqual(allRows(db, 'work_orders'));
    other.close();
  });

  it('has the promised number of rows', () => {
    const counts = Object.fromEntries(TABLES.map((table) => [table, value(`SELECT count(*) FROM ${table}`)]));
    expect(counts).toMatchObject({ work_orders: WORK_ORDERS, customers: DEMO_CUSTOMER_COUNT, assets: DEMO_ASSET_COUNT,
      products: DEMO_PRODUCT_COUNT, teams: DEMO_TEAM_COUNT, technicians: DEMO_TECHNICIAN_COUNT });
    expect(Number(counts['tasks']) / WORK_ORDERS).toBeCloseTo(2.5, 0);
  });

  it('is sound: references hold, the file is intact and in WAL mode', () => {
    expect(db.prepare('PRAGMA foreign_key_check').all()).toEqual([]);
    expect(value('PRAGMA integrity_check')).toBe('ok');
    expect(value('PRAGMA journal_mode')).toBe('wal');
  });

  it('gives every work order 1 to 4 tasks of the same technician that fill its time', () => {
    const odd = db.prepare(`SELECT w.number FROM work_orders w JOIN tasks t ON t.work_order_id = w.id GROUP BY w.id
      HAVING count(*) > 4 OR sum(t.minutes) <> w.estimated_minutes OR min(t.minutes) < 5
        OR sum(t.technician_id <> w.technician_id) > 0`).all();
    expect(odd).toEqual([]);
    expect(value('SELECT count(DISTINCT work_order_id) FROM tasks')).toBe(WORK_ORDERS);
  });
});

describe('its technicians', () => {
  it('have plain logins and equal shares of the work', () => {
    const shares = db.prepare('SELECT technician_id AS id, count(*) AS n FROM work_orders GROUP BY 1').all();
    expect(shares).toHaveLength(DEMO_TECHNICIAN_COUNT);
    for (const { id, n } of shares) {
      expect(id).toMatch(/^[a-z]+\.[a-z]+$/);
      expect(Math.abs(Number(n) - WORK_ORDERS / DEMO_TECHNICIAN_COUNT)).toBeLessThan(1);
    }
    expect(shares.map(({ id }) => id)).toContain(DEMO_TECHNICIAN);
  });

  it('work in the team of their own, on machines of the customer they visit', () => {
    expect(value(`SELECT count(*) FROM work_orders w JOIN technicians t ON t.id = w.technician_id
      JOIN assets a ON a.id = w.asset_id WHERE t.team_id <> w.team_id OR a.customer_id <> w.customer_id`)).toBe(0);
  });

  it('see their next jobs with the sample query', () => {
    const jobs = db.prepare(SAMPLE_QUERY).all();
    expect(jobs).toHaveLength(5);
    expect(Object.keys(jobs[0] ?? {})).toEqual(['number', 'when', 'title', 'customer', 'city', 'open tasks']);
    expect(jobs.every((job) => String(job['when']) > '2026-03-11' && Number(job['open tasks']) > 0)).toBe(true);
  });
});

describe('its dates', () => {
  it('lie between 180 days before and 60 days after today', () => {
    expect(String(value('SELECT min(scheduled_start) FROM work_orders')) >= '2025-09-11').toBe(true);
    expect(String(value('SELECT max(scheduled_start) FROM work_orders')) < '2026-05-10').toBe(true);
    expect(value('SELECT count(*) FROM work_orders WHERE scheduled_start > \'2026-03-20\'')).toBeGreaterThan(20);
    expect(value(`SELECT count(*) FROM work_orders WHERE created_at > updated_at OR scheduled_start >= scheduled_end
      OR updated_at > '2026-03-10T00:00:00.000Z'`)).toBe(0);
  });

  it('agree with the status', () => {
    const days = db.prepare(`SELECT sign(julianday(date(scheduled_start)) - julianday('2026-03-10')) AS side,
      group_concat(DISTINCT status) AS statuses FROM work_orders GROUP BY side ORDER BY side`).all();
    expect(days.map((day) => day['side'])).toEqual([-1, 0, 1]);
    expect(String(days[0]?.['statuses']).split(',').sort()).toEqual(['cancelled', 'completed', 'on_hold']);
    expect(days.slice(1).map((day) => day['statuses'])).toEqual(['in_progress', 'scheduled']);
  });
});

describe('making it', () => {
  it('reports progress to the end', () => {
    const calls: number[][] = [];
    createDemoDatabase(join(folder, 'progress.db'),
      { workOrders: 5_200, today: MORNING, onProgress: (done, of) => calls.push([done, of]) });
    expect(calls).toEqual([[5_000, 5_200], [5_200, 5_200]]);
  });

  it('leaves nothing behind when it fails', () => {
    const file = join(folder, 'failed.db');
    const onProgress = () => { throw new Error('stop'); };
    expect(() => createDemoDatabase(file, { workOrders: 10, today: MORNING, onProgress })).toThrow('stop');
    expect(readdirSync(folder).filter((name) => name.startsWith('failed'))).toEqual([]);
  });

  it('drops the leavings of an older database of that name', () => {
    const file = join(folder, 'again.db');
    writeFileSync(`${file}-wal`, 'stale');
    createDemoDatabase(file, { workOrders: 10, today: MORNING });
    expect(existsSync(`${file}-wal`)).toBe(false);
  });

  it('refuses an existing file, a bad count and a bad date', () => {
    const file = join(folder, 'demo.db');
    const fresh = join(folder, 'fresh.db');
    expect(() => createDemoDatabase(file, { workOrders: 10, today: MORNING })).toThrow('exists already');
    expect(() => createDemoDatabase(fresh, { workOrders: 0, today: MORNING })).toThrow(RangeError);
    expect(() => createDemoDatabase(fresh, { workOrders: 10, today: new Date('never') })).toThrow(RangeError);
  });
});
