// The network and the person's settings, ours, on top of every rule set. They only ever take away.
import type { ActiveOutcome, Case, Citation, FreshOutcome, Row } from '../rule-set.ts';
import type { Condition } from '../facts.ts';
import type { EndEvent } from '../verdict.ts';

const OURS: Citation = { page: 'packages/policy/SPEC.md', section: 'network and settings' };

// A first sync may go on applying the packs that are stored; the other kinds are nothing without requests.
function withoutRequests(when: Condition, endsBy: readonly [EndEvent, ...EndEvent[]]): readonly Case[] {
  const local: ActiveOutcome = { engine: 'local', endsBy };
  const suspend: ActiveOutcome = { engine: 'suspend', endsBy };
  const wait: FreshOutcome = { engine: 'wait', endsBy };
  return [
    { when: { ...when, kind: ['first'] }, active: local, fresh: wait, transfers: 'hold' },
    { when: { ...when, kind: ['delta', 'full-delta', 'table', 'upload'] }, active: suspend, fresh: wait, transfers: 'hold' },
  ];
}

export const NETWORK_ROWS: readonly Row[] = [
  {
    id: 'N1', cite: OURS, says: 'Without a network there are no requests; a first sync may go on applying what is stored.',
    cases: withoutRequests({ network: ['none'] }, ['network']),
  },
  {
    id: 'N2', cite: OURS, says: 'With Wi-Fi only, nothing is sent or fetched on a metered network; a first sync may go on applying what is stored.',
    cases: withoutRequests({ network: ['metered'], wifiOnly: [true] }, ['unmetered', 'setting-wifi-only']),
  },
  {
    id: 'N3', cite: OURS, says: 'In manual mode only what the person asks for starts, besides a first sync and uploads. What has begun goes on.',
    cases: [{
      when: { mode: ['manual'], byPerson: [false], kind: ['delta', 'full-delta', 'table'] },
      fresh: { engine: 'wait', endsBy: ['sync-now', 'setting-mode'] },
    }],
  },
];
