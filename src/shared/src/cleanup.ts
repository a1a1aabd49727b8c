/**
 * What must be undone at the end, newest first. Every step runs, also when another fails; the first failure is thrown
 * then. It stands in for AsyncDisposableStack, which the oldest supported runtime does not have.
 */
export class Cleanup implements AsyncDisposable {
  #steps: (() => unknown)[] = [];

  /** Undoes it at the end. @returns the resource itself. */
  use<T extends AsyncDisposable>(resource: T): T {
    this.defer(() => resource[Symbol.asyncDispose]());
    return resource;
  }

  /** Runs a step at the end. */
  defer(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** Hands all steps to a new owner; this one has nothing left to undo. */
  move(): Cleanup {
    const owner = new Cleanup();
    owner.#steps = this.#steps;
    this.#steps = [];
    return owner;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.splice(0).toReversed()) {
      try {
        await step();
      } catch (failure) {
        failures.push(failure);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
