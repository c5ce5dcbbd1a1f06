/** Where the engine gets the time and its timers from. */
export interface Clock {
  /** Milliseconds since 1970, on a clock that may be set. */
  nowMs(): number;
  /** Milliseconds from any origin, on a clock that nobody sets and that counts sleep: the machine's uptime. */
  steadyMs(): number;
  /** Runs the function once after that time, unless cancelled by calling what it returns. */
  after(delayMs: number, run: () => void): () => void;
}
