import { setTimeout as sleep } from "node:timers/promises";
import { changeFilter } from "@mcpctl/shared/mcp/changes.ts";
import { type ChangeListener, LIST_KINDS, type UpstreamChange } from "@mcpctl/shared/mcp/upstream.ts";
import { MODERN_META } from "../identity.ts";
import { type Connection, modernHeaders } from "./handshake.ts";
import { type HttpCall, type HttpTarget, sendHttp } from "./http-exchange.ts";
import { readMessage, type SideMessages } from "./rpc-exchange.ts";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** Ids of listen requests lie outside those of ordinary requests, which count up from 1. */
const LISTEN_ID = -1;

interface ChangeWatchOptions {
  target: HttpTarget;
  connect(): Promise<Connection>;
  /** What to do with other messages on the stream. */
  answer(connection: Connection): SideMessages;
  /** Ends the watching. */
  signal: AbortSignal;
}

/**
 * Listens for changes of what a server offers on a stream of its own, as soon as and as long as somebody wants to know.
 * Servers that offer no such stream are simply not listened to.
 */
export class ChangeWatch {
  readonly #options: ChangeWatchOptions;
  readonly #listeners = new Set<ChangeListener>();
  #isRunning = false;

  constructor(options: ChangeWatchOptions) {
    this.#options = options;
  }

  add(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    if (!this.#isRunning) {
      this.#isRunning = true;
      this.#run().catch(() => {});
    }
    return () => this.#listeners.delete(listener);
  }

  notify(change: UpstreamChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  async #run(): Promise<void> {
    const { signal } = this.#options;
    let pauseMs = FIRST_PAUSE_MS;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const outcome = await this.#listenOnce(attempt > 0).catch(() => "failed" as const);
      if (outcome === "unsupported") return;
      pauseMs = outcome === "ended" ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      await sleep(pauseMs, undefined, { signal, ref: false });
    }
  }

  async #listenOnce(isAgain: boolean): Promise<"unsupported" | "ended" | "failed"> {
    const { target, connect, answer, signal } = this.#options;
    const connection = await connect();
    const filter = changeFilter(connection.identity.capabilities);
    if (!filter) return "unsupported";
    let hasStream = false;
    const outcome = await sendHttp(target, {
      ...openingCall(connection, filter),
      signal,
      onStream: () => {
        hasStream = true;
        // What changed while nobody listened is not told again.
        if (isAgain) for (const kind of LIST_KINDS) this.notify({ kind });
      },
      onMessage: (data) => readMessage(target.name, data, LISTEN_ID, answer(connection)) !== undefined,
    });
    if (hasStream) return "ended";
    return outcome.status === 405 || outcome.status === 200 ? "unsupported" : "failed";
  }
}

function openingCall({ identity, headers }: Connection, notifications: Record<string, true>): HttpCall {
  if (identity.era === "legacy") return { method: "GET", headers };
  const params = { _meta: MODERN_META, notifications };
  return {
    method: "POST",
    headers: modernHeaders(headers, "subscriptions/listen", undefined),
    body: JSON.stringify({ jsonrpc: "2.0", id: LISTEN_ID, method: "subscriptions/listen", params }),
  };
}
