import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FRAMES } from './frame.ts';
import { syncRequest } from './messages/request.ts';
import { LEDGER, OLDEST_VERSION, PROTOCOL_VERSION } from './version.ts';

const forms = { ...Object.fromEntries(Object.entries(FRAMES).map(([name, shape]) => [name, shape.form])), syncRequest: syncRequest.form };
const hash = createHash('sha256').update(JSON.stringify(forms)).digest('hex');

describe('the ledger', () => {
  it('P13 the last line has the hash of all messages\' forms', () => {
    const line = `{ version: ${PROTOCOL_VERSION + 1}, date: '<today>', hash: '${hash}', change: '<what changed, and what an older peer makes of it>' }`;
    const advice = `A message's form changed. If a version with the old form was released, add a line to LEDGER in src/version.ts:\n  ${line},\nadd transcripts/v${PROTOCOL_VERSION + 1}, and leave the older transcripts as they are. If none was released, put the new hash into the last line.`;
    expect(LEDGER.at(-1)?.hash, advice).toBe(hash);
  });

  it('P13 versions rise by one, dates do not fall, and the oldest version is one of them', () => {
    expect(LEDGER.map(({ version }) => version)).toEqual(LEDGER.map((_, i) => i + 1));
    const dates = LEDGER.map(({ date }) => date);
    expect(dates).toEqual([...dates].sort());
    expect(dates.every((date) => /^\d{4}-\d\d-\d\d$/.test(date))).toBe(true);
    expect(PROTOCOL_VERSION).toBe(LEDGER.length);
    expect(OLDEST_VERSION).toBeGreaterThanOrEqual(1);
    expect(OLDEST_VERSION).toBeLessThanOrEqual(PROTOCOL_VERSION);
  });
});
