/** Something about a profile that its author may not mean. */
export interface Finding {
  /** An error keeps the profile from working; a warning will hurt; a hint is good to know. */
  readonly level: 'error' | 'warning' | 'hint';
  /** Names the kind of finding. */
  readonly code: string;
  /** Undefined: it is about no table. */
  readonly table: string | undefined;
  readonly message: string;
  /** What to do or to write. */
  readonly fix?: string;
}
