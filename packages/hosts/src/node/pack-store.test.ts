import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packStoreContract } from '@carryon/client/testing';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../testing/folder.ts';
import { NodePackStore } from './pack-store.ts';

packStoreContract('Node', async () => {
  const folder = temporaryFolder();
  return {
    open: () => NodePackStore.open(join(folder.path, 'packs')),
    read: (source) => ('path' in source ? readFile(source.path) : Promise.resolve(source.bytes)),
    end: async () => folder.remove(),
  };
});

const NAME = 'ab'.repeat(32);

it('PACKS-10 files that are no packs are left alone; unpacked ones of an earlier process go', async () => {
  const folder = temporaryFolder();
  const store = await NodePackStore.open(folder.path);
  for (const file of ['.DS_Store', 'Thumbs.db', `${NAME}.db`, `${NAME}.part`, `${NAME}.tmp`]) writeFileSync(join(folder.path, file), 'abc');
  expect(await store.list()).toEqual([{ name: NAME, bytes: 3, complete: false }]);
  expect(readdirSync(folder.path).sort()).toEqual(['.DS_Store', 'Thumbs.db', `${NAME}.part`, `${NAME}.tmp`].sort());
  folder.remove();
});

it('PACKS-11 a fault of the disk is the device\'s, not the pack\'s', async () => {
  const folder = temporaryFolder();
  const store = await NodePackStore.open(folder.path);
  mkdirSync(join(folder.path, `${NAME}.part`));
  mkdirSync(join(folder.path, NAME));
  const storage = expect.objectContaining({ code: 'device.storage' });
  await expect(store.write(NAME)).rejects.toThrow(storage);
  await expect(store.digest(NAME)).rejects.toThrow(storage);
  await expect(store.unpack(NAME, 'gzip', 3)).rejects.toThrow(storage);
  writeFileSync(join(folder.path, 'file'), '');
  await expect(NodePackStore.open(join(folder.path, 'file', 'packs'))).rejects.toThrow(storage);
  folder.remove();
});
