import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseFrame } from './frame.ts';
import { syncRequest } from './messages/request.ts';
import { decodeValue, encodeValue } from './value.ts';
import { OLDEST_VERSION, PROTOCOL_VERSION } from './version.ts';

const FOLDER = new URL('../transcripts/', import.meta.url);
const linesOf = (path: string): string[] => readFileSync(new URL(path, FOLDER), 'utf8').trimEnd().split('\n');
const versions = Array.from({ length: PROTOCOL_VERSION - OLDEST_VERSION + 1 }, (_, i) => `v${OLDEST_VERSION + i}`);

describe('transcripts', () => {
  for (const version of versions) {
    const files = readdirSync(new URL(version, FOLDER)).filter((file) => file !== 'requests.ndjson');

    it.each(files)(`P14 ${version}/%s is read, every frame as it was written`, (file) => {
      const lines = linesOf(`${version}/${file}`);
      const frames = lines.map(parseFrame);
      expect(frames.filter((frame) => frame !== undefined)).toEqual(lines.map((line) => JSON.parse(line) as unknown).filter((_, i) => frames[i] !== undefined));
      expect(frames[0]).toHaveProperty('header');
      const unknown = frames.filter((frame) => frame === undefined);
      expect(unknown).toHaveLength(file === 'newer-server.ndjson' ? 1 : 0);
    });

    it(`P14 ${version}: requests are read`, () => {
      for (const line of linesOf(`${version}/requests.ndjson`)) expect(syncRequest.problem(JSON.parse(line), '')).toBeUndefined();
    });
  }

  it('P14 v1: values of all kinds mean what they meant', () => {
    const rows = linesOf('v1/feed.ndjson').map(parseFrame).flatMap((frame): unknown[][] => (Array.isArray(frame) && frame[0] === 'P' ? [[...(frame as readonly unknown[])]] : []));
    const wires = rows.map((row) => row[3]);
    expect(wires.map(decodeValue)).toEqual([
      null, 0n, -1n, 9007199254740991n, 9007199254740992n, -9223372036854775808n, 9223372036854775807n,
      1.5, 5e-324, 1, -0, 1e300, Infinity, -Infinity, '', 'Grüße, 世界 🚐 \0 \n " \\', new Uint8Array(), new Uint8Array([0, 255, 128]), new Uint8Array([255]),
    ]);
    expect(wires.map((wire) => encodeValue(decodeValue(wire)))).toEqual(wires);
  });
});
