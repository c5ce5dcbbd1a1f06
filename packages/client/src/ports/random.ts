export interface Random {
  /** A number from 0 up to, not including, 1. */
  fraction(): number;
  /** A new UUID. */
  uuid(): string;
}
