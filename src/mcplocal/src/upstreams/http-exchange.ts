import { Buffer } from "node:buffer";
import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { ConnectionPool, SentRequest } from "../http1/client/connection-pool.ts";
import { type HeaderBlock, toHeaderBlock } from "../http1/header-block.ts";
import type { ResponseHandler } from "../http1/client/http-connection.ts";
import { HeaderLines } from "../http1/header-lines.ts";
import { type HeldBytes, ServerBounds, UNCOUNTED_BYTES } from "./server-bounds.ts";
import { releaseMemory } from "@mcpctl/shared/mcp/release-memory.ts";
import { type Resumption, SseParser } from "@mcpctl/shared/mcp/sse-parser.ts";

const MAX_RESPONSE_BYTES = 16 * 1_024 * 1_024;
const MAX_BELIEVED_BYTES = 1_048_576;
/** How long a server may take to end a stream whose last message has been read. */
const LINGER_MS = 5_000;

export interface HttpCall {
  method: "POST" | "GET" | "DELETE";
  /** Everything but `Host` and the length of the body. */
  headers: HeaderBlock;
  body?: string | Buffer;
  signal?: AbortSignal | undefined;
  /** Limit for the answer, or until the next message of an event stream; absent for streams that stay open. */
  timeoutMs?: number;
  /** Whether the server waits for an answer of ours, so that it is not late. */
  isWaiting?: (() => boolean) | undefined;
  /** Whether a message that is not the last gives the server its time anew. */
  isExtended?: boolean;
  /** Called for every message of an event stream. True ends the exchange: the rest is of no interest. */
  onMessage?: (data: Buffer) => boolean;
  /** Called for every event that is no message, with its type. */
  onOther?: (type: string, data: Buffer) => void;
  /** Called when an event stream begins. */
  onStream?: () => void;
}

export interface HttpAnswer {
  status: number;
  headers: HeaderLines;
  /** Empty for an event stream. */
  body: Buffer;
  /** How an event stream that has ended can be gone on with. */
  resumption?: Resumption | undefined;
}

/** Where a server is, and how it is called in messages. */
export interface HttpTarget {
  name: string;
  /** What follows the method in a request: path, version and `Host`. */
  address: string;
  connections: ConnectionPool;
  bounds: ServerBounds;
}

export function createTarget(name: string, url: URL, dispatcher: Dispatcher): HttpTarget {
  const address = `${url.pathname}${url.search} HTTP/1.1\r\n${toHeaderBlock({ host: url.host })}`;
  const bounds = new ServerBounds(name, () => performance.now());
  return { name, address, connections: dispatcher.to(name, url), bounds };
}

/**
 * Sends one HTTP request. Redirects are not followed: they would carry credentials to whoever the server names.
 *
 * @returns when the answer is complete, or an event stream has brought what it was opened for, or ended without it.
 * @throws {McpctlError} `upstream-unavailable`, `upstream-timeout`, `upstream-protocol` (too large, no HTTP); and the
 *   reason of `signal` when that is aborted.
 */
export function sendHttp(target: HttpTarget, call: HttpCall): Promise<HttpAnswer> {
  return askHttp(target, call, (answer) => answer);
}

/** As `sendHttp`, for what `read` makes of the answer; what it throws, the promise rejects with. */
export function askHttp<T>(target: HttpTarget, call: HttpCall, read: (answer: HttpAnswer) => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (answer: HttpAnswer): void => {
      try {
        resolve(read(answer));
      } catch (thrown) {
        reject(thrown);
      }
    };
    new HttpExchange(target, call, { resolve: settle, reject }).send();
  });
}

interface Outcome {
  resolve(answer: HttpAnswer): void;
  reject(reason: unknown): void;
}

const NOTHING = Buffer.alloc(0);
const NO_HEADERS = new HeaderLines("");

/** One request and its response. */
class HttpExchange implements ResponseHandler {
  readonly #target: HttpTarget;
  readonly #call: HttpCall;
  readonly #outcome: Outcome;
  #timer: NodeJS.Timeout | undefined;
  #sent: SentRequest | undefined;
  #parser: SseParser | undefined;
  #status = 0;
  #headers = NO_HEADERS;
  #body: Buffer = NOTHING;
  /** How much of the body is filled. */
  #bytes = 0;
  #held: HeldBytes | undefined;
  #isSettled = false;

  constructor(target: HttpTarget, call: HttpCall, outcome: Outcome) {
    this.#target = target;
    this.#call = call;
    this.#outcome = outcome;
  }

  send(): void {
    const { method, headers, body = "", signal, timeoutMs } = this.#call;
    if (signal?.aborted) return this.#outcome.reject(signal.reason);
    signal?.addEventListener("abort", this.#onAbort);
    if (timeoutMs !== undefined) this.#timer = setTimeout(this.#onTimeout, timeoutMs);
    this.#sent = this.#target.connections.send({ head: `${method} ${this.#target.address}${headers}`, body }, this);
  }

  onHead(status: number, headers: HeaderLines): void {
    this.#status = status;
    this.#headers = headers;
    if (status !== 200 || mediaTypeOf(headers) !== "text/event-stream") return;
    const { onMessage, onOther, onStream, isExtended } = this.#call;
    this.#parser = new SseParser({
      maxEventBytes: MAX_RESPONSE_BYTES,
      ...(onOther && { onOther }),
      onMessage: (data) => {
        if (!this.#isSettled && onMessage?.(data)) return this.#finish();
        this.#target.bounds.countMessage();
        if (!this.#isSettled && isExtended) this.#timer?.refresh();
      },
    });
    onStream?.();
  }

  onData(chunk: Buffer): void {
    if (this.#parser) {
      const copy = Buffer.from(chunk);
      if (!this.#parser.push(copy)) releaseMemory(copy);
      this.#hold(this.#parser.keptBytes);
      return;
    }
    const bytes = this.#bytes + chunk.length;
    if (bytes > MAX_RESPONSE_BYTES) throw tooLarge(this.#target.name);
    if (bytes > this.#body.length) this.#makeRoom(bytes);
    chunk.copy(this.#body, this.#bytes);
    this.#bytes = bytes;
  }

  onEnd(): void {
    if (this.#bytes < this.#body.length) this.#body = this.#body.subarray(0, this.#bytes);
    this.#resolve();
    clearTimeout(this.#timer);
  }

  /** A server that says how long its answer is gets the room at once, as long as that is not too much to believe. */
  #makeRoom(bytes: number): void {
    const declared = Math.min(Number(this.#headers.get("content-length") ?? 0), MAX_BELIEVED_BYTES);
    const doubled = Math.min(2 * this.#bytes, MAX_RESPONSE_BYTES);
    const room = Math.max(bytes, declared, doubled);
    this.#hold(room);
    const larger = Buffer.allocUnsafe(room);
    this.#body.copy(larger, 0, 0, this.#bytes);
    this.#releaseBody();
    this.#body = larger;
  }

  #hold(bytes: number): void {
    // The rule, for which nothing is counted.
    if (bytes <= UNCOUNTED_BYTES && !this.#held) return;
    this.#held ??= this.#target.bounds.hold();
    this.#held.setTo(bytes);
  }

  /** Large memory is given back at once: the garbage collector does not hurry for bytes outside of its heap. */
  #releaseBody(): void {
    releaseMemory(this.#body);
    this.#body = NOTHING;
  }

  onError(error: Error): void {
    if (!this.#isSettled) {
      this.#releaseBody();
      this.#parser?.close();
    }
    if (this.#settle()) {
      this.#outcome.reject(error instanceof McpctlError ? error : unavailable(this.#target.name, error));
    }
    clearTimeout(this.#timer);
  }

  /** The last message is there; the connection can be used again once the server has ended the stream as well. */
  #finish(): void {
    this.#resolve();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#sent?.abandon(), LINGER_MS).unref();
  }

  #resolve(): void {
    if (!this.#settle()) return;
    const answer: HttpAnswer = { status: this.#status, headers: this.#headers, body: this.#body };
    if (this.#parser) answer.resumption = this.#parser.resumption;
    this.#outcome.resolve(answer);
  }

  /** @returns false when it was settled before. */
  #settle(): boolean {
    this.#hold(0);
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#call.signal?.removeEventListener("abort", this.#onAbort);
    return true;
  }

  readonly #onAbort = (): void => {
    if (this.#settle()) this.#outcome.reject(this.#call.signal?.reason);
    clearTimeout(this.#timer);
    this.#sent?.abandon();
  };

  readonly #onTimeout = (): void => {
    if (this.#call.isWaiting?.()) {
      this.#timer?.refresh();
      return;
    }
    if (this.#settle()) this.#outcome.reject(timedOut(this.#target.name, this.#call.timeoutMs ?? 0));
    this.#sent?.abandon();
  };
}

/** The media type of a message without its parameters, in lower case; empty when there is none. */
export function mediaTypeOf(headers: HeaderLines): string {
  const type = headers.get("content-type") ?? "";
  if (type === "application/json") return type;
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
