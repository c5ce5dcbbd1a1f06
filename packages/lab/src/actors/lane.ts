/** Lets one in at a time, in the order of asking, so that what each finds does not depend on real durations. */
export class Lane {
  #last: Promise<void> = Promise.resolve();
  #letIn = (): void => undefined;

  /** Does the work when those before have ended or step aside. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#last;
    this.#last = promise;
    return before.then(() => {
      this.#letIn = resolve;
      return work();
    }).finally(resolve);
  }

  /** Who is in waits for something that others bring. */
  stepAside(): void {
    this.#letIn();
  }
}
