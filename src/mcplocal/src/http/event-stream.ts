import { toHeaderBlock } from "../http1/header-block.ts";
import type { ServerExchange } from "../http1/server/server-exchange.ts";

/** A client that does not read makes us keep what it should have read; past this it is given up. */
const MAX_UNREAD_BYTES = 1_048_576;
const HEADERS = toHeaderBlock({
  "content-type": "text/event-stream",
  "cache-control": "no-cache",
  "x-accel-buffering": "no",
});
const BEGIN = Buffer.from("event: message\ndata: ");
const END = Buffer.from("\n\n");
const COMMENT = Buffer.from(":\n\n");

/** A stream of server-sent events to a client. */
export class EventStream {
  readonly #exchange: ServerExchange;

  constructor(exchange: ServerExchange) {
    this.#exchange = exchange;
    exchange.beginStream(HEADERS);
  }

  /** Sends one message, given as JSON on a single line, in any number of pieces. */
  send(...pieces: readonly Uint8Array[]): void {
    this.#write([BEGIN, ...pieces, END]);
  }

  /** Shows that the stream lives; clients ignore it. */
  keepAlive(): void {
    this.#write([COMMENT]);
  }

  end(): void {
    this.#exchange.endStream();
  }

  onClose(listener: () => void): void {
    this.#exchange.onOver(listener);
  }

  #write(pieces: readonly Uint8Array[]): void {
    if (this.#exchange.unreadBytes > MAX_UNREAD_BYTES) this.#exchange.destroy();
    else this.#exchange.write(pieces);
  }
}
