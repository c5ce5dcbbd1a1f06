/** Where the server gets the time and waits from. */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Runs the function once after that time, unless cancelled by calling what it returns. */
  after(delayMs: number, run: () => void): () => void;
}
