import { readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { DataChange, Engine } from '@carryon/client';
import { CarryonError } from '@carryon/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rig, WRITABLE, type OpenOptions } from '../testing/rig.ts';
import { deviceFile } from './folder.ts';

const WATCH = { mode: 'watch' } as const;

describe('edits and the engine', () => {
  let rig: Rig;
  beforeEach(() => { rig = new Rig({ tables: WRITABLE }).fill(20); });
  afterEach(() => rig.end());

  /** An engine that stays and is up to date. */
  const watching = async (options: OpenOptions = {}): Promise<Engine> => {
    const engine = await rig.open({ config: WATCH, ...options });
    void engine.run();
    await rig.until(engine, () => engine.status().state === 'up-to-date');
    return engine;
  };
  const isSent = (engine: Engine) => () => engine.status().state === 'up-to-date' && engine.status().edits.operations === 0;
  /** Plain SQL by a connection that knows nothing of Carryon. */
  const sql = (statements: string): void => {
    const db = new DatabaseSync(deviceFile(rig.folder), { timeout: 5000 });
    try {
      db.exec(statements);
    } finally {
      db.close();
    }
  };
  const nameOf = (id: number): unknown => rig.query(`SELECT name FROM customers WHERE id = ${id}`)[0]?.['name'];
  const serverName = (rid: number): unknown => rig.server.rowsOf(1).get(rid)?.values[1];

  it('D60 what another connection writes by plain SQL goes up at once, and the status counts it until then', async () => {
    const engine = await watching();
    const counts: unknown[] = [];
    engine.subscribe(() => counts.push(engine.status().edits.records));
    sql("UPDATE customers SET name = 'Ada' WHERE id IN (10, 20)");
    await rig.until(engine, () => serverName(2) === 'Ada');
    await rig.until(engine, isSent(engine));
    expect(counts).toContain(2);
    expect([serverName(1), nameOf(10)]).toEqual(['Ada', 'Ada']);
    expect(rig.server.inbox.taken.map(({ changes }) => changes.length)).toEqual([2]);
    expect(rig.visible()).toEqual(rig.expected());
  });

  it('D60 D63 a run of mode once sends what was written while nothing ran', async () => {
    await rig.sync();
    sql("INSERT INTO notes(id, text) VALUES('n-new', 'hello'); DELETE FROM customers WHERE id = 50");
    expect(await rig.sync()).toBeUndefined();
    expect(rig.server.rowsOf(1).has(5)).toBe(false);
    expect([...rig.server.rowsOf(3).values()].map(({ values }) => values[0])).toContain('n-new');
    expect(rig.visible()).toEqual(rig.expected());
  });

  it('D62 an edit whose acknowledgement was lost is applied once', async () => {
    const engine = await watching();
    const take = rig.server.inbox.take.bind(rig.server.inbox);
    let lost = 0;
    rig.server.inbox.take = (push) => {
      const pushed = take(push);
      if (push.changesets.length > 0 && lost++ === 0) throw new CarryonError('server.unreachable', 'the answer is lost');
      return pushed;
    };
    await engine.edits.write(async (tx) => { await tx.update('customers', [10], { name: 'Ada' }); });
    await rig.until(engine, isSent(engine));
    expect(lost).toBe(2);
    expect(rig.server.inbox.taken).toHaveLength(1);
    expect(rig.visible()).toEqual(rig.expected());
  });

  it('D62 a refused edit is undone with the commit and stays as a draft, which can be retried with another value', async () => {
    const engine = await watching();
    rig.server.inbox.refusals.set(1, { code: 'write.rejected', message: 'No such name.', change: 0 });
    await engine.edits.write(async (tx) => { await tx.update('customers', [10], { name: 'Nobody' }); });
    await rig.until(engine, () => engine.status().edits.drafts === 1);
    expect(nameOf(10)).toBe('customer 1');
    const [draft] = await engine.edits.drafts();
    expect(draft).toMatchObject({ seq: 1, error: { code: 'write.rejected', message: 'No such name.' }, changes: [{ table: 'customers', op: 'update', mine: { name: 'Nobody' }, theirs: { name: 'customer 1' } }] });
    await engine.edits.retry(1, { 0: { name: 'Somebody' } });
    await rig.until(engine, () => serverName(1) === 'Somebody');
    await rig.until(engine, isSent(engine));
    expect([engine.status().edits.drafts, nameOf(10)]).toEqual([0, 'Somebody']);
  });

  it('D62 a draft that is dropped leaves the server\'s values', async () => {
    const engine = await watching();
    rig.server.inbox.refusals.set(1, { code: 'write.rejected', message: 'No such name.', change: 0 });
    sql("UPDATE customers SET name = 'Nobody' WHERE id = 10");
    await rig.until(engine, () => engine.status().edits.drafts === 1);
    await engine.edits.drop(1);
    await rig.until(engine, () => engine.status().edits.drafts === 0);
    expect([nameOf(10), serverName(1), rig.server.inbox.taken.length]).toEqual(['customer 1', 'customer 1', 1]);
  });

  it('D64 a resolver of the app settles a conflict with base, mine and theirs', async () => {
    const seen: unknown[] = [];
    const engine = await watching({
      resolvers: {
        customers: (conflict) => {
          seen.push(conflict);
          return { name: `${String(conflict.theirs?.['name'])} and ${String(conflict.mine?.['name'])}` };
        },
      },
    });
    rig.server.inbox.refusals.set(1, { code: 'write.conflict', message: 'Somebody else was faster.', change: 0 });
    rig.server.put(1, 1, 10n, 'Theirs');
    await engine.edits.write(async (tx) => { await tx.update('customers', [10], { name: 'Mine' }); });
    await rig.until(engine, () => serverName(1) === 'Theirs and Mine');
    await rig.until(engine, isSent(engine));
    expect(seen).toEqual([expect.objectContaining({ table: 'customers', base: expect.objectContaining({ name: 'customer 1' }), mine: expect.objectContaining({ name: 'Mine' }), theirs: expect.objectContaining({ name: 'Theirs' }) })]);
    expect(engine.status().edits.drafts).toBe(0);
  });

  it('D64 a resolver that throws, or decides nothing, leaves the draft to the person; theirs drops it', async () => {
    const answers: (() => undefined | 'theirs')[] = [() => { throw new Error('the app fails'); }, () => undefined, () => 'theirs'];
    const engine = await watching({ resolvers: { customers: () => answers.shift()?.() } });
    const refuse = async (seq: number): Promise<void> => {
      rig.server.inbox.refusals.set(seq, { code: 'write.conflict', message: 'Somebody else was faster.', change: 0 });
      await engine.edits.write(async (tx) => { await tx.update('customers', [seq * 10], { name: 'Mine' }); });
    };
    await refuse(1);
    await rig.until(engine, () => answers.length === 2);
    await refuse(2);
    // Both drafts are shown to it, the older one first.
    await rig.until(engine, () => answers.length === 0);
    await rig.until(engine, () => rig.query("SELECT count(*) AS n FROM carryon_state WHERE state = 'error'")[0]?.['n'] === 1);
    expect((await engine.edits.drafts()).map(({ seq }) => seq)).toEqual([1]);
  });

  it('D64 an edit of a row that is gone is shown to the resolver too, and dropped when it says so', async () => {
    const seen: unknown[] = [];
    const engine = await watching({ resolvers: { customers: ({ mine, theirs }) => { seen.push([mine?.['name'], theirs]); return seen.length === 1 ? { name: 'again' } : 'theirs'; } } });
    const refuse = async (seq: number): Promise<void> => {
      rig.server.inbox.refusals.set(seq, { code: 'write.not-found', message: 'The row is gone.', change: 0 });
      await engine.edits.write(async (tx) => { await tx.update('customers', [seq * 10], { name: `mine ${seq}` }); });
      rig.server.remove(1, seq);
    };
    await refuse(1);
    await rig.until(engine, () => seen.length === 1 && engine.status().edits.drafts === 1);
    await refuse(2);
    await rig.until(engine, () => engine.status().edits.drafts === 0 && engine.status().state === 'up-to-date' && seen.length > 2);
    expect(seen).toEqual([['mine 1', undefined], ['mine 1', undefined], ['mine 2', undefined]]);
    expect(rig.visible()).toEqual(rig.expected());
  });

  it('D64 a conflict that never ends is left to the person after some tries', async () => {
    let times = 0;
    const engine = await watching({ resolvers: { customers: ({ mine }) => ({ name: `${String(mine?.['name'])}${++times}` }) } });
    for (let seq = 1; seq <= 20; seq++) rig.server.inbox.refusals.set(seq, { code: 'write.conflict', message: 'Somebody else was faster.', change: 0 });
    await engine.edits.write(async (tx) => { await tx.update('customers', [10], { name: 'Mine' }); });
    await rig.until(engine, () => times === 5 && engine.status().edits.drafts === 1 && engine.status().state === 'up-to-date');
    await rig.settle();
    expect([times, rig.server.inbox.last]).toEqual([5, 6]);
  });

  it('D40 a transaction that takes long goes up as one while the engine runs', async () => {
    const engine = await watching();
    const db = new DatabaseSync(deviceFile(rig.folder), { timeout: 5000 });
    db.exec("BEGIN; UPDATE customers SET name = 'first' WHERE id = 10; INSERT INTO notes(id, text) VALUES('slow', 'second')");
    // As if ten seconds lay between the two statements.
    db.exec('UPDATE _carryon_log SET at_ms = at_ms + 10000 WHERE id = (SELECT max(id) FROM _carryon_log); COMMIT');
    db.close();
    await rig.until(engine, () => rig.server.inbox.last > 0);
    await rig.until(engine, isSent(engine));
    expect(rig.server.inbox.taken.map(({ changes }) => changes.length)).toEqual([2]);
  });

  it('D48 a folder put back from an older copy does not lose edits to numbers that the server has', async () => {
    await rig.sync();
    sql("UPDATE customers SET name = 'before' WHERE id = 10");
    await rig.sync();
    const copy = readFileSync(deviceFile(rig.folder));
    sql("UPDATE customers SET name = 'lost with the folder' WHERE id = 20");
    await rig.sync();
    writeFileSync(deviceFile(rig.folder), copy);
    sql("UPDATE customers SET name = 'after' WHERE id = 30");
    const before = rig.server.inbox.last;
    rig.server.inbox.otherDevice = () => { rig.server.inbox.last = 0; };
    expect(await rig.sync()).toBeUndefined();
    expect([before, nameOf(30), serverName(3)]).toEqual([2, 'after', 'after']);
    expect(rig.visible()).toEqual(rig.expected());
  });

  it('D65 changes are told with tables, rows and where they come from', async () => {
    const engine = await watching();
    const told: DataChange[] = [];
    engine.edits.onChange((change) => told.push(change));
    rig.server.put(3, 10, 'n10', 'news');
    await rig.until(engine, () => told.length === 1);
    expect(told[0]).toEqual({ origin: 'server', tables: [{ name: 'notes', rows: [10] }] });
    sql("UPDATE customers SET name = 'Ada' WHERE id = 10");
    await rig.until(engine, () => told.length > 1);
    expect(told[1]).toEqual({ origin: 'local', tables: [{ name: 'customers', rows: [1] }] });
  });

  it('D65 a live query sees local and incoming changes alike, and no others', async () => {
    const engine = await watching();
    const seen: unknown[] = [];
    const stop = engine.live<{ name: string }>({ sql: 'SELECT name FROM customers WHERE id = ?', values: [10n], onRows: ([row]) => seen.push(row?.name) });
    await rig.until(engine, () => seen.length === 1);
    sql("UPDATE customers SET name = 'local' WHERE id = 10");
    await rig.until(engine, () => seen.includes('local'));
    await rig.until(engine, isSent(engine));
    rig.server.put(1, 1, 10n, 'remote');
    await rig.until(engine, () => seen.includes('remote'));
    const times = seen.length;
    rig.server.put(3, 10, 'n10', 'of another table');
    await rig.until(engine, () => rig.query("SELECT 1 FROM notes WHERE text = 'of another table'").length === 1);
    expect(seen).toHaveLength(times);
    stop();
    rig.server.put(1, 1, 10n, 'unseen');
    await rig.until(engine, () => nameOf(10) === 'unseen');
    expect(seen).toHaveLength(times);
    expect(new Set(seen)).toEqual(new Set(['customer 1', 'local', 'remote']));
  });

  it('D65 a live query with an error tells it, and goes on when it can', async () => {
    const engine = await rig.open({ config: WATCH });
    const told: string[] = [];
    engine.live({ sql: 'SELECT count(*) AS n FROM customers', onRows: ([row]) => told.push(JSON.stringify(row)), onError: ({ code }) => told.push(code) });
    void engine.run();
    await rig.until(engine, () => told.includes('{"n":20}'));
    expect(told[0]).toBe('sql.error');
  });

  it('D31 a reset keeps edits: they are seen all the time, and sent', async () => {
    await rig.sync();
    sql("UPDATE customers SET name = 'kept' WHERE id = 10; INSERT INTO notes(id, text) VALUES('mine', 'kept')");
    const engine = await rig.open();
    engine.reset();
    expect(await rig.finish(engine, engine.run())).toBeUndefined();
    expect([nameOf(10), serverName(1)]).toEqual(['kept', 'kept']);
    expect(rig.visible()).toEqual(rig.expected());
  });
});
