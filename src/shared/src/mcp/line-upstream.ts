import { type ErrorCode, McpctlError } from "../errors.ts";
import { waitFor } from "../wait-for.ts";
import type { UpstreamMessage } from "./envelope.ts";
import { cancellationOf, isObject, replyIdOf, trySplitMessage } from "./line-messages.ts";
import type { LineMemory } from "./line-memory.ts";
import { createLineSplitter } from "./line-splitter.ts";
import { LineNotifications } from "./line-notifications.ts";
import { LineQuestions } from "./line-questions.ts";
import { LineSubscriptions } from "./line-subscriptions.ts";
import { type ByteSink, LineWriter, type LineWriterOptions } from "./line-writer.ts";
import { PendingRequests, type Waiter } from "./pending-requests.ts";
import type { Era, RequestId } from "./protocol.ts";
import { failureOf } from "./relayed-message.ts";
import { relayMeta } from "./relay-marks.ts";
import { modernEnvelope, shakeHands } from "./shake-hands.ts";
import { isAskable } from "./upstream.ts";
import type { ChangeListener, Upstream, UpstreamIdentity, UpstreamReply, UpstreamRequestOptions } from "./upstream.ts";

export interface LineLimits {
  /** How long an answer to the probe of the era is waited for. */
  probeMs: number;
  maxLineBytes: number;
  maxUnsentBytes: number;
  /** Requests that wait for an answer at a time. */
  maxRequests: number;
}

/** What a connection is busy with. */
export interface LineLoad {
  requestsInFlight: number;
  unsentBytes: number;
  /** Requests that were not answered in time, since the connection was made. */
  timeouts: number;
}

export interface LineUpstreamOptions extends Pick<LineWriterOptions, "defer" | "deferBriefly"> {
  /** Name of the server, for messages. */
  server: string;
  /** Where requests go; what comes back is given to `receive`. */
  sink: ByteSink;
  memory: LineMemory;
  startTimeoutSeconds: number;
  timeoutSeconds: number;
  /** What an earlier handshake with the same program found. */
  knownEra?: Era | undefined;
  limits: LineLimits;
  /** Whether mcpd is in between, which sends what it has checked, and writes the envelope of the era itself. */
  isRelayed?: boolean;
  /** Reads a line; undefined when it is no message. */
  split?(line: Uint8Array): UpstreamMessage | undefined;
}

type SendOptions = Pick<Waiter, "signal" | "timeoutSeconds" | "onNotification" | "client">;

interface Outgoing extends Pick<Waiter, "progressToken" | "onNotification" | "client"> {
  id: number;
}

const GARBAGE_BYTES = 800;
const OPEN_BRACE = 0x7b;
const SILENT = "takes no more requests: it does not answer those that wait";
const OVERLOADED = "takes no more requests: it does not read those that wait";

/**
 * A connection on which messages are lines, shared by all callers: the pipes of a process, or a link to mcpd's relay.
 * Ids and progress tokens on the wire are our own: those of callers never reach the server. Replies pass as bytes.
 */
export class LineUpstream implements Upstream {
  readonly #options: LineUpstreamOptions;
  readonly #writer: LineWriter;
  readonly #pending: PendingRequests;
  readonly #notifications: LineNotifications;
  readonly #subscriptions: LineSubscriptions;
  readonly #questions: LineQuestions;
  readonly #split: (line: Uint8Array) => UpstreamMessage | undefined;
  /** Takes what has been read. */
  readonly receive: (chunk: Uint8Array) => void;
  #nextId = 1;
  #timeouts = 0;
  #garbageCount = 0;
  #lastGarbage: Uint8Array = new Uint8Array(0);
  #handshake: Promise<UpstreamIdentity> | undefined;
  /** Undefined until the handshake is done. */
  #identity: UpstreamIdentity | undefined;
  #failure: McpctlError | undefined;

  constructor(options: LineUpstreamOptions) {
    const { sink, defer, deferBriefly, memory, split = trySplitMessage } = options;
    const { maxLineBytes, maxUnsentBytes } = options.limits;
    this.#options = options;
    this.#split = split;
    this.#writer = new LineWriter(sink, {
      maxUnsentBytes,
      defer,
      deferBriefly,
      // One request may be the one that listens for changes, which is never answered.
      isBusy: () => this.#pending.size > 1,
    });
    this.#pending = new PendingRequests({
      onTimeout: (id, waiter) => this.#expire(id, waiter),
      onAbort: (id, waiter) => this.#abandon(id, waiter),
    });
    const isRelayed = options.isRelayed === true;
    this.#notifications = new LineNotifications({ pending: this.#pending, isRelayed });
    this.#questions = new LineQuestions({
      server: options.server,
      pending: this.#pending,
      isRelayed,
      write: (line) => void this.#writer.write(line),
    });
    this.#subscriptions = new LineSubscriptions({
      isRelayed,
      send: (method, params, limits) => this.#send(method, params, limits),
    });
    this.receive = createLineSplitter({
      maxLineBytes,
      memory,
      onLine: (line, isOwn) => this.#receiveLine(line, isOwn),
      onLongLine: (head, tail) => this.#refuseLongLine(head, tail),
    });
  }

  /** Lines that are no messages: how many, and the start of the last one. */
  protected get lastGarbage(): { count: number; start: Uint8Array } {
    return { count: this.#garbageCount, start: this.#lastGarbage };
  }

  get identity(): UpstreamIdentity | undefined {
    return this.#failure ? undefined : this.#identity;
  }

  get load(): LineLoad {
    const { unsentBytes } = this.#writer;
    return { requestsInFlight: this.#pending.size, unsentBytes, timeouts: this.#timeouts };
  }

  connect(signal: AbortSignal): Promise<UpstreamIdentity> {
    if (this.#identity && !this.#failure) return Promise.resolve(this.#identity);
    this.#handshake ??= this.#shakeHands().catch((error: unknown) => {
      this.#handshake = undefined;
      throw error;
    });
    // Should nobody wait any more when it fails, that is no fault.
    this.#handshake.catch(() => {});
    return waitFor(this.#handshake, signal);
  }

  request(method: string, params: Record<string, unknown>, options: UpstreamRequestOptions): Promise<UpstreamReply> {
    const { signal, onNotification, client } = options;
    const send = { signal, onNotification, client, timeoutSeconds: this.#options.timeoutSeconds };
    if (!this.#identity) return this.connect(signal).then(() => this.request(method, params, options));
    if (!isAskable(client) || this.#options.isRelayed) return this.#send(method, params, send);
    return this.#questions.run(() => this.#send(method, params, send));
  }

  onChange(listener: ChangeListener): () => void {
    return this.#notifications.onChange(listener);
  }

  subscribe(uri: string): () => void {
    return this.#subscriptions.interests.subscribe(uri);
  }

  async close(): Promise<void> {
    this.fail("was stopped");
  }

  /** Says that the connection is gone: every call that waits fails at once, and every later one. */
  fail(what: string): void {
    this.#failure ??= this.#error("upstream-unavailable", what);
    this.#pending.rejectAll(this.#failure);
  }

  async #shakeHands(): Promise<UpstreamIdentity> {
    const { startTimeoutSeconds: timeoutSeconds, knownEra, limits, isRelayed } = this.#options;
    const peer = {
      send: async (method: string, params: Record<string, unknown>) => {
        const reply = await this.#send(method, params, { timeoutSeconds });
        const failure = isRelayed ? failureOf(reply) : undefined;
        if (failure) throw failure;
        return reply;
      },
      notify: (method: string) => void this.#writer.write(JSON.stringify({ jsonrpc: "2.0", method })),
    };
    const identity = await shakeHands(peer, { knownEra, probeMs: limits.probeMs });
    this.#identity = identity;
    this.#subscriptions.begin(identity);
    return identity;
  }

  #send(method: string, params: Record<string, unknown>, options: SendOptions): Promise<UpstreamReply> {
    return new Promise((resolve, reject) => {
      const { signal, timeoutSeconds, onNotification, client } = options;
      if (this.#failure) return reject(this.#failure);
      if (signal?.aborted) return reject(signal.reason);
      if (this.#pending.size >= this.#options.limits.maxRequests) {
        return reject(this.#error("upstream-unavailable", SILENT));
      }
      const id = this.#nextId++;
      const progressToken = progressTokenOf(params);
      const line = JSON.stringify({
        jsonrpc: "2.0",
        id,
        method,
        params: this.#outgoing(params, { id, progressToken, onNotification, client }),
      });
      if (!this.#writer.write(line)) return reject(this.#error("upstream-unavailable", OVERLOADED));
      this.#pending.add(id, { resolve, reject, signal, timeoutSeconds, onNotification, progressToken, client });
    });
  }

  #outgoing(
    params: Record<string, unknown>,
    { id, progressToken, onNotification, client }: Outgoing,
  ): Record<string, unknown> {
    const { isRelayed } = this.#options;
    const isModern = this.#identity?.era === "modern";
    // mcpd writes the envelope for the server, and must know who can be asked and what that wants to see.
    const envelope = isRelayed ? relayMeta(client, onNotification) : isModern ? modernEnvelope(client) : undefined;
    if (!envelope && progressToken === undefined) return params;
    const meta = isObject(params["_meta"]) ? params["_meta"] : {};
    const own = progressToken === undefined ? meta : { ...meta, progressToken: id };
    return { ...params, _meta: { ...own, ...envelope } };
  }

  #receiveLine(line: Uint8Array, isOwn: boolean): void {
    // A blank line, or the carriage return of one.
    if (line.length < 2) return;
    const message = this.#split(line);
    if (!message) return this.#refuse(line);
    if (message.type === "reply") {
      // An id that nobody waits for: cancelled, answered before, or made up.
      const waiter = typeof message.id === "number" ? this.#pending.take(message.id) : undefined;
      waiter?.resolve(isOwn ? { ...message.reply, release: () => this.#options.memory.giveBack(line) } : message.reply);
    } else if (message.type === "request") {
      this.#questions.answer(message.id, message.method, line);
    } else {
      this.#notifications.receive(message.method, line);
    }
  }

  /** Cheap, because a server may print nothing else. */
  #refuse(line: Uint8Array): void {
    this.#garbageCount += 1;
    this.#lastGarbage = new Uint8Array(line.subarray(0, GARBAGE_BYTES));
    if (line[0] !== OPEN_BRACE) return;
    const id = replyIdOf(line.subarray(0, 256), line.subarray(-256));
    if (id === undefined) return;
    this.#pending.take(id)?.reject(this.#error("upstream-protocol", "sent an answer that is no JSON-RPC"));
  }

  #refuseLongLine(head: Uint8Array, tail: Uint8Array): void {
    const { maxLineBytes } = this.#options.limits;
    const error = this.#error("upstream-protocol", `sent a message of more than ${maxLineBytes} bytes`);
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
    if (this.#identity && !this.#failure) this.#writer.write(cancellationOf(id, reason));
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
