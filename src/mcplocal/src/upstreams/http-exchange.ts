import type { IncomingHttpHeaders } from "node:http";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Dispatcher as Connections } from "undici";
import type { Dispatcher } from "./dispatcher.ts";
import { SseParser } from "./sse-parser.ts";

const MAX_RESPONSE_BYTES = 16 * 1_024 * 1_024;
/** How long a server may take to end a stream whose last message has been read. */
const LINGER_MS = 5_000;

export interface HttpCall {
  method: "POST" | "GET" | "DELETE";
  headers: Record<string, string>;
  body?: string;
  signal?: AbortSignal;
  /** Limit for the whole answer; absent for streams that stay open. */
  timeoutMs?: number;
  /** Called for every message of an event stream. True ends the exchange: the rest is of no interest. */
  onMessage?: (data: Buffer) => boolean;
  /** Called when an event stream begins. */
  onStream?: () => void;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Empty for an event stream. */
  body: Buffer;
}

/** Where a server is, and how it is called in messages. */
export interface HttpTarget {
  name: string;
  path: string;
  connections: Connections;
}

export function createTarget(name: string, url: URL, dispatcher: Dispatcher): HttpTarget {
  return { name, path: url.pathname + url.search, connections: dispatcher.to(url.origin) };
}

/**
 * Sends one HTTP request. Redirects are not followed: they would carry credentials to whoever the server names.
 *
 * @returns when the answer is complete, or an event stream has brought what it was opened for, or ended without it.
 * @throws {McpctlError} `upstream-unavailable`, `upstream-timeout`, `upstream-protocol` (too large); and the reason of
 *   `signal` when that is aborted.
 */
export function sendHttp(target: HttpTarget, call: HttpCall): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const { method, headers, body = null } = call;
    const exchange = new HttpExchange(target.name, call, { resolve, reject });
    // The call has one time limit of its own.
    const timeouts = { headersTimeout: 0, bodyTimeout: 0 };
    target.connections.dispatch({ path: target.path, method, headers, body, ...timeouts }, exchange);
  });
}

interface Outcome {
  resolve(answer: HttpAnswer): void;
  reject(reason: unknown): void;
}

const NOTHING = Buffer.alloc(0);

/** One request in the hands of undici. */
class HttpExchange implements Connections.DispatchHandler {
  readonly #name: string;
  readonly #call: HttpCall;
  readonly #outcome: Outcome;
  #timer: NodeJS.Timeout | undefined;
  #controller: Connections.DispatchController | undefined;
  #parser: SseParser | undefined;
  #answer: HttpAnswer = { status: 0, headers: {}, body: NOTHING };
  #chunks: Buffer[] = [];
  #bytes = 0;
  #isSettled = false;
  #isAborted = false;

  constructor(name: string, call: HttpCall, outcome: Outcome) {
    this.#name = name;
    this.#call = call;
    this.#outcome = outcome;
    if (call.timeoutMs !== undefined) this.#timer = setTimeout(this.#onTimeout, call.timeoutMs);
    if (call.signal?.aborted) this.#onAbort();
    else call.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  onRequestStart(controller: Connections.DispatchController): void {
    this.#controller = controller;
    if (this.#isAborted) controller.abort(new Error("no longer wanted"));
  }

  onResponseStart(_controller: unknown, status: number, headers: IncomingHttpHeaders): void {
    this.#answer = { status, headers, body: this.#answer.body };
    if (status !== 200 || mediaTypeOf(headers) !== "text/event-stream") return;
    const { onMessage } = this.#call;
    this.#parser = new SseParser({
      maxEventBytes: MAX_RESPONSE_BYTES,
      onMessage: (data) => {
        if (!this.#isSettled && onMessage?.(data)) this.#finish();
      },
    });
    this.#call.onStream?.();
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    if (this.#parser) {
      this.#parser.push(chunk);
      return;
    }
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_RESPONSE_BYTES) throw tooLarge(this.#name);
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const [only = this.#answer.body] = this.#chunks;
    this.#answer.body = this.#chunks.length > 1 ? Buffer.concat(this.#chunks) : only;
    this.#settle(() => this.#outcome.resolve(this.#answer));
    clearTimeout(this.#timer);
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#settle(() => this.#outcome.reject(error instanceof McpctlError ? error : unavailable(this.#name, error)));
    clearTimeout(this.#timer);
  }

  /** The last message is there; the connection can be used again once the server has ended the stream as well. */
  #finish(): void {
    this.#settle(() => this.#outcome.resolve(this.#answer));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abort(), LINGER_MS).unref();
  }

  #settle(report: () => void): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#call.signal?.removeEventListener("abort", this.#onAbort);
    report();
  }

  #abort(): void {
    this.#isAborted = true;
    this.#controller?.abort(new Error("no longer wanted"));
  }

  readonly #onAbort = (): void => {
    this.#settle(() => this.#outcome.reject(this.#call.signal?.reason));
    clearTimeout(this.#timer);
    this.#abort();
  };

  readonly #onTimeout = (): void => {
    this.#settle(() => this.#outcome.reject(timedOut(this.#name, this.#call.timeoutMs ?? 0)));
    this.#abort();
  };
}

/** The media type of a message without its parameters, in lower case; empty when there is none. */
export function mediaTypeOf(headers: IncomingHttpHeaders): string {
  const type = headers["content-type"] ?? "";
  const end = type.indexOf(";");
  return (end < 0 ? type : type.slice(0, end)).trim().toLowerCase();
}

function unavailable(name: string, cause: Error): McpctlError {
  return new McpctlError("upstream-unavailable", `Server "${name}" cannot be reached or broke the connection`, {
    hint: `Look at it with: mcpctl describe server ${name}`,
    cause,
  });
}

function timedOut(name: string, timeoutMs: number): McpctlError {
  return new McpctlError("upstream-timeout", `Server "${name}" did not answer within ${timeoutMs / 1_000} s`, {
    hint: `Look at it with: mcpctl describe server ${name}`,
  });
}

function tooLarge(name: string): McpctlError {
  return new McpctlError("upstream-protocol", `Server "${name}" answered with more than ${MAX_RESPONSE_BYTES} bytes`, {
    hint: "Ask the tool for less, for instance for one page",
  });
}
