// What both pages leave open, decided by us and used by both of their rule sets.
import type { Citation, Row } from '../rule-set.ts';

const OURS: Citation = { page: 'packages/policy/SPEC.md', section: 'where the pages are silent' };

export const S1: Row = {
  id: 'S1', cite: OURS, says: 'In front and unlocked, a sync runs and new ones may start.',
  note: 'The page of November 2022 says so of iOS only (A9) and takes it for granted elsewhere.',
  cases: [{ when: { platform: ['android', 'windows10', 'windows11', 'web', 'node'], place: ['visible'] }, active: { engine: 'run' }, fresh: { engine: 'start' } }],
};

export const S2: Row = {
  id: 'S2', cite: OURS, says: 'While the OS lets no code of the app run, the sync is suspended; it goes on when the OS lets the app run again.',
  note: 'Frozen pages, cached processes and sleeping machines: the pages do not know them.',
  cases: [{
    when: { place: ['frozen'] },
    active: { engine: 'suspend', endsBy: ['come-back', 'wake'] }, fresh: { engine: 'wait', endsBy: ['come-back', 'wake'] },
  }],
};
