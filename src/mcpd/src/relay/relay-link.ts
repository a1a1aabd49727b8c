import type { Duplex } from "node:stream";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { isProcessServer } from "@mcpctl/shared/kinds/servers.ts";
import { toNotification } from "@mcpctl/shared/mcp/changes.ts";
import { replyIdOf } from "@mcpctl/shared/mcp/line-messages.ts";
import { createLineMemory } from "@mcpctl/shared/mcp/line-memory.ts";
import { createLineSplitter } from "@mcpctl/shared/mcp/line-splitter.ts";
import { LineWriter } from "@mcpctl/shared/mcp/line-writer.ts";
import { RPC, type RequestId, type RpcError } from "@mcpctl/shared/mcp/protocol.ts";
import type { Upstream, UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import { type ClientMessage, type ClientRequest, isObject, parseClientMessage } from "./client-message.ts";
import { type Access, LiveAccess } from "./live-access.ts";
import { LinkClient } from "./link-client.ts";
import { type LinkSubscriptions, SUBSCRIBING } from "./link-subscriptions.ts";
import { answerRequest, type ProcessAnswer } from "./process-answer.ts";
import { failureReply, toReply } from "./rpc-response.ts";

export interface LinkLimits {
  /** As for a server's own lines. */
  maxLineBytes: number;
  maxCalls: number;
  /** From here on no further request is read until something was sent. */
  pauseBytes: number;
  /** From here on a gateway that does not read is cut off. */
  maxUnsentBytes: number;
  /** How long a line may take to arrive, and a gateway not to read. */
  stallMs: number;
  /** How long a link may go unused. */
  idleMs: number;
}

export interface RelayLinkOptions {
  socket: Duplex;
  upstream: Upstream;
  granted: Access;
  authorize(): Promise<Access>;
  limits: LinkLimits;
  now(): number;
  onEnd(): void;
}

const LINE_FEED = 0x0a;
const GOODBYE_MS = 1_000;
const TOO_LONG: RpcError = { code: RPC.invalidRequest, message: "The message is too long" };
const SAME_ID: RpcError = { code: RPC.invalidRequest, message: "A request with this id is under way" };

/**
 * One gateway's connection to one server: JSON-RPC messages as lines in both directions, many requests at a time. What
 * a caller may do is decided for every request, by rights that are never older than the last commit.
 */
export class RelayLink {
  readonly #options: RelayLinkOptions;
  readonly #writer: LineWriter;
  readonly #access: LiveAccess;
  readonly #calls = new Map<RequestId, AbortController>();
  readonly #client: LinkClient;
  readonly #subscriptions: LinkSubscriptions = new Map();
  #isEnded = false;
  #usedAt: number;
  /** Since when a line has begun and not ended. */
  #lineSince: number | undefined;
  #sent = { bytes: 0, at: 0 };

  constructor(options: RelayLinkOptions) {
    const { socket, upstream, granted, authorize, limits, now } = options;
    this.#options = options;
    this.#usedAt = now();
    this.#writer = new LineWriter(socket, {
      maxUnsentBytes: limits.maxUnsentBytes,
      defer: setImmediate,
      deferBriefly: process.nextTick,
      isBusy: () => this.#calls.size > 0,
    });
    this.#access = new LiveAccess({
      authorize,
      granted,
      check: requireProcess,
      onRefused: (reason) => this.#onRefused(reason),
      now,
    });
    this.#client = new LinkClient({
      write: (message) => this.#write(JSON.stringify(message)),
      writeWhenRead: this.#passOn,
    });
    upstream.onChange((change) => {
      if (change.kind === "resource" && !this.#subscriptions.has(change.uri)) return;
      this.#write(JSON.stringify({ jsonrpc: "2.0", ...toNotification(change) }));
    });
    const memory = createLineMemory(Buffer);
    const split = createLineSplitter({
      maxLineBytes: limits.maxLineBytes,
      memory,
      onLine: (line, isOwn) => {
        this.#receive(line);
        if (isOwn) memory.giveBack(line);
      },
      onLongLine: (head, tail) => this.#refuse(replyIdOf(head, tail) ?? null, TOO_LONG),
    });
    const isGone = () => this.#close();
    socket.on("data", (chunk: Buffer) => this.#read(chunk, split));
    socket
      .on("end", isGone)
      .on("close", isGone)
      .on("error", isGone)
      .on("drain", () => socket.resume());
  }

  /** Something was committed. */
  expire(): void {
    this.#access.expire();
  }

  /** Called about once a second. */
  tick(): void {
    const { limits, now } = this.#options;
    const time = now();
    const isStuck = this.#isStuck(time);
    const isLate = this.#lineSince !== undefined && time - this.#lineSince > limits.stallMs;
    if (isStuck || isLate) return this.#cut();
    if (this.#calls.size > 0) this.#access.confirmLater("busy");
    else if (time - this.#usedAt > limits.idleMs) this.end(idle());
    else this.#access.confirmLater("idle");
  }

  /** Answers every call that is under way with the reason, and closes the connection. */
  end(reason: McpctlError): void {
    if (this.#isEnded) return;
    const failure = failureReply(reason);
    for (const id of this.#calls.keys()) this.#writeReply(id, failure);
    this.#writer.flush();
    this.#close();
  }

  #read(chunk: Buffer, split: (chunk: Uint8Array) => void): void {
    this.#usedAt = this.#options.now();
    const isWhole = chunk.at(-1) === LINE_FEED;
    split(chunk);
    this.#lineSince = isWhole ? undefined : (this.#lineSince ?? this.#usedAt);
  }

  #receive(line: Uint8Array): void {
    if (this.#isEnded || line.length < 2) return;
    const message = parseClientMessage(line);
    if (message.type === "request") this.#call(message);
    else if (message.type === "notification") this.#cancel(message);
    else if (message.type === "response") this.#client.answer(message);
    else if (message.type === "invalid") this.#refuse(message.id, message.error);
  }

  #call(request: ClientRequest): void {
    const { id } = request;
    if (this.#calls.has(id)) return this.#refuse(id, SAME_ID);
    if (this.#calls.size >= this.#options.limits.maxCalls) return this.#writeReply(id, failureReply(tooMany()));
    const call = new AbortController();
    this.#calls.set(id, call);
    this.#answer(request, call.signal).then(
      ({ reply }) => this.#finish(id, reply),
      (reason: unknown) => this.#finish(id, failureReply(reason)),
    );
  }

  async #answer(request: ClientRequest, signal: AbortSignal): Promise<ProcessAnswer> {
    const { upstream } = this.#options;
    const policy = this.#access.policy ?? (await this.#access.confirm());
    const subscribe = SUBSCRIBING.get(request.method);
    if (subscribe) return subscribe(this.#subscriptions, upstream, request);
    return answerRequest(request, { upstream, policy }, this.#client.optionsOf(request, signal));
  }

  #finish(id: RequestId, reply: UpstreamReply): void {
    if (this.#calls.delete(id)) this.#writeReply(id, reply);
  }

  /** A caller who cancels does not wait for an answer. */
  #cancel({ method, json }: Extract<ClientMessage, { type: "notification" }>): void {
    if (method !== "notifications/cancelled" || !isObject(json["params"])) return;
    const { requestId: id } = json["params"];
    if (typeof id !== "string" && typeof id !== "number") return;
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    call?.abort(new McpctlError("request-timeout", "The caller gave up"));
  }

  #refuse(id: RequestId | null, error: RpcError): void {
    this.#writeReply(id, toReply("error", error));
  }

  #writeReply(id: RequestId | null, { kind, json, release }: UpstreamReply): void {
    this.#write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"${kind}":`, json, "}", release);
  }

  /** Progress that is not read in time is worth nothing. */
  readonly #passOn = (message: Uint8Array): void => {
    if (this.#writer.unsentBytes < this.#options.limits.pauseBytes) this.#write("", message);
  };

  #write(head: string, value?: Uint8Array, tail?: string, onSent?: () => void): void {
    if (this.#isEnded) return;
    if (!this.#writer.write(head, value, tail, onSent)) return this.#cut();
    if (this.#writer.unsentBytes > this.#options.limits.pauseBytes) this.#options.socket.pause();
  }

  /** Only the end of a right ends a link: who cannot be asked for now may answer the next call. */
  #onRefused(reason: unknown): void {
    if (!(reason instanceof McpctlError)) return;
    if (["unauthenticated", "forbidden", "not-found"].includes(reason.code)) this.end(reason);
  }

  #isStuck(time: number): boolean {
    const { sentBytes: bytes, unsentBytes } = this.#writer;
    if (unsentBytes === 0 || bytes !== this.#sent.bytes) this.#sent = { bytes, at: time };
    return time - this.#sent.at > this.#options.limits.stallMs;
  }

  #cut(): void {
    this.#options.socket.destroy();
    this.#close();
  }

  #close(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const gone = new McpctlError("request-timeout", "The connection of the caller has ended");
    for (const call of this.#calls.values()) call.abort(gone);
    this.#client.end(gone);
    for (const end of this.#subscriptions.values()) end();
    this.#calls.clear();
    const { socket, upstream, onEnd } = this.#options;
    void upstream.close();
    socket.end();
    // Who does not read does not hear of the end either.
    setTimeout(() => socket.destroy(), GOODBYE_MS).unref();
    onEnd();
  }
}

/** The link was opened to the pipes of a process; what has an address now is reached in another way. */
function requireProcess({ server: { spec, metadata } }: Access): void {
  if (!isProcessServer(spec)) throw new McpctlError("not-found", `mcpd no longer runs server "${metadata.name}"`);
}

function tooMany(): McpctlError {
  return new McpctlError("too-many-requests", "Too many requests are under way on this link", {
    hint: "Wait for some of them to be answered",
  });
}

function idle(): McpctlError {
  return new McpctlError("upstream-unavailable", "The link was not used");
}
