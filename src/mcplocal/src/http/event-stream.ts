import type { ServerResponse } from "node:http";

/** A client that does not read makes us keep what it should have read; past this it is given up. */
const MAX_UNREAD_BYTES = 1_048_576;
const BEGIN = Buffer.from("event: message\ndata: ");
const END = Buffer.from("\n\n");

/** A stream of server-sent events to a client. */
export class EventStream {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-cache",
      "x-accel-buffering": "no",
    });
    response.flushHeaders();
  }

  get isOpen(): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed;
  }

  /** Sends one message, given as JSON on a single line, in any number of pieces. */
  send(...pieces: readonly Uint8Array[]): void {
    if (!this.#isWritable()) return;
    this.#response.cork();
    for (const piece of [BEGIN, ...pieces, END]) this.#response.write(piece);
    this.#response.uncork();
  }

  /** Shows that the stream lives; clients ignore it. */
  keepAlive(): void {
    if (this.#isWritable()) this.#response.write(":\n\n");
  }

  end(): void {
    if (this.isOpen) this.#response.end();
  }

  onClose(listener: () => void): void {
    this.#response.once("close", listener);
  }

  #isWritable(): boolean {
    if (this.#response.writableLength > MAX_UNREAD_BYTES) this.#response.destroy();
    return this.isOpen;
  }
}
