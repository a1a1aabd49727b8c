import { Buffer } from "node:buffer";
import { HeaderLines } from "./header-lines.ts";
import { MalformedMessage } from "./malformed.ts";

const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const MAX_CHUNK_LINE_BYTES = 1_024;
/** Trailers are read and thrown away, so nobody needs more. */
const MAX_TRAILERS = 64;
const NOTHING = Buffer.alloc(0);

const LENGTH = /^\d{1,15}$/;
const CHUNK_LINE =
  /^([0-9A-Fa-f]{1,8})(?:;[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:=(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"[\t !#-[\]-~]*"))?)*$/;

/** How the end of a body is told: after so many bytes, in chunks, or by the end of the connection. */
export type Framing = number | "chunked" | "until-close";

/** Who takes a message as it comes. */
export interface MessageTaker {
  /** @param head - start line and headers, in Latin-1. @returns undefined for an interim head: another one follows. */
  onHead(head: string): Framing | undefined;
  /** @param chunk - a part of what was pushed, not copied. */
  onData(chunk: Buffer): void;
}

type State = "head" | "body" | "chunk-line" | "chunk-end" | "trailers" | "complete";

/**
 * Reads messages of HTTP/1.1 one by one, in pieces of any size. It takes what a conforming peer sends and refuses
 * whatever two readers might take for different messages.
 *
 * @see RFC 9112, sections 2, 6 and 7
 */
export class MessageReader {
  readonly #taker: MessageTaker;
  readonly #maxHeadBytes: number;
  #state: State = "head";
  #framing: Framing = 0;
  /** Of the body, or of the chunk. */
  #leftBytes = 0;
  #trailers = 0;
  /** What has come of a head or a line that is not complete. */
  #kept: Buffer = NOTHING;

  constructor(taker: MessageTaker, maxHeadBytes: number) {
    this.#taker = taker;
    this.#maxHeadBytes = maxHeadBytes;
  }

  get isComplete(): boolean {
    return this.#state === "complete";
  }

  /** Whether nothing of a message has come yet. */
  get isUntouched(): boolean {
    return this.#state === "head" && this.#kept.length === 0;
  }

  /** Whether a message of which no more will come is whole. */
  get isCompleteAtClose(): boolean {
    return this.#state === "complete" || (this.#state === "body" && this.#framing === "until-close");
  }

  /** Makes ready for the next message. */
  begin(): void {
    this.#state = "head";
    this.#trailers = 0;
  }

  /**
   * Reads until the message is complete.
   *
   * @param chunk - looked at until the call returns, and not kept.
   * @returns what lies behind the message; empty as long as it is not complete.
   * @throws {MalformedMessage} The reader is of no use then.
   */
  push(chunk: Buffer): Buffer {
    let rest = chunk;
    while (rest.length > 0 && this.#state !== "complete") rest = this.#read(rest);
    return rest;
  }

  #read(bytes: Buffer): Buffer {
    switch (this.#state) {
      case "head":
        return this.#readHead(bytes);
      case "body":
        return this.#readBody(bytes);
      case "chunk-line":
        return this.#readLine(bytes, this.#beginChunk);
      case "chunk-end":
        return this.#readLine(bytes, this.#endChunk);
      case "trailers":
        return this.#readLine(bytes, this.#readTrailer);
      case "complete":
        return bytes;
    }
  }

  #readHead(bytes: Buffer): Buffer {
    return this.#readUpTo(bytes, { end: HEAD_END, maxBytes: this.#maxHeadBytes, onFound: this.#endHead });
  }

  readonly #endHead = (head: string): void => {
    const framing = this.#taker.onHead(head);
    if (framing === undefined) return;
    this.#framing = framing;
    this.#leftBytes = typeof framing === "number" ? framing : 0;
    if (framing === "chunked") this.#state = "chunk-line";
    else this.#state = framing === 0 ? "complete" : "body";
  };

  #readBody(bytes: Buffer): Buffer {
    if (this.#framing === "until-close") {
      this.#taker.onData(bytes);
      return NOTHING;
    }
    const part = bytes.length <= this.#leftBytes ? bytes : bytes.subarray(0, this.#leftBytes);
    this.#leftBytes -= part.length;
    if (this.#leftBytes === 0) this.#state = this.#framing === "chunked" ? "chunk-end" : "complete";
    this.#taker.onData(part);
    return part === bytes ? NOTHING : bytes.subarray(part.length);
  }

  readonly #beginChunk = (line: string): void => {
    const [, digits] = CHUNK_LINE.exec(line) ?? [];
    if (digits === undefined) throw new MalformedMessage("the length of a chunk is malformed");
    this.#leftBytes = Number.parseInt(digits, 16);
    this.#state = this.#leftBytes === 0 ? "trailers" : "body";
  };

  readonly #endChunk = (line: string): void => {
    if (line !== "") throw new MalformedMessage("a chunk is longer than it says");
    this.#state = "chunk-line";
  };

  readonly #readTrailer = (line: string): void => {
    if (line === "") this.#state = "complete";
    else new HeaderLines(line);
    this.#trailers += 1;
    if (this.#trailers > MAX_TRAILERS) throw new MalformedMessage("it has too many trailers");
  };

  #readLine(bytes: Buffer, onFound: (line: string) => void): Buffer {
    return this.#readUpTo(bytes, { end: LINE_END, maxBytes: MAX_CHUNK_LINE_BYTES, onFound });
  }

  #readUpTo(
    bytes: Buffer,
    { end, maxBytes, onFound }: { end: Buffer; maxBytes: number; onFound(text: string): void },
  ): Buffer {
    const all = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
    const at = all.indexOf(end);
    if ((at < 0 ? all.length : at) > maxBytes) throw new HeadTooLarge("its head or a line is too long");
    if (at < 0) {
      if (end === HEAD_END && !mayBeHead(all)) throw new MalformedMessage("it does not begin as HTTP does");
      this.#kept = all === bytes ? Buffer.from(bytes) : all;
      return NOTHING;
    }
    this.#kept = NOTHING;
    onFound(all.toString("latin1", 0, at));
    return all.subarray(at + end.length);
  }
}

/** Whether more bytes can still make a head of these; whoever speaks TLS, or writes lines by hand, is told at once. */
function mayBeHead(bytes: Buffer): boolean {
  const [first = 0] = bytes;
  const lineFeed = bytes.indexOf(LINE_FEED);
  const isBare = lineFeed >= 0 && bytes[lineFeed - 1] !== CARRIAGE_RETURN;
  return !isBare && (first === CARRIAGE_RETURN || (first > 0x20 && first < 0x7f));
}

/** Thrown for a head, or a line between chunks, without end. */
export class HeadTooLarge extends MalformedMessage {}

/**
 * How the body of a message is framed, as far as its headers say.
 *
 * @returns undefined when they say nothing.
 * @throws {MalformedMessage} for what readers are known to disagree about.
 */
export function framingOf(headers: HeaderLines, { knowsChunks }: { knowsChunks: boolean }): Framing | undefined {
  const coding = headers.get("transfer-encoding");
  const length = headers.get("content-length");
  if (coding === undefined) return length === undefined ? undefined : toLength(length);
  if (length !== undefined) throw new MalformedMessage("it tells its length in two ways");
  if (!knowsChunks || coding.toLowerCase() !== "chunked") throw new MalformedMessage("its transfer coding is unknown");
  return "chunked";
}

function toLength(text: string): number {
  if (!LENGTH.test(text)) throw new MalformedMessage("its content length is malformed");
  return Number(text);
}
