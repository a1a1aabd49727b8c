import type { RequestId } from "./protocol.ts";
import { type ClientSide, isAskable, type UpstreamReply } from "./upstream.ts";

/** One caller that waits for an answer. */
export interface Waiter {
  resolve(reply: UpstreamReply): void;
  reject(reason: unknown): void;
  /** Absent for a request that nobody can abort. */
  signal?: AbortSignal | undefined;
  /** Absent for a request that may wait for ever. */
  timeoutSeconds?: number | undefined;
  onNotification?: ((message: Uint8Array) => void) | undefined;
  progressToken?: RequestId | undefined;
  /** Whom the server may ask meanwhile. */
  client?: ClientSide | undefined;
}

interface Entry {
  waiter: Waiter;
  /** On the clock of `performance.now()`. */
  deadline: number;
  /** For how many answers of others the request waits; its time does not run meanwhile. */
  pauses: number;
  /** Aborted when the request leaves; absent as long as it has never been paused. */
  leaving: AbortController | undefined;
  onAbort: (() => void) | undefined;
}

export interface PendingRequestsOptions {
  onTimeout(id: number, waiter: Waiter): void;
  onAbort(id: number, waiter: Waiter): void;
}

/**
 * Requests on the wire, by id. Each leaves once: by its answer, its limit, its signal, or with all others.
 *
 * One timer serves all limits. It is set to the first of them and left alone when that request is answered, so that a
 * request that is answered in time costs no timer.
 */
export class PendingRequests {
  readonly #entries = new Map<number, Entry>();
  readonly #options: PendingRequestsOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer rings. */
  #timerAt = Infinity;

  constructor(options: PendingRequestsOptions) {
    this.#options = options;
  }

  add(id: number, waiter: Waiter): void {
    const { signal, timeoutSeconds } = waiter;
    const deadline = timeoutSeconds === undefined ? Infinity : performance.now() + timeoutSeconds * 1_000;
    const onAbort = signal && (() => this.#giveUp(id, this.#options.onAbort));
    if (onAbort) signal.addEventListener("abort", onAbort);
    this.#entries.set(id, { waiter, deadline, pauses: 0, leaving: undefined, onAbort });
    if (deadline < this.#timerAt) this.#ringAt(deadline);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(id: number): Waiter | undefined {
    return this.#entries.get(id)?.waiter;
  }

  /** Those whose client can be asked, with their ids. */
  askable(): [number, Waiter][] {
    const found: [number, Waiter][] = [];
    for (const [id, { waiter }] of this.#entries) if (isAskable(waiter.client)) found.push([id, waiter]);
    return found;
  }

  /** The only one that will be answered in its time; undefined when there are none or several. */
  only(): Waiter | undefined {
    const timed = [...this.#entries.values()].filter(({ waiter }) => waiter.timeoutSeconds !== undefined);
    return timed.length === 1 ? timed[0]?.waiter : undefined;
  }

  /**
   * Stops the clock of a request: it waits for somebody else. Each pause needs a `resume`.
   *
   * @returns aborted when the request leaves, so that nobody need be waited for.
   */
  pause(id: number): AbortSignal {
    const entry = this.#entries.get(id);
    if (!entry) return AbortSignal.abort();
    entry.pauses += 1;
    entry.deadline = Infinity;
    entry.leaving ??= new AbortController();
    return entry.leaving.signal;
  }

  /** Ends one pause; with the last of them the clock runs from its beginning. */
  resume(id: number): void {
    const entry = this.#entries.get(id);
    if (entry) entry.pauses -= 1;
    this.restart(id);
  }

  /** Lets the clock of a request that is not paused run from its beginning. */
  restart(id: number): void {
    const entry = this.#entries.get(id);
    const timeoutSeconds = entry?.waiter.timeoutSeconds;
    if (!entry || entry.pauses > 0 || timeoutSeconds === undefined) return;
    entry.deadline = performance.now() + timeoutSeconds * 1_000;
    if (entry.deadline < this.#timerAt) this.#ringAt(entry.deadline);
  }

  take(id: number): Waiter | undefined {
    const entry = this.#entries.get(id);
    if (!entry) return undefined;
    this.#entries.delete(id);
    entry.leaving?.abort(new Error("The request has ended"));
    if (entry.onAbort) entry.waiter.signal?.removeEventListener("abort", entry.onAbort);
    return entry.waiter;
  }

  rejectAll(reason: unknown): void {
    for (const id of this.#entries.keys()) this.take(id)?.reject(reason);
    clearTimeout(this.#timer);
    this.#timerAt = Infinity;
  }

  #giveUp(id: number, then: (id: number, waiter: Waiter) => void): void {
    const waiter = this.take(id);
    if (waiter) then(id, waiter);
  }

  #ringAt(deadline: number): void {
    clearTimeout(this.#timer);
    this.#timerAt = deadline;
    this.#timer = setTimeout(this.#onRing, deadline - performance.now()).unref();
  }

  readonly #onRing = (): void => {
    this.#timerAt = Infinity;
    // A timer may ring a little early.
    const now = performance.now() + 1;
    let next = Infinity;
    for (const [id, { deadline }] of this.#entries) {
      if (deadline <= now) this.#giveUp(id, this.#options.onTimeout);
      else if (deadline < next) next = deadline;
    }
    if (next < Infinity) this.#ringAt(next);
  };
}
