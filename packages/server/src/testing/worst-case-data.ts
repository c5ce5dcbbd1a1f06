import type { SQLInputValue } from 'node:sqlite';

/** Every table of the worst-case database that can be synced, with its key and the priority its profile gives it. */
export const WORST_CASE_TABLES = [
  { name: 'plain', key: ['id'], priority: 0 },
  { name: 'numbered', key: ['id'], priority: 1 },
  { name: 'text key', key: ['code'], priority: 2 },
  { name: 'composite', key: ['region', 'number'], priority: 3 },
  { name: 'without_rowid', key: ['a', 'b'], priority: 4 },
  { name: 'strict_any', key: ['id'], priority: 5 },
  { name: 'strict_any_key', key: ['k'], priority: 6 },
  { name: 'select', key: ['from'], priority: 7 },
  { name: 'Order Details', key: ['Order ID', 'Product ID'], priority: 8 },
  { name: 'we"ird', key: ['it\'s "key"'], priority: 9 },
  { name: 'Übersicht 表 🚀', key: ['schlüssel'], priority: 0 },
  { name: 'untyped', key: ['id'], priority: 1 },
  { name: 'typed', key: ['id'], priority: 2 },
  { name: 'generated', key: ['id'], priority: 3 },
  { name: 'parents', key: ['id'], priority: 4 },
  { name: 'children_cascade', key: ['id'], priority: 5 },
  { name: 'children_null', key: ['id'], priority: 5 },
  { name: 'tree', key: ['id'], priority: 6 },
  { name: 'nocase_key', key: ['code'], priority: 7 },
  { name: 'rtrim_key', key: ['code'], priority: 8 },
  { name: 'many_uniques', key: ['id'], priority: 9 },
  { name: 'unique_only', key: ['code'], priority: 0 },
  { name: 'real_key', key: ['k'], priority: 1 },
  { name: 'blob_key', key: ['k'], priority: 2 },
  { name: 'untyped_key', key: ['k'], priority: 3 },
  { name: 'audit', key: ['id'], priority: 4 },
  { name: 'empty_integer', key: ['id'], priority: 5 },
  { name: 'empty_text', key: ['code'], priority: 6 },
  { name: 'documents', key: ['id'], priority: 7 },
  { name: 'wide', key: ['id'], priority: 8 },
  { name: 'many', key: ['id'], priority: 9 },
] as const;

/** Values that something on the way could spoil. Whole JS numbers are REAL here, as elsewhere in tests. */
export const WORST_VALUES: readonly SQLInputValue[] = [
  null, 0n, 1n, -1n, 9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n, 9_007_199_254_740_993n, -9_007_199_254_740_993n,
  1.5, -2.5e-3, 1e308, 5e-324, 0.1, Infinity, -Infinity, 1_234_567_890.123_456_7,
  '', 'a', 'A', ' trailing ', '0', '1', '1.0', '007', '1e3', 'NULL', 'nul\0inside', '\0', 'emoji 👩‍🔧 and 中文', 'combining e\u0301', 'quote \' " ` ; --',
  'line\nbreak\r\n\ttab', '2026-03-10', '2026-03-10T07:30:00.000Z', '\ufeffbom', '\u{10ffff}',
  new Uint8Array(0), new Uint8Array([0]), new Uint8Array([0, 255, 0, 128, 65]), new Uint8Array([49]),
];

/** Values as SQL alone can make them: whole REALs and text that is no UTF-8. */
export const WORST_EXPRESSIONS = ['1.0', '-0.0', '0.0', '2e15', '9007199254740993.0', '1e18', "CAST(x'ff41fe80' AS TEXT)", "CAST(x'c3' AS TEXT)", 'zeroblob(3)'] as const;
