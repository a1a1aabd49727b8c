import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { HeaderBlock } from "../header-block.ts";
import type { HeaderLines } from "../header-lines.ts";
import type { RequestHead } from "./request-head.ts";
import { endOfHead, statusLine } from "./response-head.ts";

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const LAST_CHUNK = "0\r\n\r\n";
const LINE_END = Buffer.from("\r\n");
const NOTHING = Buffer.alloc(0);

/** Who takes the body of a request. Exactly one of `onEnd` and `onLost` is called, unless nobody cares any more. */
export interface BodyTaker {
  onData(chunk: Buffer): void;
  onEnd(): void;
  /** The client broke off in the middle. */
  onLost(): void;
}

/** The connection that an exchange belongs to. */
export interface ExchangeHost {
  readonly socket: Socket;
  /** The answer has been handed over whole. */
  onAnswered(): void;
}

/** One request of a client and the answer to it. Whatever is sent after the end, or to nobody, is dropped. */
export class ServerExchange {
  readonly method: string;
  readonly target: string;
  readonly headers: HeaderLines;
  readonly #head: RequestHead;
  readonly #host: ExchangeHost;
  #taker: BodyTaker | undefined;
  /** What came of the body before anybody wanted it. */
  #early: Buffer[] = [];
  #extraHeaders = "";
  #state: "waiting" | "streaming" | "answered" | "lost" = "waiting";
  #isRequestComplete = false;
  #isLast: boolean;
  #overListeners: (() => void)[] = [];
  #controller: AbortController | undefined;

  constructor(head: RequestHead, host: ExchangeHost) {
    this.method = head.method;
    this.target = head.target;
    this.headers = head.headers;
    this.#head = head;
    this.#host = host;
    this.#isLast = head.isLast;
  }

  get socket(): Socket {
    return this.#host.socket;
  }

  /** Whether an answer has begun, or can no longer begin. */
  get isBegun(): boolean {
    return this.#state !== "waiting";
  }

  /** Whether nothing can be sent any more. */
  get isOver(): boolean {
    return this.#state === "answered" || this.#state === "lost";
  }

  get isLost(): boolean {
    return this.#state === "lost";
  }

  /** Whether the connection ends with the answer. */
  get isLast(): boolean {
    return this.#isLast;
  }

  /** Whether the client still waits for a word before it sends the body, which never came. */
  get isBodyWithheld(): boolean {
    return this.#head.isWaiting && this.#isLast;
  }

  /** Bytes of the answer that the client has not taken yet. */
  get unreadBytes(): number {
    return this.#host.socket.writableLength;
  }

  /** Aborted when the client goes away before it is answered. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.isLost) this.#abort();
    return this.#controller.signal;
  }

  /** Calls back when the answer has been sent or the client has gone away; at once when that is so. */
  onOver(listener: () => void): void {
    if (this.isOver) listener();
    else this.#overListeners.push(listener);
  }

  /** Ends the connection with the answer. */
  setLast(): void {
    this.#isLast = true;
  }

  /** Adds headers to whatever the answer will be. */
  addHeaders(headers: HeaderBlock): void {
    this.#extraHeaders += headers;
  }

  /** Begins to take the body; what has come of it is told at once. */
  receive(taker: BodyTaker): void {
    if (this.isLost) return taker.onLost();
    this.#taker = taker;
    if (this.#head.isWaiting && !this.#isRequestComplete && this.#early.length === 0) {
      this.#head.isWaiting = false;
      this.#host.socket.write(CONTINUE, "latin1");
    }
    for (const chunk of this.#early.splice(0)) taker.onData(chunk);
    if (this.#isRequestComplete) taker.onEnd();
  }

  /** No longer takes the body; the rest of it runs dry. */
  ignoreBody(): void {
    this.#taker = IGNORING;
    this.#early = [];
  }

  /** Answers with a text of Latin-1, each character one byte. It leaves in one system call with the head. */
  sendText(status: number, headers: HeaderBlock, text: string): void {
    if (this.isBegun) return;
    const head = this.#startOf(status, headers, `content-length: ${text.length}\r\n`);
    this.#host.socket.write(this.#isHead ? head : head + text, "latin1");
    this.#finish();
  }

  /**
   * Answers with bytes, which are not copied.
   *
   * @param onSent - called when the socket needs them no more, because they are out or the connection has ended.
   */
  sendPieces(status: number, headers: HeaderBlock, pieces: readonly Uint8Array[], onSent?: () => void): void {
    if (this.isBegun) return onSent?.();
    const { socket } = this.#host;
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    socket.cork();
    socket.write(this.#startOf(status, headers, `content-length: ${length}\r\n`), "latin1");
    if (!this.#isHead) for (const piece of pieces) socket.write(piece);
    // A write of nothing ends after those before it.
    if (onSent) socket.write(NOTHING, onSent);
    socket.uncork();
    this.#finish();
  }

  /** Begins an answer whose length is not known. */
  beginStream(headers: HeaderBlock): void {
    if (this.isBegun) return;
    if (!this.#head.isHttp11) this.#isLast = true;
    const framing = this.#head.isHttp11 ? "transfer-encoding: chunked\r\n" : "";
    this.#host.socket.write(this.#startOf(200, headers, framing), "latin1");
    this.#state = "streaming";
    if (this.#isHead) this.#finish();
  }

  /** Sends some of a stream, as one chunk. */
  write(pieces: readonly Uint8Array[]): void {
    if (this.#state !== "streaming") return;
    const { socket } = this.#host;
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    socket.cork();
    if (this.#head.isHttp11) socket.write(`${length.toString(16)}\r\n`, "latin1");
    for (const piece of pieces) socket.write(piece);
    if (this.#head.isHttp11) socket.write(LINE_END);
    socket.uncork();
  }

  endStream(): void {
    if (this.#state !== "streaming") return;
    if (this.#head.isHttp11) this.#host.socket.write(LAST_CHUNK, "latin1");
    this.#finish();
  }

  /** Breaks the connection off. */
  destroy(): void {
    this.#host.socket.destroy();
  }

  /** For the connection: some of the body has come. */
  takeBody(chunk: Buffer): void {
    if (this.#taker) this.#taker.onData(chunk);
    else this.#early.push(chunk);
  }

  /** For the connection: the request is there whole. */
  endRequest(): void {
    if (this.#isRequestComplete) return;
    this.#isRequestComplete = true;
    this.#taker?.onEnd();
  }

  /** For the connection: the client has gone away, or has sent what is no request. */
  lose(): void {
    if (!this.#isRequestComplete) this.#taker?.onLost();
    this.#early = [];
    if (this.isOver) return;
    this.#state = "lost";
    this.#abort();
    this.#tellOver();
  }

  get #isHead(): boolean {
    return this.#head.method === "HEAD";
  }

  #startOf(status: number, headers: HeaderBlock, framing: string): string {
    // Nobody knows whether a client that was not asked for its body sends it all the same.
    if (this.#head.isWaiting && !this.#isRequestComplete) this.#isLast = true;
    return statusLine(status) + headers + this.#extraHeaders + framing + endOfHead(this.#isLast);
  }

  #finish(): void {
    this.#state = "answered";
    if (!this.#isRequestComplete) this.ignoreBody();
    this.#tellOver();
    this.#host.onAnswered();
  }

  #abort(): void {
    this.#controller?.abort(new Error("The client closed the connection"));
  }

  #tellOver(): void {
    for (const listener of this.#overListeners.splice(0)) listener();
  }
}

const IGNORING: BodyTaker = { onData() {}, onEnd() {}, onLost() {} };
