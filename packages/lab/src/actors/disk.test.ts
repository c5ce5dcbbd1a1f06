import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { packStoreContract } from '@carryon/client/testing';
import { describe, expect, it } from 'vitest';
import { LabDisk } from './disk.ts';

packStoreContract('on a disk of the lab', async () => {
  const disk = new LabDisk();
  return {
    open: async () => disk.packStore(),
    read: async (source) => ('path' in source ? readFileSync(source.path) : source.bytes),
    end: () => disk.close(),
  };
});

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const BYTES = Buffer.from('the bytes of a pack');
const NAME = sha256(BYTES);

describe('LabDisk', () => {
  it('loses at a loss of power what was not written through, and keeps what was', async () => {
    const disk = new LabDisk();
    const store = disk.packStore();
    const kept = await store.write(NAME);
    await kept.append(BYTES);
    await kept.keep();
    const other = await store.write('0'.repeat(64));
    await other.append(BYTES);
    disk.adopt('1'.repeat(64), BYTES);
    await disk.powerLoss();
    expect(await disk.packStore().list()).toEqual([
      { name: '1'.repeat(64), bytes: BYTES.length, complete: true }, { name: NAME, bytes: BYTES.length, complete: true },
    ]);
    await disk.close();
  });

  it('a pack that the OS puts in place while a process writes it is whole, and the process is told', async () => {
    const disk = new LabDisk();
    const writer = await disk.packStore().write(NAME);
    await writer.append(BYTES.subarray(0, 5));
    disk.adopt(NAME, BYTES);
    await writer.append(BYTES.subarray(5));
    expect(await writer.digest()).toEqual({ bytes: BYTES.length, sha256: NAME });
    await expect(writer.keep()).rejects.toMatchObject({ code: 'device.storage' });
    expect(await disk.packStore().list()).toEqual([{ name: NAME, bytes: BYTES.length, complete: true }]);
    await disk.close();
  });

  it('with skipSync a pack that was kept is there and not whole', async () => {
    const disk = new LabDisk({ skipSync: true });
    const writer = await disk.packStore().write(NAME);
    await writer.append(BYTES);
    await writer.keep();
    await disk.powerLoss();
    expect(await disk.packStore().list()).toEqual([{ name: NAME, bytes: 0, complete: true }]);
    await disk.close();
  });

  it('a full disk takes nothing, and a freed one goes on', async () => {
    const disk = new LabDisk({ capacityBytes: 30 });
    const db = disk.sqlite();
    const writer = await disk.packStore().write(NAME);
    await writer.append(BYTES);
    expect(await disk.packStore().freeBytes()).toBe(30 - BYTES.length);
    await expect(writer.append(BYTES)).rejects.toMatchObject({ code: 'device.disk-full' });
    disk.fill();
    await expect(db.exec('CREATE TABLE t(x)')).rejects.toMatchObject({ code: 'device.disk-full' });
    disk.free();
    await db.exec('CREATE TABLE t(x)');
    await disk.close();
  });

  it('cannot be read before the first unlock', async () => {
    const disk = new LabDisk();
    const db = disk.sqlite();
    disk.setReadable(false);
    await expect(disk.packStore().list()).rejects.toMatchObject({ code: 'device.storage' });
    await expect(db.all('SELECT 1')).rejects.toMatchObject({ code: 'device.storage' });
    expect(() => disk.sqlite()).toThrow();
    await disk.close();
  });

  it('the end of a process undoes its transaction', async () => {
    const disk = new LabDisk();
    const db = disk.sqlite((call) => (call === 'commit' ? new Promise<void>(() => undefined) : undefined));
    await db.exec('CREATE TABLE t(x)');
    void db.transaction(() => db.run('INSERT INTO t VALUES(1)'));
    await new Promise((resolve) => { setImmediate(resolve); });
    await disk.processEnded();
    expect(await disk.sqlite().all('SELECT * FROM t')).toEqual([]);
    await disk.close();
  });
});
