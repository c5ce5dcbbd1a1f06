import type { LabRandom } from '../world/random.ts';
import { momentIn } from './faults.ts';
import type { Timed } from './script.ts';

type Write = (random: LabRandom) => string;

const TABLES = ['customers', 'jobs', 'notes', 'parts'] as const;
const OWNED = ['jobs', 'notes'] as const;
const OWNERS = ["'ann'", "'bob'", "'carl'", 'NULL', "CASE owner WHEN 'ann' THEN 'bob' ELSE 'ann' END"] as const;
const FAR = 100_000;

/** A few rows of a table: next to each other, or scattered. */
const some = (random: LabRandom): string => {
  const low = random.below(300);
  return random.chance(1, 2) ? `id BETWEEN ${low} AND ${low + random.below(20)}` : `id % ${random.between(2, 40)} = 1`;
};

const insert: Write = (random) => {
  const [table, count] = [random.pick(TABLES), random.pick([1, 1, 5, 100])];
  const columns = { customers: "'new'", jobs: `${random.pick(OWNERS.slice(0, 3))}, 'new'`, notes: `${random.pick(OWNERS.slice(0, 3))}, i`, parts: "'new', i / 4.0" }[table];
  return `INSERT INTO ${table} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    SELECT NULL, ${columns}, 'written ' || i FROM n`;
};
const update: Write = (random) => `UPDATE ${random.pick(TABLES)} SET info = 'changed ${random.below(1000)}' WHERE ${some(random)}`;
const remove: Write = (random) => `DELETE FROM ${random.pick(TABLES)} WHERE ${some(random)}`;
const changeOwner: Write = (random) => `UPDATE ${random.pick(OWNED)} SET owner = ${random.pick(OWNERS)} WHERE ${some(random)}`;
const changeKey: Write = (random) => `UPDATE OR IGNORE ${random.pick(TABLES)} SET id = ${random.chance(1, 2) ? `id + ${FAR}` : `abs(id - ${FAR})`} WHERE ${some(random)}`;
const comeBack: Write = (random) => `UPDATE OR IGNORE ${random.pick(TABLES)} SET id = id - ${FAR} WHERE id > ${FAR}`;
const swapKeys: Write = (random) => {
  const [table, one, other] = [random.pick(TABLES), random.between(1, 40), random.between(41, 80)];
  return `BEGIN; UPDATE ${table} SET id = -id WHERE id IN (${one}, ${other});
    UPDATE ${table} SET id = CASE id WHEN -${one} THEN ${other} ELSE ${one} END WHERE id < 0; COMMIT`;
};
const deleteAndInsert: Write = (random) => {
  const [table, where] = [random.pick(TABLES), some(random)];
  return `BEGIN; CREATE TEMP TABLE kept AS SELECT * FROM ${table} WHERE ${where}; DELETE FROM ${table} WHERE ${where}; INSERT INTO ${table} SELECT * FROM temp.kept; DROP TABLE temp.kept; COMMIT`;
};
const everything: Write = (random) => `UPDATE ${random.pick(TABLES)} SET info = info || '!'`;
const empty: Write = (random) => `DELETE FROM ${random.pick(TABLES)}`;
const manyTables: Write = (random) => `BEGIN; ${[insert, update, remove, changeOwner].map((write) => write(random)).join('; ')}; COMMIT`;

/** Each as often as it stands here. */
const WRITES: readonly Write[] = [
  insert, insert, insert, update, update, update, update, remove, remove, changeOwner, changeOwner, changeKey, changeKey, comeBack, swapKeys, deleteAndInsert,
  everything, empty, manyTables, manyTables,
];

/** What the business application writes meanwhile. */
export function writes(random: LabRandom, lengthMs: number): readonly Timed[] {
  return Array.from({ length: random.below(12) }, () => ({ atMs: momentIn(random, lengthMs), event: { do: 'write', sql: random.pick(WRITES)(random) } }));
}
