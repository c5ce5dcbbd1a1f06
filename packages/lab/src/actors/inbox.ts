/** Pieces of a body on their way from the network to their reader. */
export class Inbox implements AsyncIterable<Uint8Array> {
  readonly #pieces: Uint8Array[] = [];
  #isWhole = false;
  #error: unknown;
  #isBroken = false;
  #wake = (): void => undefined;

  push(piece: Uint8Array): void {
    if (piece.length > 0) this.#pieces.push(piece);
    this.#wake();
  }

  end(): void {
    this.#isWhole = true;
    this.#wake();
  }

  /** The reader gets the error, `now` before pieces that it has not taken. */
  fail(error: unknown, now = false): void {
    if (this.#isBroken || (this.#isWhole && this.#pieces.length === 0)) return;
    if (now) this.#pieces.length = 0;
    this.#isBroken = true;
    this.#error = error;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece) yield piece;
      else if (this.#isBroken) throw this.#error;
      else if (this.#isWhole) return;
      else await new Promise<void>((resolve) => { this.#wake = resolve; });
    }
  }
}
