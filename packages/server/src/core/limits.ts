/** Every bound of the server, in one place. Sizes in bytes, times in milliseconds unless the name says otherwise. */
export const LIMITS = {
  /** A push of many edits is the largest. */
  requestBytes: 16 * 1024 * 1024,
  /** Rows and bytes of one answer to a pull; the device then asks for the next page. */
  pageRows: 4000,
  pageBytes: 2 * 1024 * 1024,
  waitSeconds: 55,
  /** Rows and bytes of an answer to a check; a table that differs in more is downloaded anew. */
  checkRows: 20_000,
  checkBytes: 16 * 1024 * 1024,
  /** A pack holds about so many bytes before compression (2–8 MB after it). */
  packRawBytes: 10 * 1024 * 1024,
  /** A plan has about so many packs at most; larger shares get larger packs. */
  packsPerPlan: 128,
  /** Scopes below this size are bundled with others into one pack. */
  bundleBelowBytes: 2 * 1024 * 1024,
  bundleRawBytes: 8 * 1024 * 1024,
  /** A pack is made anew when more than this share of its rows has changed. */
  staleShare: 0.15,
  packUrlValidMs: 48 * 3600 * 1000,
  /** Packs replaced or unused for so long are deleted. */
  packKeepMs: 7 * 24 * 3600 * 1000,
  /** Tombstones are kept so long; devices away for longer get a list of live rows instead. */
  tombstoneKeepMs: 30 * 24 * 3600 * 1000,
  /** That a person has a scope is noted anew when the last note is so old; what tells which scopes nobody uses any more. */
  noteUseMs: 24 * 3600 * 1000,
  /** Scopes that nobody has used for so long are forgotten, and what devices had of rules that are out of use. */
  scopeKeepMs: 30 * 24 * 3600 * 1000,
  scopesPerPerson: 2000,
  /** A person's teams, units and profiles together. */
  attributeValues: 10_000,
  /** A person's share of all tables together. */
  rowsPerDevice: 50_000_000,
  errorsPerAnswer: 1000,
  ingestRows: 10_000,
  pollEveryMs: 50,
  requestsPerMinute: 1200,
  /** A check may read a whole table. */
  checksPerMinute: 120,
  /** A filter's length, its comparisons, and how deep parentheses and `not` may go. */
  filterChars: 20_000,
  filterClauses: 1000,
  filterNesting: 100,
  /** How far a relation may go over other relations; also how deep `any` and `all` may go. */
  relationDepth: 16,
  /** In how many ways a table's rows may depend on others over relations: edits are checked along each of them. */
  relationPaths: 500,
  /** With how many values a table's rules may compare, over all relations; a list counts once. SQLite reads such a condition in less than a second. */
  ruleValues: 5000,
  /** How deep they may be as an expression, as SQLite counts; it takes 1,000. */
  ruleHeight: 980,
} as const;
