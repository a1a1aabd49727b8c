import { setTimeout as sleep } from "node:timers/promises";
import { changeFilter } from "@mcpctl/shared/mcp/changes.ts";
import { offersSubscriptions } from "@mcpctl/shared/mcp/line-subscriptions.ts";
import { ResourceInterests, type ResourceTeller } from "@mcpctl/shared/mcp/resource-interests.ts";
import { type ChangeListener, LIST_KINDS, type UpstreamChange } from "@mcpctl/shared/mcp/upstream.ts";
import { MODERN_META } from "../identity.ts";
import { type Connection, modernHeaders } from "./handshake.ts";
import { type HttpCall, type HttpTarget, sendHttp } from "./http-exchange.ts";
import { readMessage, type SideMessages } from "./rpc-exchange.ts";
import { SessionSubscriptions } from "./session-subscriptions.ts";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** A server that says nothing at first may send no headers either. */
const OPENING_MS = 1_000;
/** How long a stream that served calls stays open for the next one. */
const IDLE_MS = 5_000;
/** Ids of listen requests lie outside those of ordinary requests, which count up from 1. */
const LISTEN_ID = -1;

interface ChangeWatchOptions {
  target: HttpTarget;
  connect(): Promise<Connection>;
  /** What to do with other messages on the stream. */
  answer(connection: Connection): SideMessages;
  /** Sends an ordinary request. */
  request(method: string, params: Record<string, unknown>): Promise<unknown>;
  /** Ends the watching. */
  signal: AbortSignal;
}

type Outcome = "unsupported" | "ended" | "failed" | "changed";

/**
 * Listens for changes on a stream of its own, as soon as and as long as somebody wants to know. Servers that offer no
 * such stream are simply not listened to.
 */
export class ChangeWatch {
  readonly #options: ChangeWatchOptions;
  readonly #listeners = new Set<ChangeListener>();
  readonly #interests = new ResourceInterests();
  #isRunning = false;
  /** Whether there is news for a run that may just be ending. */
  #isDue = false;
  /** The open stream. */
  #stream: AbortController | undefined;
  /** Calls under way during which the server may ask. */
  #calls = 0;
  #idle: NodeJS.Timeout | undefined;
  #session: { connection: Connection; subscriptions: SessionSubscriptions } | undefined;
  /** Resolved when a stream has been opened, or is not going to be. */
  #opened: PromiseWithResolvers<void> | undefined;

  constructor(options: ChangeWatchOptions) {
    this.#options = options;
  }

  add(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    this.#start();
    return () => this.#listeners.delete(listener);
  }

  subscribe(uri: string): () => void {
    const end = this.#interests.subscribe(uri);
    this.#start();
    return end;
  }

  /**
   * A call begins during which the server may ask, which many with sessions do on this stream.
   *
   * @returns a promise that resolves when the stream is open, or after a moment when it is not, and a function that says
   *   that the call has ended.
   */
  beginCall(): { opened: Promise<void>; end: () => void } {
    this.#calls += 1;
    clearTimeout(this.#idle);
    if (!this.#opened) {
      this.#opened = Promise.withResolvers<void>();
      setTimeout(this.#opened.resolve, OPENING_MS).unref();
      this.#start();
    }
    return { opened: this.#opened.promise, end: () => this.#endCall() };
  }

  #endCall(): void {
    this.#calls -= 1;
    if (this.#calls > 0 || !this.#stream) return;
    this.#idle = setTimeout(() => {
      this.#opened = undefined;
      this.#stream?.abort();
    }, IDLE_MS).unref();
  }

  notify(change: UpstreamChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #start(): void {
    this.#isDue = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#run().catch(() => {});
  }

  async #run(): Promise<void> {
    const { signal } = this.#options;
    let pauseMs = FIRST_PAUSE_MS;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      this.#isDue = false;
      const outcome = await this.#listenOnce(attempt > 0).catch(() => "failed" as const);
      this.#opened?.resolve();
      if (outcome === "changed" || (outcome === "unsupported" && this.#isDue)) continue;
      if (outcome === "unsupported") break;
      pauseMs = outcome === "ended" ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      await sleep(pauseMs, undefined, { signal, ref: false });
    }
    this.#isRunning = false;
  }

  async #listenOnce(isAgain: boolean): Promise<Outcome> {
    const { target, connect, answer, signal } = this.#options;
    const connection = await connect();
    const isLegacy = connection.identity.era === "legacy";
    const canSubscribe = offersSubscriptions(connection.identity);
    const uris = canSubscribe ? this.#interests.uris : [];
    const filter = this.#listeners.size > 0 ? changeFilter(connection.identity.capabilities) : undefined;
    if (!filter && uris.length === 0 && !(this.#calls > 0 && isLegacy)) return "unsupported";
    const stream = new AbortController();
    const session = this.#sessionOf(connection);
    let hasStream = false;
    try {
      const outcome = await sendHttp(target, {
        ...openingCall(connection, { ...filter, ...(uris.length > 0 && { resourceSubscriptions: uris }) }),
        signal: AbortSignal.any([signal, stream.signal]),
        onStream: () => {
          hasStream = true;
          this.#stream = stream;
          this.#opened?.resolve();
          if (canSubscribe) this.#interests.moveTo(isLegacy ? session : this.#relistening(uris, stream));
          session.open();
          // What changed while nobody listened is not told again.
          if (isAgain) for (const kind of LIST_KINDS) this.notify({ kind });
        },
        onMessage: (data) => readMessage(target.name, data, LISTEN_ID, answer(connection)) !== undefined,
      });
      if (hasStream) return "ended";
      return isLegacy ? await this.#explain(outcome.status) : isDeclined(outcome.status) ? "unsupported" : "failed";
    } catch (thrown) {
      if (stream.signal.aborted) return "changed";
      throw thrown;
    } finally {
      session.close();
      stream.abort();
      this.#stream = undefined;
      if (!isLegacy) this.#interests.moveTo(undefined);
    }
  }

  /** Whether a server with sessions has no such stream, or has forgotten the session, which a request makes anew. */
  async #explain(status: number): Promise<Outcome> {
    if (isDeclined(status)) return "unsupported";
    if (status === 400 || status === 404) await this.#options.request("ping", {});
    return "failed";
  }

  /** What a server was told of is a matter of its session, not of the stream. */
  #sessionOf(connection: Connection): SessionSubscriptions {
    if (this.#session?.connection === connection) return this.#session.subscriptions;
    this.#interests.moveTo(undefined);
    const subscriptions = new SessionSubscriptions(this.#options.request);
    this.#session = { connection, subscriptions };
    return subscriptions;
  }

  /** A stateless server is asked anew, once for what comes together. */
  #relistening(uris: readonly string[], stream: AbortController): ResourceTeller {
    const askAnew = (): void => {
      queueMicrotask(() => {
        const wanted = this.#interests.uris;
        if (wanted.length !== uris.length || wanted.some((uri) => !uris.includes(uri))) stream.abort();
      });
    };
    return {
      subscribe() {
        askAnew();
        return askAnew;
      },
    };
  }
}

function isDeclined(status: number): boolean {
  return status === 405 || status === 200;
}

function openingCall({ identity, headers }: Connection, notifications: Record<string, unknown>): HttpCall {
  if (identity.era === "legacy") return { method: "GET", headers };
  const params = { _meta: MODERN_META, notifications };
  return {
    method: "POST",
    headers: modernHeaders(headers, "subscriptions/listen", undefined),
    body: JSON.stringify({ jsonrpc: "2.0", id: LISTEN_ID, method: "subscriptions/listen", params }),
  };
}
