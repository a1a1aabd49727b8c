/**
 * Calls of clients that can be asked, at a server that does not say to which of them a question belongs. They run side
 * by side until it has asked while there were several, and from then on one after the other.
 */
export class CallTurns {
  readonly #running = new Set<Promise<unknown>>();
  /** Settles with the last call that has been taken in; present as soon as they take turns. */
  #turn: Promise<unknown> | undefined;

  /** Makes a call when it is its turn. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#turn ? this.#turn.then(call) : call();
    if (this.#turn) this.#turn = result.catch(() => {});
    else this.#running.add(result);
    try {
      return await result;
    } finally {
      this.#running.delete(result);
    }
  }

  /** Lets every later call wait for those before it, also for those that are under way. */
  begin(): void {
    this.#turn ??= Promise.allSettled(this.#running);
  }
}
