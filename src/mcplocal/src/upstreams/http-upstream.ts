import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Era } from "@mcpctl/shared/mcp/protocol.ts";
import { readChange } from "@mcpctl/shared/mcp/changes.ts";
import {
  type ChangeListener,
  type ClientCapabilities,
  isAskable,
  type Upstream,
  type UpstreamIdentity,
  type UpstreamReply,
  type UpstreamRequestOptions,
} from "@mcpctl/shared/mcp/upstream.ts";
import { nameOf } from "../protocol/modern-rules.ts";
import { waitFor } from "@mcpctl/shared/wait-for.ts";
import { ChangeWatch } from "./change-watch.ts";
import { encodeHeaderValue } from "@mcpctl/shared/mcp/header-value.ts";
import { type HeaderBlock, joinHeaderBlocks, toHeaderBlock } from "../http1/header-block.ts";
import { type Connection, createRequestHeaders, greet } from "./handshake.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { createTarget, type HttpTarget, sendHttp } from "./http-exchange.ts";
import { findLoss } from "./lost-connection.ts";
import { refusalError } from "./refusal.ts";
import { createEnvelope, type Envelope } from "./envelope.ts";
import { type AskingCall, type ServerQuestion, ServerQuestions } from "./server-questions.ts";
import { type RpcOutcome, sendOneWay, sendRpc, type SideMessages } from "./rpc-exchange.ts";

const MAX_GREETING_MS = 30_000;
/** A server that was found to be of the old era may have been upgraded since. */
const ERA_BELIEVED_MS = 3_600_000;
const FAREWELL_TIMEOUT_MS = 2_000;
/** Headers that the transport writes itself. */
const OWN_HEADERS =
  /^(?:accept|content-(?:type|length)|host|connection|keep-alive|transfer-encoding|upgrade|te|trailer|expect|mcp-(?:session-id|protocol-version|method|name))$/i;

export interface HttpUpstreamOptions {
  /** Name of the server, for messages. */
  name: string;
  url: URL;
  /** Headers to send with every request, credentials included. */
  headers: Record<string, string>;
  timeoutSeconds: number;
  /** Keeps the connections; its owner closes it. */
  dispatcher: Dispatcher;
  /** What clients of this connection can be asked for. */
  capabilities: ClientCapabilities;
}

/** A server that speaks Streamable HTTP, of either era. */
export function createHttpUpstream(options: HttpUpstreamOptions): Upstream {
  return new HttpUpstream(options);
}

/** A server that has been greeted, and how to address requests to it. */
interface Greeted {
  connection: Connection;
  headersOf(method: string, name: string | undefined): HeaderBlock;
}

/** Whom messages besides the reply concern. */
interface Side {
  onNotification?: ((message: Uint8Array) => void) | undefined;
  answer(question: ServerQuestion): void;
}

interface Sending {
  method: string;
  params: Record<string, unknown>;
  options: UpstreamRequestOptions;
}

class HttpUpstream implements Upstream {
  readonly #target: HttpTarget;
  readonly #headers: HeaderBlock;
  readonly #timeoutMs: number;
  readonly #closing = new AbortController();
  readonly #watch: ChangeWatch;
  readonly #questions: ServerQuestions;
  readonly #capabilities: ClientCapabilities;
  readonly #envelope: Envelope;
  #ready: Greeted | undefined;
  #greeting: Promise<Greeted> | undefined;
  #known: { era: Era; at: number } | undefined;
  #lastId = 0;

  constructor({ name, url, headers, timeoutSeconds, dispatcher, capabilities }: HttpUpstreamOptions) {
    this.#target = createTarget(name, url, dispatcher);
    this.#questions = new ServerQuestions(this.#target);
    this.#capabilities = capabilities;
    this.#envelope = createEnvelope(capabilities);
    const custom = Object.entries(headers).filter(([header]) => !OWN_HEADERS.test(header));
    this.#headers = toHeaderBlock({
      ...Object.fromEntries(custom),
      accept: "application/json, text/event-stream",
      "content-type": "application/json",
    });
    this.#timeoutMs = timeoutSeconds * 1_000;
    this.#watch = new ChangeWatch({
      target: this.#target,
      connect: async () => (await this.#connected(this.#closing.signal)).connection,
      answer: (connection) =>
        this.#sideMessages(connection, { answer: (question) => this.#questions.answerUnnamed(question) }),
      request: (method, params) => this.request(method, params, { signal: this.#closing.signal }),
      signal: this.#closing.signal,
    });
  }

  get identity(): UpstreamIdentity | undefined {
    return this.#ready?.connection.identity;
  }

  async connect(signal: AbortSignal): Promise<UpstreamIdentity> {
    return (this.#ready ?? (await this.#connected(signal))).connection.identity;
  }

  async request(
    method: string,
    params: Record<string, unknown>,
    options: UpstreamRequestOptions,
  ): Promise<UpstreamReply> {
    const greeted = this.#ready ?? (await this.#connected(options.signal));
    const outcome = await this.#send(greeted, { method, params, options });
    if (outcome.status === 200 && outcome.reply) return outcome.reply;
    if (!this.#isLost(greeted, outcome)) return this.#readRefusal(outcome);
    // The server refused to look at the request, so sending it once more cannot do anything twice.
    const again = await this.#send(await this.#connected(options.signal), { method, params, options });
    return again.status === 200 && again.reply ? again.reply : this.#readRefusal(again);
  }

  onChange(listener: ChangeListener): () => void {
    return this.#watch.add(listener);
  }

  subscribe(uri: string): () => void {
    return this.#watch.subscribe(uri);
  }

  async close(): Promise<void> {
    const connection = this.#ready?.connection;
    this.#ready = undefined;
    this.#closing.abort(closed(this.#target.name));
    if (connection?.sessionId === undefined) return;
    const farewell = { method: "DELETE", headers: connection.headers, timeoutMs: FAREWELL_TIMEOUT_MS } as const;
    await sendHttp(this.#target, farewell).catch(() => {});
  }

  #connected(signal: AbortSignal): Promise<Greeted> {
    if (this.#closing.signal.aborted) return Promise.reject(closed(this.#target.name));
    if (this.#ready) return Promise.resolve(this.#ready);
    this.#greeting ??= this.#greet().finally(() => (this.#greeting = undefined));
    return waitFor(this.#greeting, signal);
  }

  async #greet(): Promise<Greeted> {
    const isBelieved = this.#known !== undefined && performance.now() - this.#known.at < ERA_BELIEVED_MS;
    const knownEra = isBelieved ? this.#known?.era : undefined;
    const timeoutMs = Math.min(this.#timeoutMs, MAX_GREETING_MS);
    const capabilities = this.#capabilities;
    const connection = await greet({
      target: this.#target,
      headers: this.#headers,
      timeoutMs,
      knownEra,
      capabilities,
    });
    const { era } = connection.identity;
    if (knownEra !== era) this.#known = { era, at: performance.now() };
    const greeted = { connection, headersOf: createRequestHeaders(connection) };
    if (!this.#closing.signal.aborted) this.#ready = greeted;
    return greeted;
  }

  #send(greeted: Greeted, sending: Sending): Promise<RpcOutcome> {
    const { client, signal } = sending.options;
    if (!client || greeted.connection.identity.era === "modern") return this.#sendNow(greeted, sending, undefined);
    return this.#questions.run(client, signal, async (asking) => {
      if (!isAskable(client)) return await this.#sendNow(greeted, sending, asking);
      // Many servers ask on the stream of the session alone, and do not when there is none.
      const { opened, end } = this.#watch.beginCall();
      try {
        await waitFor(opened, signal);
        return await this.#sendNow(greeted, sending, asking);
      } finally {
        end();
      }
    });
  }

  #sendNow(
    { connection, headersOf }: Greeted,
    { method, params, options: { signal, onNotification, client, mirrored } }: Sending,
    asking: AskingCall | undefined,
  ): Promise<RpcOutcome> {
    this.#lastId += 1;
    const id = this.#lastId;
    const headers = headersOf(method, nameOf(method, params));
    const isModern = connection.identity.era === "modern";
    const answer = (question: ServerQuestion): void => this.#questions.answer(question, asking);
    const sent = sendRpc(this.#target, {
      id,
      method,
      params: isModern ? this.#envelope(params, client?.logLevel) : JSON.stringify(params),
      headers: mirrored && isModern ? joinHeaderBlocks(headers, toMirrored(mirrored)) : headers,
      timeoutMs: this.#timeoutMs,
      signal,
      side: () => this.#sideMessages(connection, { onNotification, answer }),
      isWaiting: asking && (() => asking.waiting > 0),
      resumeHeaders: isModern ? undefined : connection.headers,
    });
    if (isModern) return sent;
    const whole = sent.then((outcome) => outcome.goOn?.() ?? outcome);
    return whole.catch((thrown: unknown) => {
      if (wasGivenUp(thrown, signal)) this.#cancel(connection, id);
      throw thrown;
    });
  }

  /** A server with sessions goes on working when a connection breaks, and must be told. */
  #cancel(connection: Connection, requestId: number): void {
    const message = { method: "notifications/cancelled", params: { requestId, reason: "The caller gave up" } };
    sendOneWay(this.#target, connection.headers, message).catch(() => {});
  }

  #sideMessages({ identity, headers }: Connection, { onNotification, answer }: Side): SideMessages {
    return {
      onNotification: (method, message) => {
        const change = readChange(method, message);
        if (change) this.#watch.notify(change);
        else onNotification?.(message);
      },
      onRequest: (id, method, message) => {
        // A stateless server has no right to ask; one with sessions waits for an answer.
        if (identity.era === "legacy") answer({ id, method, message, headers });
      },
    };
  }

  /** Whether the server no longer knows us. Forgets it in turn, so that the next request greets it anew. */
  #isLost(greeted: Greeted, outcome: RpcOutcome): boolean {
    const loss = findLoss(greeted.connection, outcome);
    if (!loss) return false;
    if (loss === "era") this.#known = undefined;
    if (this.#ready === greeted) this.#ready = undefined;
    return true;
  }

  #readRefusal(outcome: RpcOutcome): UpstreamReply {
    if (outcome.reply) return outcome.reply;
    throw refusalError(this.#target.name, outcome);
  }
}

function toMirrored(values: Readonly<Record<string, string>>): HeaderBlock {
  const encoded = Object.entries(values).map(([header, value]): [string, string] => [header, encodeHeaderValue(value)]);
  return toHeaderBlock(Object.fromEntries(encoded));
}

function wasGivenUp(thrown: unknown, signal: AbortSignal): boolean {
  return signal.aborted || (thrown instanceof McpctlError && thrown.code === "upstream-timeout");
}

function closed(name: string): McpctlError {
  return new McpctlError("upstream-unavailable", `The connection to server "${name}" was closed`, {
    hint: "Try again: the server has been changed or the gateway is stopping",
  });
}
