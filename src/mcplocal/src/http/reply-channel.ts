import type { ServerResponse } from "node:http";
import type { RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { Accepted } from "./accept.ts";
import { EventStream } from "./event-stream.ts";
import { sendReply, toResponse } from "./reply.ts";

/** The answer to one POST: a JSON document, unless something has to be said before the result. */
export class ReplyChannel {
  readonly #response: ServerResponse;
  readonly #accepted: Accepted;
  #stream: EventStream | undefined;

  constructor(response: ServerResponse, accepted: Accepted) {
    this.#response = response;
    this.#accepted = accepted;
  }

  /** Lost when the client takes no event stream, or has been answered. */
  readonly notify = (message: Uint8Array): void => {
    if (!this.#accepted.events || this.#response.writableEnded || this.#response.destroyed) return;
    this.#stream ??= new EventStream(this.#response);
    this.#stream.send(message);
  };

  finish(id: RequestId, reply: UpstreamReply): void {
    if (this.#response.destroyed) return;
    if (this.#accepted.json && !this.#stream) {
      sendReply(this.#response, id, reply);
      return;
    }
    this.#stream ??= new EventStream(this.#response);
    this.#stream.send(...toResponse(id, reply));
    this.#stream.end();
  }
}
