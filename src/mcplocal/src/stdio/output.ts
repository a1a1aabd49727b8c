import type { RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import { type ByteSink, LineWriter } from "@mcpctl/shared/mcp/line-writer.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import { startOfResponse } from "../protocol/response-start.ts";

/** Past this a client that does not read gets no progress, and is asked nothing; nothing more is read from it either. */
const MAX_UNREAD_BYTES = 1_048_576;
/** What is under way by then must still be answered; past this the client is given up. */
const MAX_UNSENT_BYTES = 268_435_456;

/** What goes to the client: a line for each message. */
export class Output {
  readonly #writer: LineWriter;
  readonly #onOverflow: () => void;

  /** @param onOverflow - called when an answer is lost because the client does not read. */
  constructor(sink: ByteSink, onOverflow: () => void) {
    this.#writer = new LineWriter(sink, {
      maxUnsentBytes: MAX_UNSENT_BYTES,
      defer: setImmediate,
      deferBriefly: process.nextTick,
      isBusy: () => false,
    });
    this.#onOverflow = onOverflow;
  }

  get hasRoom(): boolean {
    return this.#writer.unsentBytes <= MAX_UNREAD_BYTES;
  }

  /** Says something that is no answer. @returns false when it is lost, because the client does not read. */
  readonly send = (message: Uint8Array): boolean => this.hasRoom && this.#writer.write("", message);

  /** Says that something has changed, also when the client does not read: it would never hear of it otherwise. */
  readonly announce = (message: Uint8Array): void => void this.#writer.write("", message);

  reply(id: RequestId, reply: UpstreamReply): void {
    if (!this.#writer.write(startOfResponse(id, reply), reply.json, "}", reply.release)) this.#onOverflow();
  }

  /** Hands over what has been gathered. */
  flush(): void {
    this.#writer.flush();
  }
}
