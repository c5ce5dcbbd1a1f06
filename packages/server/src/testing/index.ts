export { createWorstCase, mutateWorstCase, WORST_CASE_TABLES, worstCaseProfile } from './worst-case.ts';
export { seeded, type Fraction } from './worst-case-changes.ts';
