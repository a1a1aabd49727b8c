import { connect, type Socket } from "node:net";

const HEAD_END = Buffer.from("\r\n\r\n");
const NOTHING = Buffer.alloc(0);

export interface HttpReply {
  status: number;
  /** Status line and headers, as latin1. */
  head: string;
  body: Buffer;
}

interface Waiting {
  resolve(reply: HttpReply): void;
  reject(reason: Error): void;
}

/**
 * One kept-alive HTTP/1.1 connection with one request at a time. It does as little as a client can, so that what is
 * measured is the other side: a request is bytes, a reply its status and body.
 */
export class HttpConnection {
  readonly #socket: Socket;
  #waiting: Waiting | undefined;
  #received: Buffer = NOTHING;
  /** How many bytes a reply whose head has been read has in all; undefined while the head is incomplete. */
  #wantedBytes: number | undefined;
  #headBytes = 0;
  #pieces: Buffer[] = [];
  #pieceBytes = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("The connection was closed")));
  }

  static async open(port: number): Promise<HttpConnection> {
    const socket = connect(port, "127.0.0.1");
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new HttpConnection(socket);
  }

  /** @throws when the connection breaks. A reply of any status is a reply. */
  exchange(request: string): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(request, "latin1");
    });
  }

  close(): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#wantedBytes === undefined) {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#readHead();
      return;
    }
    this.#pieces.push(chunk);
    this.#pieceBytes += chunk.length;
    this.#finishWhenComplete();
  }

  #readHead(): void {
    const end = this.#received.indexOf(HEAD_END);
    if (end < 0) return;
    this.#headBytes = end + HEAD_END.length;
    const head = this.#received.toString("latin1", 0, this.#headBytes);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    const hasNone = head.startsWith("HTTP/1.1 202") || head.startsWith("HTTP/1.1 204");
    this.#wantedBytes =
      length === undefined ? (hasNone ? this.#headBytes : Infinity) : this.#headBytes + Number(length);
    this.#pieces = [this.#received];
    this.#pieceBytes = this.#received.length;
    this.#received = NOTHING;
    this.#finishWhenComplete();
  }

  #finishWhenComplete(): void {
    const isChunked = this.#wantedBytes === Infinity;
    if (isChunked ? !endsWithLastChunk(this.#pieces.at(-1)) : this.#pieceBytes < (this.#wantedBytes ?? 0)) return;
    const [only = NOTHING] = this.#pieces;
    const whole = this.#pieces.length === 1 ? only : Buffer.concat(this.#pieces);
    const head = whole.toString("latin1", 0, this.#headBytes);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#wantedBytes = undefined;
    this.#pieces = [];
    waiting?.resolve({ status: Number(head.slice(9, 12)), head, body: whole.subarray(this.#headBytes) });
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}

/** Whether a chunked body is over. Events carry JSON on one line, which holds no such bytes. */
function endsWithLastChunk(piece: Buffer | undefined): boolean {
  return piece?.subarray(-5).equals(Buffer.from("0\r\n\r\n")) ?? false;
}
