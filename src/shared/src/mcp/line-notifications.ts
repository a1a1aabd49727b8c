import { readChange } from "./changes.ts";
import { parseProgress } from "./line-messages.ts";
import type { PendingRequests } from "./pending-requests.ts";
import { readMarked } from "./relay-marks.ts";
import type { ChangeListener } from "./upstream.ts";

interface LineNotificationsOptions {
  pending: PendingRequests;
  /** Whether mcpd is in between, which says to which request a log message belongs. */
  isRelayed: boolean;
}

/** Gives what a server says unasked to those whom it concerns. */
export class LineNotifications {
  readonly #options: LineNotificationsOptions;
  readonly #listeners = new Set<ChangeListener>();

  constructor(options: LineNotificationsOptions) {
    this.#options = options;
  }

  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  receive(method: string, line: Uint8Array): void {
    if (method === "notifications/progress") return this.#progress(line);
    if (method === "notifications/message") return this.#log(line);
    const change = readChange(method, line);
    if (change) this.#listeners.forEach((listener) => listener(change));
  }

  #progress(line: Uint8Array): void {
    const { pending } = this.#options;
    const progress = parseProgress(line);
    if (typeof progress?.token !== "number") return;
    const { progressToken, onNotification } = pending.get(progress.token) ?? {};
    // Who makes progress is not late.
    pending.restart(progress.token);
    if (progressToken !== undefined) onNotification?.(progress.withToken(progressToken));
  }

  /** A log message names no request: it belongs to the only one that is under way, and to nobody when there are several. */
  #log(line: Uint8Array): void {
    const { pending, isRelayed } = this.#options;
    if (!isRelayed) {
      pending.only()?.onNotification?.(line);
      return;
    }
    const marked = readMarked(line);
    const waiter = typeof marked?.mark === "number" ? pending.get(marked.mark) : undefined;
    if (marked) waiter?.onNotification?.(marked.message);
  }
}
