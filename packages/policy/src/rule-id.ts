// A: the page of November 2022. B: the page of May 2024. C: ours. N: network and settings, ours. S: where the pages are silent.
export const RULE_IDS = [
  'A1', 'A2', 'A3', 'A4', 'A5', 'A6', 'A7', 'A8', 'A9', 'A10', 'A11', 'A12', 'A13', 'A14', 'A15', 'A16',
  'B1', 'B2', 'B3', 'B4', 'B5', 'B6', 'B7', 'B8', 'B9', 'B10', 'B11', 'B12', 'B13',
  'C1', 'C2', 'C3', 'C4', 'C5',
  'N1', 'N2', 'N3',
  'S1', 'S2',
] as const;
export type RuleId = (typeof RULE_IDS)[number];
