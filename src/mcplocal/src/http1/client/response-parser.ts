import type { Buffer } from "node:buffer";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { HeaderLines } from "../header-lines.ts";
import { MalformedMessage } from "../malformed.ts";
import { type Framing, framingOf, MessageReader } from "../message-reader.ts";

/** What nearly every response begins with. */
const USUAL_STATUS_LINE = "HTTP/1.1 200 OK";
const USUAL_STATUS = [USUAL_STATUS_LINE, "1", "200"];
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [^\0\r\n]*)?$/;
const MAX_HEAD_BYTES = 65_536;

export interface ResponseEvents {
  onHead(status: number, headers: HeaderLines): void;
  /** @param chunk - valid until the call returns; what is to be kept must be copied. */
  onData(chunk: Buffer): void;
  /** @param canReuse - whether another request may be sent on the same connection. */
  onEnd(canReuse: boolean): void;
}

/**
 * Reads the responses of one connection, one after the other. What comes without having been asked for makes the
 * connection useless, as everything does that is no response.
 *
 * @see RFC 9112, sections 4 and 6
 */
export class ResponseParser {
  readonly #events: ResponseEvents;
  readonly #reader: MessageReader;
  #isAwaited = false;
  #canReuse = false;

  constructor(events: ResponseEvents) {
    this.#events = events;
    this.#reader = new MessageReader(
      { onHead: (head) => this.#readHead(head), onData: (chunk) => events.onData(chunk) },
      MAX_HEAD_BYTES,
    );
  }

  /** Says that a request has been sent, so that a response may come. */
  begin(): void {
    this.#isAwaited = true;
    this.#reader.begin();
  }

  /**
   * @param chunk - looked at until the call returns, and not kept.
   * @throws {McpctlError} `upstream-protocol`
   */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (!this.#isAwaited) throw unreadable("it was not asked for");
    const rest = this.#read(chunk);
    if (rest.length > 0) throw unreadable("more came than was asked for");
    // Only now: whoever hears of the end may send the next request, whose answer nothing in this chunk can be.
    if (this.#reader.isComplete) this.#finish();
  }

  /** Says that the connection has ended. @throws {Error} when the response has not. */
  close(): void {
    if (!this.#isAwaited) return;
    if (!this.#reader.isCompleteAtClose) throw new Error("The server closed the connection before it had answered");
    this.#canReuse = false;
    this.#finish();
  }

  #read(chunk: Buffer): Buffer {
    try {
      return this.#reader.push(chunk);
    } catch (thrown) {
      throw thrown instanceof MalformedMessage ? unreadable(thrown.message) : thrown;
    }
  }

  #readHead(head: string): Framing | undefined {
    const lineEnd = head.indexOf("\r\n");
    const statusLine = lineEnd < 0 ? head : head.slice(0, lineEnd);
    const isUsual = statusLine === USUAL_STATUS_LINE;
    const [, minor, digits] = isUsual ? USUAL_STATUS : (STATUS_LINE.exec(statusLine) ?? []);
    if (digits === undefined) throw new MalformedMessage("its status line is malformed");
    const status = Number(digits);
    const headers = new HeaderLines(lineEnd < 0 ? "" : head.slice(lineEnd + 2));
    if (status === 101) throw new MalformedMessage("it changes the protocol, which was not asked for");
    // An interim response; the real one follows.
    if (status < 200) return undefined;
    const told = framingOf(headers, { knowsChunks: minor === "1" }) ?? "until-close";
    const framing = status === 204 || status === 304 ? 0 : told;
    this.#canReuse = minor === "1" && framing !== "until-close" && !isClosing(headers.get("connection"));
    this.#events.onHead(status, headers);
    return framing;
  }

  #finish(): void {
    this.#isAwaited = false;
    this.#events.onEnd(this.#canReuse);
  }
}

function isClosing(connection: string | undefined): boolean {
  return connection !== undefined && /\bclose\b/i.test(connection);
}

function unreadable(why: string): McpctlError {
  return new McpctlError("upstream-protocol", `The answer is no HTTP/1.1: ${why}`);
}
