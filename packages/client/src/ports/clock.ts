/** Where the engine gets the time and its timers from. */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Runs the function once after that time, unless cancelled by calling what it returns. */
  after(delayMs: number, run: () => void): () => void;
}
