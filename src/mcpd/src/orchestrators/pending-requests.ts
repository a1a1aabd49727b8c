import type { RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";

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
}

interface Entry {
  waiter: Waiter;
  timer: NodeJS.Timeout | undefined;
  onAbort: (() => void) | undefined;
}

interface PendingRequestsOptions {
  onTimeout(id: number, waiter: Waiter): void;
  onAbort(id: number, waiter: Waiter): void;
}

/** Requests on the wire, by id. Each leaves once: by its answer, its limit, its signal, or with all others. */
export class PendingRequests {
  readonly #entries = new Map<number, Entry>();
  readonly #onTimeout: (id: number) => void;
  readonly #onAbort: (id: number) => void;

  constructor({ onTimeout, onAbort }: PendingRequestsOptions) {
    const giveUp = (then: (id: number, waiter: Waiter) => void) => (id: number) => {
      const waiter = this.take(id);
      if (waiter) then(id, waiter);
    };
    this.#onTimeout = giveUp(onTimeout);
    this.#onAbort = giveUp(onAbort);
  }

  get size(): number {
    return this.#entries.size;
  }

  add(id: number, waiter: Waiter): void {
    const { signal, timeoutSeconds } = waiter;
    const timer = timeoutSeconds === undefined ? undefined : setTimeout(this.#onTimeout, timeoutSeconds * 1000, id);
    const onAbort = signal && (() => this.#onAbort(id));
    if (onAbort) signal.addEventListener("abort", onAbort);
    this.#entries.set(id, { waiter, timer, onAbort });
  }

  get(id: number): Waiter | undefined {
    return this.#entries.get(id)?.waiter;
  }

  take(id: number): Waiter | undefined {
    const entry = this.#entries.get(id);
    if (!entry) return undefined;
    this.#entries.delete(id);
    clearTimeout(entry.timer);
    if (entry.onAbort) entry.waiter.signal?.removeEventListener("abort", entry.onAbort);
    return entry.waiter;
  }

  rejectAll(reason: unknown): void {
    for (const id of this.#entries.keys()) this.take(id)?.reject(reason);
  }
}
