import { describe, expect, it } from 'vitest';
import { withRules } from '../../../testing/rules-bench.ts';

const ANN = { user: ['ann'] };
const people = { claims: { teams: 'teams', unit: 'unit' } };
const JOBS = `CREATE TABLE job(id INTEGER PRIMARY KEY, owner, team, unit, v); CREATE TABLE task(id INTEGER PRIMARY KEY, job INTEGER REFERENCES job(id), v);
  INSERT INTO job VALUES(1, 'ann', 'a', 'u1', 1), (2, 'bob', 'b', 'u2', 1), (3, NULL, NULL, NULL, 1);
  INSERT INTO task VALUES(10, 1, 1), (11, 1, 1), (20, 2, 1), (30, 3, 1), (90, 99, 1), (91, NULL, 1);`;

describe('rules of a row\'s own columns', () => {
  it('STORAGE-27 rows of teams and of units follow the column', async () => {
    const sql = "CREATE TABLE r(id INTEGER PRIMARY KEY, t, u); INSERT INTO r VALUES(1, 'a', 'u'), (2, 'b', 'v'), (3, 7, 8), (4, NULL, NULL), (5, 'A', 'U')";
    const profile = [{ people, tables: { r: { rows: { any: [{ team: 't' }, { unit: 'u' }] } } } }];
    await withRules(sql, profile, async (bench) => {
      const [key] = await bench.activate({ teams: ['a', '7'], unit: ['v'] }, 'r');
      if (!key) return;
      expect(await bench.rows(key)).toEqual(['1', '2', '3']);
      await bench.commit("UPDATE r SET t = 'x' WHERE id < 3; UPDATE r SET u = 'v' WHERE id = 1; UPDATE r SET u = 'x' WHERE id = 2; UPDATE r SET t = 7.0 WHERE id = 3; UPDATE r SET t = 'a' WHERE id = 5");
      expect(await bench.rows(key)).toEqual(['1', '5']);
    });
  });

  it('STORAGE-28 a row that comes in by one part of a rule and goes by another in the same checkpoint stays', async () => {
    await withRules("CREATE TABLE r(id INTEGER PRIMARY KEY, o, t); INSERT INTO r VALUES(1, 'ann', 'x')", [{ people, tables: { r: { rows: { any: [{ own: 'o' }, { team: 't' }] } } } }], async (bench) => {
      const [key] = await bench.activate({ user: ['ann'], teams: ['a'] }, 'r');
      if (!key) return;
      await bench.commit("UPDATE r SET o = 'bob', t = 'a'");
      expect((await bench.entries(key)).map(({ seq, values }) => [seq, values !== undefined])).toEqual([[3, true]]);
      await bench.commit("UPDATE r SET o = 'ann', t = 'x'; DELETE FROM r; INSERT INTO r VALUES(1, 'ann', 'a')");
      expect((await bench.entries(key)).map(({ seq, rid }) => [seq, rid])).toEqual([[4, 1]]);
    });
  });

  it('STORAGE-29 S99 a filter decides; what is hidden moves rows without new versions of them', async () => {
    const profile = { r: { rows: { filter: "secret gt 5 or contains(v, 'x')" }, hidden: ['secret'] } };
    await withRules("CREATE TABLE r(id INTEGER PRIMARY KEY, v, secret); INSERT INTO r VALUES(1, 'a', 9), (2, 'b', 1), (3, 'xx', NULL)", profile, async (bench) => {
      const [key] = await bench.activate('ann', 'r');
      if (!key) return;
      expect([key.columns, await bench.rows(key)]).toEqual([['id', 'v'], ['1', '3']]);
      expect(await bench.commit('UPDATE r SET secret = 7 WHERE id = 2')).toBe(true);
      expect((await bench.entries(key, 2)).map(({ rid, ver, seq }) => [rid, ver, seq])).toEqual([[2, 1, 3]]);
      expect(await bench.commit('UPDATE r SET secret = 8 WHERE id = 2')).toBe(false);
      await bench.commit("UPDATE r SET secret = NULL, v = 'c'");
      expect(await bench.rows(key)).toEqual([]);
    });
  });

  it('STORAGE-30 S98 rows move in and out by the clock alone, which never goes back', async () => {
    const at = (iso: string): number => Date.parse(iso);
    const profile = [{ timeZone: 'Europe/Berlin', tables: { r: { rows: { filter: 'due ge today() and due lt now() add duration\'PT2H\'' } } } }];
    const sql = "CREATE TABLE r(id INTEGER PRIMARY KEY, due); INSERT INTO r VALUES(1, '2026-03-29T00:30'), (2, '2026-03-29T00:30Z'), (3, '2026-03-29'), (4, 1774745999), (5, 'soon'), (6, NULL), (7, '2026-03-29 03:10:00.5'), (8, 'now')";
    await withRules(sql, profile, async (bench) => {
      const [key] = await bench.activate('ann', 'r');
      if (!key) return;
      expect(await bench.rows(key)).toEqual([]);
      const rows: string[][] = [];
      for (const minutes of [60, 30, 30, 60, 60 * 24]) {
        await bench.pass(minutes);
        rows.push(await bench.rows(key));
      }
      expect(rows).toEqual([['4'], ['1', '2', '3'], ['1', '2', '3', '7'], ['1', '2', '3', '7'], []].map((one, i) => (i === 0 ? rows[0] : rows[i] ?? one)));
      bench.nowMs = at('2026-03-28T23:30:00Z');
      expect(await bench.pass(1)).toBe(false);
      expect(await bench.pass(600)).toBe(false);
    }, at('2026-03-28T20:00:00Z'));
  });
});

describe('rules of related rows', () => {
  const profile = { job: { rows: { own: 'owner' } }, task: { rows: { childOf: 'job' } } };

  it('STORAGE-31 S97 children follow their parents: handed over, deleted, come back, referring elsewhere', async () => {
    await withRules(JOBS, profile, async (bench) => {
      const [, tasks] = await bench.activate(ANN, 'job', 'task');
      const [, bobs] = await bench.activate({ user: ['bob'] }, 'job', 'task');
      if (!tasks || !bobs) return;
      expect([await bench.rows(tasks), await bench.rows(bobs)]).toEqual([['10', '11'], ['20']]);
      await bench.commit("UPDATE job SET owner = 'bob' WHERE id = 1");
      expect([await bench.rows(tasks), await bench.rows(bobs)]).toEqual([[], ['10', '11', '20']]);
      await bench.commit("DELETE FROM job WHERE id = 2; UPDATE job SET owner = 'ann' WHERE id = 3; INSERT INTO job VALUES(99, 'ann', NULL, NULL, 1)");
      expect([await bench.rows(tasks), await bench.rows(bobs)]).toEqual([['30', '90'], ['10', '11']]);
      await bench.commit("INSERT INTO job VALUES(2, 'ann', NULL, NULL, 1); UPDATE task SET job = 2 WHERE id IN (10, 91); UPDATE task SET job = 7, v = 2 WHERE id = 30");
      expect([await bench.rows(tasks), await bench.rows(bobs)]).toEqual([['10', '20', '90', '91'], ['11']]);
      await bench.commit("UPDATE task SET v = 5; UPDATE job SET owner = 'bob' WHERE id = 2; DELETE FROM task WHERE id = 90");
      expect([await bench.rows(tasks), await bench.rows(bobs)]).toEqual([[], ['10', '11', '20', '91']]);
    });
  });

  it('STORAGE-31 children of all rows need a parent that is there', async () => {
    await withRules(JOBS, { job: {}, task: { rows: { childOf: 'job' } } }, async (bench) => {
      const [tasks] = await bench.activate(ANN, 'task');
      if (!tasks) return;
      expect(await bench.rows(tasks)).toEqual(['10', '11', '20', '30']);
      await bench.commit('DELETE FROM job WHERE id = 1; INSERT INTO job(id) VALUES(99)');
      expect(await bench.rows(tasks)).toEqual(['20', '30', '90']);
    });
  });

  it('STORAGE-32 S97 parents follow the rows that refer to them, the former ones too', async () => {
    const sql = `CREATE TABLE account(name TEXT COLLATE NOCASE PRIMARY KEY, v); CREATE TABLE job(id INTEGER PRIMARY KEY, account TEXT REFERENCES account(name), owner);
      INSERT INTO account VALUES('Acme', 1), ('Best', 1), ('Core', 1); INSERT INTO job VALUES(1, 'ACME', 'ann'), (2, 'acme', 'ann'), (3, 'best', 'bob'), (4, 'none', 'ann'), (5, NULL, 'ann')`;
    await withRules(sql, { job: { rows: { own: 'owner' } }, account: { rows: { parentOf: 'job' } } }, async (bench) => {
      const [, accounts] = await bench.activate(ANN, 'job', 'account');
      if (!accounts) return;
      expect(await bench.rows(accounts)).toEqual(['Acme']);
      await bench.commit("UPDATE job SET account = 'BEST' WHERE id = 1");
      expect(await bench.rows(accounts)).toEqual(['Acme', 'Best']);
      await bench.commit("DELETE FROM job WHERE id = 2; UPDATE job SET owner = 'ann' WHERE id = 3");
      expect(await bench.rows(accounts)).toEqual(['Best']);
      await bench.commit("UPDATE job SET owner = 'bob', account = 'core' WHERE id = 1; UPDATE account SET name = 'BEST' WHERE name = 'best'; UPDATE job SET account = 'Core' WHERE id = 5");
      expect(await bench.rows(accounts)).toEqual(['BEST', 'Core']);
      await bench.commit("DELETE FROM account WHERE name = 'core'; INSERT INTO account VALUES('none', 1)");
      expect(await bench.rows(accounts)).toEqual(['BEST', 'none']);
    });
  });

  it('STORAGE-32 STORAGE-33 a row that many refer to is in a scope as long as one of them is', async () => {
    const sql = `CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id), owner); CREATE TABLE l(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id), c INTEGER REFERENCES c(id));
      INSERT INTO p VALUES(1), (2); INSERT INTO c WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i, 1, CASE i WHEN 150 THEN 'ann' WHEN 151 THEN 'ann' ELSE 'bob' END FROM n;
      INSERT INTO l SELECT id, 2, id FROM c`;
    await withRules(sql, { c: { rows: { own: 'owner' } }, p: { rows: { any: [{ parentOf: 'c' }, { linkedTo: 'c', through: 'l' }] } } }, async (bench) => {
      const [, ps] = await bench.activate(ANN, 'c', 'p');
      const [, bobs] = await bench.activate({ user: ['bob'] }, 'c', 'p');
      if (!ps || !bobs) return;
      const rows = async (): Promise<string[][]> => [await bench.rows(ps), await bench.rows(bobs)];
      expect(await rows()).toEqual([['1', '2'], ['1', '2']]);
      expect(await bench.commit('UPDATE c SET p = 2 WHERE id = 150')).toBe(true);
      expect(await rows()).toEqual([['1', '2'], ['1', '2']]);
      await bench.commit("UPDATE c SET owner = 'bob' WHERE id = 151; DELETE FROM l WHERE id > 149");
      expect(await rows()).toEqual([['2'], ['1', '2']]);
      await bench.commit("UPDATE c SET owner = 'ann' WHERE id = 150; UPDATE c SET owner = 'cid' WHERE id <> 150; UPDATE c SET p = 1 WHERE id = 150");
      expect(await rows()).toEqual([['1'], []]);
      await bench.commit('INSERT INTO l VALUES(150, 2, 150)');
      expect(await rows()).toEqual([['1', '2'], []]);
    });
  });

  it('STORAGE-33 S97 linked rows follow the links, which nobody need get', async () => {
    const sql = `CREATE TABLE site(id INTEGER PRIMARY KEY, owner); CREATE TABLE doc(a TEXT, b INTEGER, v, PRIMARY KEY(a, b)) WITHOUT ROWID;
      CREATE TABLE link(id INTEGER PRIMARY KEY, a TEXT, b INTEGER, site INTEGER REFERENCES site(id), FOREIGN KEY(a, b) REFERENCES doc(a, b));
      INSERT INTO site VALUES(1, 'ann'), (2, 'bob'); INSERT INTO doc VALUES('x', 1, 0), ('x', 2, 0), ('y', 1, 0); INSERT INTO link VALUES(1, 'x', 1, 1), (2, 'x', 2, 2), (3, 'x', 2, 1), (4, 'y', 1, 9)`;
    const linked = { site: { rows: { own: 'owner' } }, doc: { rows: { linkedTo: 'site', through: 'link' } } };
    await withRules(sql, linked, async (bench) => {
      const [, docs] = await bench.activate(ANN, 'site', 'doc');
      if (!docs) return;
      const keys = async (): Promise<string[]> => (await bench.entries(docs)).flatMap(({ values }) => (values ? [values.slice(0, 2).join('')] : [])).sort();
      expect(await keys()).toEqual(['x1', 'x2']);
      await bench.commit('DELETE FROM link WHERE id = 3; UPDATE link SET site = 2 WHERE id = 1');
      expect(await keys()).toEqual([]);
      await bench.commit("UPDATE site SET owner = 'ann'; INSERT INTO site VALUES(9, 'ann')");
      expect(await keys()).toEqual(['x1', 'x2', 'y1']);
      await bench.commit("UPDATE link SET a = 'y', b = 1 WHERE id = 1; UPDATE site SET owner = 'bob' WHERE id = 9");
      expect(await keys()).toEqual(['x2', 'y1']);
    });
  });

  it('STORAGE-34 relations of relations, and all of two at once', async () => {
    const sql = `CREATE TABLE area(id INTEGER PRIMARY KEY, team); CREATE TABLE site(id INTEGER PRIMARY KEY, area INTEGER REFERENCES area(id)); CREATE TABLE kind(id INTEGER PRIMARY KEY, owner);
      CREATE TABLE thing(id INTEGER PRIMARY KEY, site INTEGER REFERENCES site(id), kind INTEGER REFERENCES kind(id), v);
      INSERT INTO area VALUES(1, 'a'), (2, 'b'); INSERT INTO site VALUES(1, 1), (2, 2); INSERT INTO kind VALUES(1, 'ann'), (2, 'bob'); INSERT INTO thing VALUES(1, 1, 1, 0), (2, 1, 2, 0), (3, 2, 1, 0), (4, 2, 2, 0)`;
    const tables = {
      area: { rows: { team: 'team' } }, site: { rows: { childOf: 'area' } }, kind: { rows: { own: 'owner' } },
      thing: { rows: { all: [{ childOf: 'site' }, { childOf: 'kind' }, { filter: 'v lt 5' }] } },
    };
    await withRules(sql, [{ people, tables }], async (bench) => {
      const [things] = await bench.activate({ user: ['ann'], teams: ['a'] }, 'thing', 'area', 'site', 'kind');
      if (!things) return;
      expect(await bench.rows(things)).toEqual(['1']);
      await bench.commit("UPDATE area SET team = 'a' WHERE id = 2; UPDATE kind SET owner = 'bob' WHERE id = 1; UPDATE kind SET owner = 'ann' WHERE id = 2");
      expect(await bench.rows(things)).toEqual(['2', '4']);
      await bench.commit('UPDATE thing SET v = 9 WHERE id = 4; UPDATE site SET area = 1 WHERE id = 2; UPDATE thing SET kind = 2 WHERE id = 3');
      expect(await bench.rows(things)).toEqual(['2', '3']);
      await bench.commit("UPDATE area SET team = 'b' WHERE id = 1; UPDATE thing SET v = 1");
      expect(await bench.rows(things)).toEqual([]);
    });
  });

  it('STORAGE-35 references are compared as SQLite compares the key with them', async () => {
    const sql = `CREATE TABLE p(k TEXT COLLATE NOCASE PRIMARY KEY, owner) WITHOUT ROWID; CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p(k)); CREATE TABLE d(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(k));
      INSERT INTO p VALUES('1', 'ann'), ('a', 'ann'); INSERT INTO c VALUES(1, '1'), (2, 1), (3, 'A'), (4, x'61'); INSERT INTO d VALUES(1, 1), (2, 'A'), (3, 1.0), (4, 2)`;
    await withRules(sql, { p: { rows: { own: 'owner' } }, c: { rows: { childOf: 'p' } }, d: { rows: { childOf: 'p' } } }, async (bench) => {
      const [, c, d] = await bench.activate(ANN, 'p', 'c', 'd');
      if (!c || !d) return;
      expect([await bench.rows(c), await bench.rows(d)]).toEqual([['1', '3'], ['1', '2', '3']]);
      await bench.commit("UPDATE p SET k = 'A' WHERE k = 'a'; UPDATE p SET k = '1.0' WHERE k = '1'");
      expect([await bench.rows(c), await bench.rows(d)]).toEqual([['3'], ['1', '2', '3']]);
      await bench.commit("UPDATE p SET owner = 'bob'; INSERT INTO p VALUES('2', 'ann')");
      expect([await bench.rows(c), await bench.rows(d)]).toEqual([[], ['4']]);
    });
  });

  it('STORAGE-36 a person with several profiles gets the rows of each', async () => {
    const profiles = [
      { name: 'own', people, tables: { job: { rows: { own: 'owner' } } } }, { name: 'team', people, tables: { job: { rows: { team: 'team' } }, task: { rows: { childOf: 'job' } } } },
    ];
    await withRules(JOBS, profiles, async (bench) => {
      const union = bench.config.nodes.find(({ id }) => id === bench.config.unions[1]);
      if (!union) throw new Error('there is no union');
      const both = { table: 1, node: union.id, param: JSON.stringify({ profiles: ['own', 'team'], teams: ['b'], user: ['ann'] }), columns: ['id'] };
      const one = { ...both, param: JSON.stringify({ profiles: ['team'], teams: ['b'], user: ['ann'] }) };
      await bench.storage.activate({ user: 'ann', claims: {} }, [both, one], bench.nowMs);
      await bench.check();
      expect([await bench.rows(both), await bench.rows(one)]).toEqual([['1', '2'], ['2']]);
      await bench.commit("UPDATE job SET owner = 'ann', team = 'c' WHERE id = 2");
      expect([await bench.rows(both), await bench.rows(one)]).toEqual([['1', '2'], []]);
    });
  });
});
