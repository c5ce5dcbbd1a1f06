/**
 * Who may hold what of the demonstration database: technicians their own work, and everything it refers to. Priority 0
 * arrives first, so work can begin before the machines' records are there.
 */
export const DEMO_PROFILE = {
  version: 1,
  name: 'Field service',
  tables: {
    // No delete, as in Power Apps: a work order is cancelled.
    work_orders: { rows: { own: 'technician_id' }, priority: 0, rights: ['create', 'read', 'update'], conflicts: 'merge' },
    tasks: { rows: { own: 'technician_id' }, priority: 0, rights: ['create', 'read', 'update', 'delete'] },
    technicians: { rows: 'all', priority: 0 },
    teams: { rows: 'all', priority: 0 },
    customers: { rows: 'all', priority: 1 },
    products: { rows: 'all', priority: 1 },
    assets: { rows: 'all', priority: 2 },
  },
} as const;

/** For a technician's device, which holds only their own work orders: the next five jobs. */
export const SAMPLE_QUERY = `
SELECT w.number,
       strftime('%Y-%m-%d %H:%M', w.scheduled_start) AS "when",
       w.title,
       c.name AS customer,
       c.city,
       (SELECT count(*) FROM tasks t WHERE t.work_order_id = w.id AND t.done = 0) AS "open tasks"
FROM work_orders w
JOIN customers c ON c.id = w.customer_id
WHERE w.status = 'scheduled'
ORDER BY w.scheduled_start, w.number
LIMIT 5
`.trim();
