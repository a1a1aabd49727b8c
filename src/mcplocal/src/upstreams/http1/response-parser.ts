import { Buffer } from "node:buffer";
import { malformed } from "./malformed.ts";
import { ResponseHeaders } from "./response-headers.ts";

/** What nearly every response begins with. */
const USUAL_STATUS_LINE = "HTTP/1.1 200 OK";
const USUAL_STATUS = [USUAL_STATUS_LINE, "1", "200"];
const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
const MAX_HEAD_BYTES = 65_536;
const MAX_CHUNK_LINE_BYTES = 1_024;
const NOTHING = Buffer.alloc(0);

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [^\0\r\n]*)?$/;
const LENGTH = /^\d{1,15}$/;
const CHUNK_LINE = /^([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\0\r\n]*)?$/;

export interface ResponseEvents {
  onHead(status: number, headers: ResponseHeaders): void;
  /** @param chunk - valid until the call returns; what is to be kept must be copied. */
  onData(chunk: Buffer): void;
  /** @param canReuse - whether another request may be sent on the same connection. */
  onEnd(canReuse: boolean): void;
}

/** How the end of a body is told. */
type Framing = "length" | "chunk" | "until-close";
type State = "head" | "body" | "chunk-line" | "chunk-end" | "trailers" | "complete" | "done";

/**
 * Reads the responses of one connection, one after the other, in pieces of any size. It takes what a conforming server
 * sends and refuses whatever two readers might take for different messages; the connection is of no use then.
 *
 * @see RFC 9112, sections 2, 4 to 7
 */
export class ResponseParser {
  readonly #events: ResponseEvents;
  #state: State = "done";
  #framing: Framing = "length";
  /** Of the body, or of the chunk. */
  #leftBytes = 0;
  #canReuse = false;
  /** What has come of a head or a line that is not complete. */
  #kept: Buffer = NOTHING;

  constructor(events: ResponseEvents) {
    this.#events = events;
  }

  /** Says that a request has been sent, so that a response may come. */
  begin(): void {
    this.#state = "head";
  }

  /**
   * @param chunk - looked at until the call returns, and not kept.
   * @throws {McpctlError} `upstream-protocol`
   */
  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) rest = this.#read(rest);
    // Only now: whoever hears of the end may send the next request, whose answer nothing in this chunk can be.
    if (this.#state === "complete") this.#finish();
  }

  /** Says that the connection has ended. @throws {Error} when the response has not. */
  close(): void {
    if (this.#state === "done") return;
    const isWhole = this.#state === "body" && this.#framing === "until-close";
    if (!isWhole) throw new Error("The server closed the connection before it had answered");
    this.#canReuse = false;
    this.#finish();
  }

  #read(bytes: Buffer): Buffer {
    switch (this.#state) {
      case "head":
        return this.#readUpTo(bytes, HEAD_END, { maxBytes: MAX_HEAD_BYTES, onFound: (head) => this.#readHead(head) });
      case "body":
        return this.#readBody(bytes);
      case "chunk-line":
        return this.#readLine(bytes, (line) => this.#beginChunk(line));
      case "chunk-end":
        return this.#readLine(bytes, (line) => this.#endChunk(line));
      case "trailers":
        return this.#readLine(bytes, (line) => this.#readTrailer(line));
      case "complete":
      case "done":
        throw malformed("it was not asked for");
    }
  }

  #readHead(head: string): void {
    const lineEnd = head.indexOf("\r\n");
    const statusLine = lineEnd < 0 ? head : head.slice(0, lineEnd);
    const isUsual = statusLine === USUAL_STATUS_LINE;
    const [, minor, digits] = isUsual ? USUAL_STATUS : (STATUS_LINE.exec(statusLine) ?? []);
    if (digits === undefined) throw malformed("its status line is malformed");
    const status = Number(digits);
    const headers = new ResponseHeaders(lineEnd < 0 ? "" : head.slice(lineEnd + 2));
    if (status === 101) throw malformed("it changes the protocol, which was not asked for");
    // An interim response; the real one follows.
    if (status < 200) return;
    const isPersistent = minor === "1" && !isClosing(headers.get("connection"));
    this.#frame(status, headers, minor === "1");
    this.#canReuse = isPersistent && this.#framing !== "until-close";
    const isEmpty = this.#framing === "length" && this.#leftBytes === 0;
    this.#state = this.#framing === "chunk" ? "chunk-line" : "body";
    this.#events.onHead(status, headers);
    if (isEmpty) this.#state = "complete";
  }

  #frame(status: number, headers: ResponseHeaders, knowsChunks: boolean): void {
    const coding = headers.get("transfer-encoding");
    const length = headers.get("content-length");
    if (coding !== undefined) {
      if (length !== undefined) throw malformed("it tells its length in two ways");
      if (!knowsChunks || coding.toLowerCase() !== "chunked") throw malformed("its transfer coding is unknown");
    }
    if (length !== undefined && !LENGTH.test(length)) throw malformed("its content length is malformed");
    const hasNoBody = status === 204 || status === 304;
    this.#framing = hasNoBody
      ? "length"
      : coding !== undefined
        ? "chunk"
        : length === undefined
          ? "until-close"
          : "length";
    this.#leftBytes = hasNoBody ? 0 : Number(length ?? 0);
  }

  #readBody(bytes: Buffer): Buffer {
    if (this.#framing === "until-close") {
      this.#events.onData(bytes);
      return NOTHING;
    }
    const part = bytes.length <= this.#leftBytes ? bytes : bytes.subarray(0, this.#leftBytes);
    this.#leftBytes -= part.length;
    this.#events.onData(part);
    if (this.#leftBytes === 0) {
      if (this.#framing === "chunk") this.#state = "chunk-end";
      else this.#state = "complete";
    }
    return bytes.subarray(part.length);
  }

  #beginChunk(line: string): void {
    const [, digits] = CHUNK_LINE.exec(line) ?? [];
    if (digits === undefined) throw malformed("the length of a chunk is malformed");
    this.#leftBytes = Number.parseInt(digits, 16);
    this.#state = this.#leftBytes === 0 ? "trailers" : "body";
  }

  #endChunk(line: string): void {
    if (line !== "") throw malformed("a chunk is longer than it says");
    this.#state = "chunk-line";
  }

  /** What trailers say is of no use here. */
  #readTrailer(line: string): void {
    if (line === "") this.#state = "complete";
    else new ResponseHeaders(line);
  }

  #readLine(bytes: Buffer, onFound: (line: string) => void): Buffer {
    return this.#readUpTo(bytes, LINE_END, { maxBytes: MAX_CHUNK_LINE_BYTES, onFound });
  }

  #readUpTo(
    bytes: Buffer,
    end: Buffer,
    { maxBytes, onFound }: { maxBytes: number; onFound(text: string): void },
  ): Buffer {
    const all = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
    const at = all.indexOf(end);
    if ((at < 0 ? all.length : at) > maxBytes) throw malformed("a line or its head is too long");
    if (at < 0) {
      this.#kept = all === bytes ? Buffer.from(bytes) : all;
      return NOTHING;
    }
    this.#kept = NOTHING;
    onFound(all.toString("latin1", 0, at));
    return all.subarray(at + end.length);
  }

  #finish(): void {
    this.#state = "done";
    this.#events.onEnd(this.#canReuse);
  }
}

function isClosing(connection: string | undefined): boolean {
  return connection !== undefined && /\bclose\b/i.test(connection);
}
