import type { Readable, Writable } from "node:stream";
import { type ErrorCode, McpctlError } from "@mcpctl/shared/errors.ts";
import type { Era, RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import type { Upstream, UpstreamIdentity, UpstreamReply, UpstreamRequestOptions } from "@mcpctl/shared/mcp/upstream.ts";
import type { InstanceLoad } from "./orchestrator.ts";
import { createLineSplitter } from "./line-splitter.ts";
import { createLineWriter, type LineWriter } from "./line-writer.ts";
import { PendingRequests, type Waiter } from "./pending-requests.ts";
import { toPlainText } from "./plain-text.ts";
import { MODERN_ENVELOPE, shakeHands } from "./stdio-handshake.ts";
import { answerTo, cancellationOf, isObject, parseProgress, replyIdOf, trySplitMessage } from "./stdio-messages.ts";
import { waitFor } from "@mcpctl/shared/wait-for.ts";

export interface StdioLimits {
  /** How long an answer to the probe of the era is waited for. */
  probeMs: number;
  maxLineBytes: number;
  maxUnsentBytes: number;
  /** Requests that wait for an answer at a time. */
  maxRequests: number;
}

export const STDIO_LIMITS: StdioLimits = {
  probeMs: 3_000,
  maxLineBytes: 10 * 1024 * 1024,
  maxUnsentBytes: 16 * 1024 * 1024,
  maxRequests: 2_048,
};

export interface StdioUpstreamOptions {
  /** Name of the server, for messages. */
  server: string;
  stdin: Writable;
  stdout: Readable;
  startTimeoutSeconds: number;
  timeoutSeconds: number;
  /** What an earlier handshake with the same program found. */
  knownEra?: Era | undefined;
  limits?: StdioLimits | undefined;
  /** Called when a pipe has ended, so that no answer can come any more, though the process may live. */
  onBroken(): void;
}

type SendOptions = Pick<Waiter, "signal" | "timeoutSeconds" | "onNotification">;

const GARBAGE_LENGTH = 200;
const OPEN_BRACE = 0x7b;
const SILENT = "takes no more requests: it does not answer those that wait";
const OVERLOADED = "takes no more requests: it does not read those that wait";

/**
 * A connection to a server over the pipes of its process, shared by all callers. Ids and progress tokens on the wire
 * are our own: those of callers never reach the server. Replies pass as bytes.
 */
export class StdioUpstream implements Upstream {
  readonly #options: StdioUpstreamOptions;
  readonly #limits: StdioLimits;
  readonly #writer: LineWriter;
  readonly #pending: PendingRequests;
  readonly #toolListeners = new Set<() => void>();
  #nextId = 1;
  #garbageCount = 0;
  #lastGarbage: Uint8Array = Buffer.alloc(0);
  #handshake: Promise<UpstreamIdentity> | undefined;
  /** Undefined until the handshake is done. */
  #era: Era | undefined;
  #failure: McpctlError | undefined;
  #timeouts = 0;

  constructor(options: StdioUpstreamOptions) {
    const { stdin, stdout, limits = STDIO_LIMITS, onBroken } = options;
    this.#options = options;
    this.#limits = limits;
    this.#writer = createLineWriter(stdin, limits.maxUnsentBytes);
    this.#pending = new PendingRequests({
      onTimeout: (id, waiter) => this.#expire(id, waiter),
      onAbort: (id, waiter) => this.#abandon(id, waiter),
    });
    const split = createLineSplitter({
      maxLineBytes: limits.maxLineBytes,
      onLine: (line) => this.#receive(line),
      onLongLine: (head, tail) => this.#refuseLongLine(head, tail),
    });
    stdout.on("data", split).on("end", onBroken).on("error", onBroken);
    stdin.on("error", onBroken);
  }

  /** Lines on stdout that are no messages: how many, and the start of the last one. */
  get garbage(): { count: number; last: string } {
    return { count: this.#garbageCount, last: toPlainText(Buffer.from(this.#lastGarbage).toString(), GARBAGE_LENGTH) };
  }

  get load(): Omit<InstanceLoad, "restarts"> {
    const { unsentBytes } = this.#writer;
    return { requestsInFlight: this.#pending.size, unsentBytes, timeouts: this.#timeouts };
  }

  connect(signal: AbortSignal): Promise<UpstreamIdentity> {
    this.#handshake ??= this.#shakeHands();
    // Should nobody wait any more when it fails, that is no fault.
    this.#handshake.catch(() => {});
    return waitFor(this.#handshake, signal);
  }

  request(method: string, params: Record<string, unknown>, options: UpstreamRequestOptions): Promise<UpstreamReply> {
    const { signal, onNotification } = options;
    const send = { signal, onNotification, timeoutSeconds: this.#options.timeoutSeconds };
    if (this.#era !== undefined) return this.#send(method, params, send);
    return this.connect(signal).then(() => this.#send(method, params, send));
  }

  onToolsChanged(listener: () => void): () => void {
    this.#toolListeners.add(listener);
    return () => void this.#toolListeners.delete(listener);
  }

  async close(): Promise<void> {
    this.fail("was stopped");
    this.#options.stdin.end();
  }

  /** Says that the process is gone: every call that waits fails at once, and every later one. */
  fail(what: string): void {
    this.#failure ??= this.#error("upstream-unavailable", what);
    this.#pending.rejectAll(this.#failure);
  }

  async #shakeHands(): Promise<UpstreamIdentity> {
    const { startTimeoutSeconds: timeoutSeconds, knownEra } = this.#options;
    const peer = {
      send: (method: string, params: Record<string, unknown>) => this.#send(method, params, { timeoutSeconds }),
      notify: (method: string) => void this.#writer.write(JSON.stringify({ jsonrpc: "2.0", method })),
    };
    const identity = await shakeHands(peer, { knownEra, probeMs: this.#limits.probeMs });
    this.#era = identity.era;
    if (identity.era === "modern") this.#listen(identity);
    return identity;
  }

  /** A modern server says that its tools changed only to those who asked for it; an old one says it unasked. */
  #listen({ capabilities: { tools } }: UpstreamIdentity): void {
    if (!isObject(tools) || tools["listChanged"] !== true) return;
    const filter = { notifications: { toolsListChanged: true } };
    // It is answered when the server ends it; refusing it only means that changes are found later.
    this.#send("subscriptions/listen", filter, {}).catch(() => {});
  }

  #send(method: string, params: Record<string, unknown>, options: SendOptions): Promise<UpstreamReply> {
    return new Promise((resolve, reject) => {
      const { signal, timeoutSeconds, onNotification } = options;
      if (this.#failure) return reject(this.#failure);
      if (signal?.aborted) return reject(signal.reason);
      if (this.#pending.size >= this.#limits.maxRequests) return reject(this.#error("upstream-unavailable", SILENT));
      const id = this.#nextId++;
      const progressToken = progressTokenOf(params);
      const line = JSON.stringify({ jsonrpc: "2.0", id, method, params: this.#outgoing(params, id, progressToken) });
      if (!this.#writer.write(line)) return reject(this.#error("upstream-unavailable", OVERLOADED));
      this.#pending.add(id, { resolve, reject, signal, timeoutSeconds, onNotification, progressToken });
    });
  }

  #outgoing(params: Record<string, unknown>, id: number, token: RequestId | undefined): Record<string, unknown> {
    const isModern = this.#era === "modern";
    if (!isModern && token === undefined) return params;
    const meta = isObject(params["_meta"]) ? params["_meta"] : {};
    const own = token === undefined ? meta : { ...meta, progressToken: id };
    return { ...params, _meta: isModern ? { ...own, ...MODERN_ENVELOPE } : own };
  }

  #receive(line: Uint8Array): void {
    // A blank line, or the carriage return of one.
    if (line.length < 2) return;
    const message = trySplitMessage(line);
    if (!message) return this.#refuse(line);
    if (message.type === "reply") {
      // An id that nobody waits for: cancelled, answered before, or made up.
      if (typeof message.id === "number") this.#pending.take(message.id)?.resolve(message.reply);
    } else if (message.type === "request") {
      this.#writer.write(answerTo(message.method, message.id));
    } else {
      this.#notify(message.method, line);
    }
  }

  #notify(method: string, line: Uint8Array): void {
    if (method === "notifications/tools/list_changed") return this.#toolListeners.forEach((listener) => listener());
    if (method !== "notifications/progress") return;
    const progress = parseProgress(line);
    if (typeof progress?.token !== "number") return;
    const { progressToken, onNotification } = this.#pending.get(progress.token) ?? {};
    if (progressToken !== undefined) onNotification?.(progress.withToken(progressToken));
  }

  /** Cheap, because a server may print nothing else. */
  #refuse(line: Uint8Array): void {
    this.#garbageCount += 1;
    this.#lastGarbage = Buffer.from(line.subarray(0, 4 * GARBAGE_LENGTH));
    if (line[0] !== OPEN_BRACE) return;
    const id = replyIdOf(line.subarray(0, 256), line.subarray(-256));
    if (id === undefined) return;
    this.#pending.take(id)?.reject(this.#error("upstream-protocol", "sent an answer that is no JSON-RPC"));
  }

  #refuseLongLine(head: Uint8Array, tail: Uint8Array): void {
    const error = this.#error("upstream-protocol", `sent a message of more than ${this.#limits.maxLineBytes} bytes`);
    const id = replyIdOf(head, tail);
    // Whose answer it was cannot be told, so nobody may wait for it in vain.
    if (id === undefined) this.#pending.rejectAll(error);
    else this.#pending.take(id)?.reject(error);
  }

  #expire(id: number, { reject, timeoutSeconds }: Waiter): void {
    this.#timeouts += 1;
    this.#cancel(id, "timed out");
    reject(this.#error("upstream-timeout", `did not answer within ${timeoutSeconds} s`));
  }

  #abandon(id: number, { reject, signal }: Waiter): void {
    this.#cancel(id, "the caller is gone");
    reject(signal?.reason);
  }

  /** Nothing of the handshake may be cancelled. */
  #cancel(id: number, reason: string): void {
    if (this.#era !== undefined && !this.#failure) this.#writer.write(cancellationOf(id, reason));
  }

  #error(code: ErrorCode, what: string): McpctlError {
    const { server } = this.#options;
    return new McpctlError(code, `Server "${server}" ${what}`, {
      hint: `See why with: mcpctl describe server ${server}`,
    });
  }
}

function progressTokenOf({ _meta: meta }: Record<string, unknown>): RequestId | undefined {
  const token = isObject(meta) ? meta["progressToken"] : undefined;
  return typeof token === "string" || typeof token === "number" ? token : undefined;
}
