import { performance } from "node:perf_hooks";
import { HttpConnection, type ResponseHandler, type WireRequest } from "./http-connection.ts";

const SWEEP_MS = 1_000;

interface PoolOptions {
  url: URL;
  maxConnections: number;
  connectTimeoutMs: number;
}

interface Waiting {
  request: WireRequest;
  handler: ResponseHandler;
  /** Once the request is on its way. */
  connection: HttpConnection | undefined;
}

/** What is left to the sender of a request. */
export interface SentRequest {
  /** Gives the request up. Its handler hears nothing more. */
  abandon(): void;
}

/** Kept-alive connections to one server. A request waits while all of them are busy. */
export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #all = new Set<HttpConnection>();
  /** Most recently used last. */
  #idle: HttpConnection[] = [];
  readonly #queue = new Set<Waiting>();
  #opening = 0;
  #sweeper: NodeJS.Timeout | undefined;
  #whenEmpty: (() => void) | undefined;
  #isClosing = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  send(request: WireRequest, handler: ResponseHandler): SentRequest {
    const waiting: Waiting = { request, handler, connection: undefined };
    const idle = this.#takeIdle();
    if (this.#isClosing) queueMicrotask(() => handler.onError(closed()));
    else if (idle) this.#start(idle, waiting);
    else {
      this.#queue.add(waiting);
      this.#openWhenNeeded();
    }
    return {
      abandon: () => {
        this.#queue.delete(waiting);
        waiting.connection?.abandon(handler);
      },
    };
  }

  /** Lets requests under way finish. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
    if (this.#all.size > 0) await new Promise<void>((resolve) => (this.#whenEmpty = resolve));
  }

  destroy(): void {
    this.#isClosing = true;
    while (this.#queue.size > 0) this.#refuseOldest(closed());
    for (const connection of this.#all) connection.destroy();
  }

  #start(connection: HttpConnection, waiting: Waiting): void {
    waiting.connection = connection;
    connection.send(waiting.request, waiting.handler);
  }

  #takeIdle(): HttpConnection | undefined {
    const now = performance.now();
    for (let connection = this.#idle.pop(); connection; connection = this.#idle.pop()) {
      if (connection.isFresh(now)) return connection;
      connection.destroy();
    }
    return undefined;
  }

  #openWhenNeeded(): void {
    if (this.#queue.size <= this.#opening || this.#all.size >= this.#options.maxConnections) return;
    this.#opening += 1;
    let isOpen = false;
    const opened = () => {
      if (!isOpen) this.#opening -= 1;
      isOpen = true;
    };
    const connection = new HttpConnection({
      ...this.#options,
      onFree: (free) => {
        opened();
        this.#take(free);
      },
      onClosed: (closed, error) => {
        if (!isOpen) this.#refuseOldest(error);
        opened();
        this.#forget(closed);
      },
    });
    this.#all.add(connection);
  }

  #take(connection: HttpConnection): void {
    const [next] = this.#queue;
    if (next) {
      this.#queue.delete(next);
      this.#start(connection, next);
    } else if (this.#isClosing) connection.destroy();
    else {
      this.#idle.push(connection);
      this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
    }
  }

  #forget(connection: HttpConnection): void {
    this.#all.delete(connection);
    this.#idle = this.#idle.filter((idle) => idle !== connection);
    if (this.#all.size === 0) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
      this.#whenEmpty?.();
    }
    this.#openWhenNeeded();
  }

  /** A connection was opened for one request; when it fails, so does one. */
  #refuseOldest(error: Error): void {
    const [oldest] = this.#queue;
    if (!oldest) return;
    this.#queue.delete(oldest);
    oldest.handler.onError(error);
  }

  #sweep(): void {
    const now = performance.now();
    for (const connection of this.#idle) if (!connection.isFresh(now)) connection.destroy();
  }
}

function closed(): Error {
  return new Error("The connections to the server are closed");
}
