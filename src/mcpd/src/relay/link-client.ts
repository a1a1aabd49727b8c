import type { McpctlError } from "@mcpctl/shared/errors.ts";
import { META, type RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import { parseJson } from "@mcpctl/shared/mcp/line-messages.ts";
import { splitMark, wantsNotifications, withMark } from "@mcpctl/shared/mcp/relay-marks.ts";
import type { ClientSide, UpstreamReply, UpstreamRequestOptions } from "@mcpctl/shared/mcp/upstream.ts";
import { type ClientMessage, type ClientRequest, isObject } from "./client-message.ts";

/** What goes to the gateway at the other end of a link. */
interface LinkClientOptions {
  write(message: object): void;
  /** A notification that is worth nothing when it is not read in time. */
  writeWhenRead(message: Uint8Array): void;
}

/** The clients behind the calls on one link: they hear of what a server says meanwhile, and answer what it asks. */
export class LinkClient {
  readonly #options: LinkClientOptions;
  readonly #waiting = new Map<RequestId, PromiseWithResolvers<UpstreamReply>>();
  #lastId = 0;

  constructor(options: LinkClientOptions) {
    this.#options = options;
  }

  /** What a server may do while it works on a request. */
  optionsOf({ id, params }: ClientRequest, signal: AbortSignal): UpstreamRequestOptions {
    const { _meta: meta } = params;
    if (!isObject(meta)) return { signal };
    const client = this.#clientOf(id, meta);
    const onNotification = (message: Uint8Array): void => this.#notify(id, message);
    const isListening = wantsNotifications(meta) || meta["progressToken"] !== undefined;
    return { signal, ...(isListening && { onNotification }), ...(client && { client }) };
  }

  /** Takes the answer to a question. */
  answer({ id, json }: Extract<ClientMessage, { type: "response" }>): void {
    if (id === null) return;
    const kind = "result" in json ? "result" : "error";
    this.#waiting.get(id)?.resolve({ kind, json: Buffer.from(JSON.stringify(json[kind])) });
  }

  /** The link is gone. */
  end(reason: McpctlError): void {
    for (const { reject } of this.#waiting.values()) reject(reason);
  }

  #clientOf(id: RequestId, meta: Record<string, unknown>): ClientSide | undefined {
    const capabilities = meta[META.clientCapabilities];
    const logLevel = meta[META.logLevel];
    if (!isObject(capabilities)) return undefined;
    return {
      capabilities,
      logLevel: typeof logLevel === "string" ? logLevel : undefined,
      ask: (method, params, signal) => this.#ask({ method, params: withMark(params, id) }, signal),
    };
  }

  async #ask(question: { method: string; params: object }, signal: AbortSignal): Promise<UpstreamReply> {
    this.#lastId += 1;
    const id = `mcpd-${this.#lastId}`;
    signal.throwIfAborted();
    const answer = Promise.withResolvers<UpstreamReply>();
    const onAbort = (): void => answer.reject(signal.reason);
    signal.addEventListener("abort", onAbort);
    this.#waiting.set(id, answer);
    this.#options.write({ jsonrpc: "2.0", id, ...question });
    try {
      return await answer.promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#waiting.delete(id);
    }
  }

  /** Progress says by its token to what it belongs; everything else is marked. */
  #notify(id: RequestId, message: Uint8Array): void {
    const json = parseJson(message);
    if (!isObject(json)) return;
    const { method, params } = json;
    if (method === "notifications/progress" || !isObject(params)) return this.#options.writeWhenRead(message);
    const marked = { ...json, params: withMark(splitMark(params).params, id) };
    this.#options.writeWhenRead(Buffer.from(JSON.stringify(marked)));
  }
}
