import type { Reporter, TestModule } from 'vitest/node';

type Outcome = 'passed' | 'failed' | 'skipped';

/** Ends the run's output with one line that people and machines can read: `N passed, N failed, N skipped`. */
export class ClosingLine implements Reporter {
  readonly #count: Record<Outcome, number> = { passed: 0, failed: 0, skipped: 0 };

  onInit(): void {
    // Written at exit, so that nothing another reporter prints can follow it.
    process.once('exit', () => process.stdout.write(`${this.#line()}\n`));
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    this.#count.passed = 0;
    this.#count.skipped = 0;
    // An error outside every test fails the run too; the line must not then say "0 failed".
    this.#count.failed = unhandledErrors.length;
    for (const module of modules) this.#countModule(module);
  }

  #countModule(module: TestModule): void {
    const failedBefore = this.#count.failed;
    for (const test of module.children.allTests()) this.#count[outcomeOf(test.result().state)] += 1;
    // A file that does not load, or whose hook throws, may have no failed test: it counts as one.
    if (module.state() === 'failed' && this.#count.failed === failedBefore) this.#count.failed += 1;
  }

  #line(): string {
    const { passed, failed, skipped } = this.#count;
    return `${passed} passed, ${failed} failed, ${skipped} skipped`;
  }
}

function outcomeOf(state: Outcome | 'pending'): Outcome {
  return state === 'pending' ? 'skipped' : state;
}
