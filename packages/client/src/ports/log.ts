/** Where the engine's happenings go, for developers. */
export interface Log {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}
