export interface Random {
  /** A new UUID. */
  uuid(): string;
  /** So many unpredictable bytes. */
  bytes(count: number): Uint8Array;
}
