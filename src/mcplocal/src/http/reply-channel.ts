import type { RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { ServerExchange } from "../http1/server/server-exchange.ts";
import type { Accepted } from "./accept.ts";
import { EventStream } from "./event-stream.ts";
import { sendReply, sendReplyAs, toResponse } from "./reply.ts";

/** The answer to one POST: a JSON document, unless something has to be said before the result. */
export class ReplyChannel {
  readonly #exchange: ServerExchange;
  readonly #accepted: Accepted;
  #stream: EventStream | undefined;

  constructor(exchange: ServerExchange, accepted: Accepted) {
    this.#exchange = exchange;
    this.#accepted = accepted;
  }

  /** Lost when the client takes no event stream, or has been answered; then false is returned. */
  readonly send = (message: Uint8Array): boolean => {
    if (!this.#accepted.events || this.#exchange.isOver) return false;
    this.#stream ??= new EventStream(this.#exchange);
    this.#stream.send(message);
    return true;
  };

  /** @param status - of HTTP, which counts only as long as nothing has been said yet. */
  finish(id: RequestId, reply: UpstreamReply, status: number): void {
    if (this.#exchange.isOver) return;
    if (status !== 200 && !this.#stream) return sendReplyAs(this.#exchange, status, toResponse(id, reply));
    if (this.#accepted.json && !this.#stream) {
      sendReply(this.#exchange, id, reply);
      return;
    }
    this.#stream ??= new EventStream(this.#exchange);
    this.#stream.send(...toResponse(id, reply));
    this.#stream.end();
  }
}
