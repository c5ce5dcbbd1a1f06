import { describe, expect, it } from 'vitest';
import { EditingDevice, pushOf, type NamedChange } from '../../../testing/edits.ts';
import { withStore } from '../../../testing/temp-store.ts';
import { Database } from '../driver.ts';
import { raw } from '../rules/sql.ts';
import type { Access } from './access.ts';
import { takeUpload } from './upload.ts';

const RIGHTS = ['create', 'read', 'update', 'delete'];
const SQL = `
  CREATE TABLE job(id TEXT PRIMARY KEY, v, w UNIQUE, must NOT NULL DEFAULT 1, "secret margin" NOT NULL, secret_code UNIQUE, n INTEGER CHECK(n < 1000), m CHECK(m < 5 OR [secret margin] > 3 OR v = 'id'),
    x, CONSTRAINT small_x CHECK(x < 10), CONSTRAINT secret_code CHECK(x <> 5), UNIQUE(v, secret_code));
  CREATE TABLE audit(id INTEGER PRIMARY KEY, hidden_note NOT NULL, amount CHECK(amount < 100));
  CREATE UNIQUE INDEX secret_index ON job(x, abs(secret_code));
  INSERT INTO job(id, v, w, "secret margin", secret_code) VALUES('a', 1, 1, 1, 1), ('b', 2, 2, 2, 2);
  CREATE TRIGGER fill AFTER UPDATE OF v ON job BEGIN
    SELECT RAISE(ABORT, 'secret_code is what the trigger says') WHERE NEW.v = 'raise';
    UPDATE job SET "secret margin" = NULL WHERE id = NEW.id AND NEW.v = 'null';
    UPDATE job SET secret_code = 2 WHERE id = NEW.id AND NEW.v = 'twice';
    INSERT INTO audit(hidden_note) SELECT NULL WHERE NEW.v = 'audit';
    INSERT INTO audit(hidden_note, amount) SELECT 1, 100 WHERE NEW.v = 'amount';
    UPDATE job SET x = json_extract('{', '$') WHERE NEW.v = 'json';
  END;
  CREATE TRIGGER broken AFTER DELETE ON job BEGIN INSERT INTO gone VALUES(OLD.secret_code); END;`;
const PROFILE = { job: { columns: ['v', 'w', 'must', 'n', 'm', 'x'], rights: RIGHTS } };
const set = (column: string, value: unknown): NamedChange => ({ update: 'job', key: ['a'], set: { [column]: [1, value] } });

describe('a rule that SQLite cannot work out', () => {
  it('S72 is no fault of the edit: nothing is taken in', () => withStore("CREATE TABLE t(id TEXT PRIMARY KEY, v, due); INSERT INTO t VALUES('a', 1, 1)", { t: { rights: RIGHTS } }, async ({ storage, tables, business, files }) => {
    await storage.prepare(() => undefined);
    const device = new EditingDevice(storage, tables);
    const db = new Database(files.database);
    db.exec('PRAGMA foreign_keys = ON');
    const access = { tables, isNobody: false, mayWrite: true, sees: () => raw('json_extract(\'{\', \'$\')'), allows: () => raw('1') } as unknown as Access;
    for (const change of [{ update: 't', key: ['a'], set: { v: [1, 2] } }, { delete: 't', key: ['a'] }]) expect(() => takeUpload(db, access, device.upload(pushOf(tables, [[change as NamedChange]]))), JSON.stringify(change)).toThrow('malformed JSON');
    db.close();
    expect([business.prepare('SELECT v FROM t').all(), business.prepare('SELECT * FROM _carryon_device').all()]).toEqual([[{ v: 1 }], []]);
  }));
});

describe('what SQLite says of a refused change', () => {
  it.each<[string, NamedChange, string, string]>([
    ['a column of theirs', set('must', null), 'write.rejected', 'NOT NULL constraint failed: job.must'],
    ['a column of theirs that is unique', set('w', 2), 'write.unique', 'UNIQUE constraint failed: job.w'],
    ['a condition over columns of theirs', set('n', 1000), 'write.rejected', 'CHECK constraint failed: n < 1000'],
    ['a condition with a name', set('x', 10), 'write.rejected', 'CHECK constraint failed: small_x'],
    ['the words of a trigger', set('v', 'raise'), 'write.rejected', 'secret_code is what the trigger says'],
    ['what names nothing', set('v', 'json'), 'write.rejected', 'malformed JSON'],
  ])('S76 is told: %s', (_, change, code, words) => withStore(SQL, PROFILE, async ({ storage, tables }) => {
    await storage.prepare(() => undefined);
    const { refused } = await new EditingDevice(storage, tables).one(change) ?? expect.fail('it was taken in');
    expect([refused?.code, refused?.message.includes(`: ${words}.`)]).toEqual([code, true]);
  }));

  it.each<[string, NamedChange, string]>([
    ['a column that a new row lacks', { insert: 'job', key: ['c'], set: {} }, 'write.rejected'],
    ['a column that a trigger empties', set('v', 'null'), 'write.rejected'],
    ['a column that a trigger doubles', set('v', 'twice'), 'write.unique'],
    ['a column of another table', set('v', 'audit'), 'write.rejected'],
    ['a condition of another table', set('v', 'amount'), 'write.rejected'],
    ['a condition over columns that they do not have', set('m', 7), 'write.rejected'],
    ['a constraint with the name of such a column', set('x', 5), 'write.rejected'],
    ['what a broken trigger lacks', { delete: 'job', key: ['a'] }, 'write.rejected'],
  ])('S76 S47 I12 is not told: %s', (_, change, code) => withStore(SQL, PROFILE, async ({ storage, tables, business }) => {
    await storage.prepare(() => undefined);
    business.exec("UPDATE job SET x = 7 WHERE id = 'b'");
    const { refused } = await new EditingDevice(storage, tables).one(change) ?? expect.fail('it was taken in');
    const [error] = business.prepare('SELECT * FROM carryon_sync_error').all();
    expect([refused?.code, error?.['message']]).toEqual([code, refused?.message]);
    expect(refused?.message).not.toMatch(/secret|margin|audit|hidden|amount|gone/);
  }));
});
