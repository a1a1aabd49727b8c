import { setTimeout as sleep } from "node:timers/promises";

/** How long servers that have answered wait for those that have not, before they are listed without them. */
const TOGETHER_MS = 500;

/** The moment that new servers of a project have to come in together. */
export class FirstWait {
  #over = Promise.withResolvers<void>();
  #state: "none" | "waiting" | "counting" = "none";

  get isOver(): boolean {
    return this.#state === "none";
  }

  /** Resolves once `isOver`. */
  over(): Promise<void> {
    return this.isOver ? Promise.resolve() : this.#over.promise;
  }

  /** There are servers that have never been seen. */
  begin(): void {
    if (this.isOver) this.#state = "waiting";
  }

  /** Some server has answered: an empty list would have helped nobody, and now the time of the others runs. */
  async answered(): Promise<void> {
    if (this.#state !== "waiting") return;
    this.#state = "counting";
    await sleep(TOGETHER_MS, undefined, { ref: false });
    this.#state = "none";
    this.#over.resolve();
    this.#over = Promise.withResolvers();
  }
}
