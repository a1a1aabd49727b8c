import { Buffer } from "node:buffer";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { performance } from "node:perf_hooks";
import type { HeaderLines } from "../header-lines.ts";
import { type ResponseEvents, ResponseParser } from "./response-parser.ts";

/** One request, ready for the wire. */
export interface WireRequest {
  /** Request line and headers, without the lines that frame the body. */
  head: string;
  /** Bytes stay as they are until the response is there. */
  body: string | Buffer;
}

/** Whoever waits for a response. Exactly one of `onEnd` and `onError` is called, once, unless it was abandoned. */
export interface ResponseHandler extends ResponseEvents {
  onError(error: Error): void;
}

interface ConnectionOptions {
  url: URL;
  connectTimeoutMs: number;
  /** The connection has become free. */
  onFree(connection: HttpConnection): void;
  /** The connection has ended, or was never made. */
  onClosed(connection: HttpConnection, error: Error): void;
}

/** The seconds that a server keeps an idle connection, as it says itself. */
const KEEP_ALIVE = /\btimeout=(\d{1,6})/i;
const DEFAULT_KEEP_ALIVE_MS = 4_000;
const LONGEST_KEEP_ALIVE_MS = 600_000;
/** A request that meets a server which is just closing is lost, so the connection is given up before that. */
const SAFETY_MS = 1_000;
/** A peer that has vanished without a word is noticed by the kernel. */
const PROBE_AFTER_MS = 60_000;

/** A connection to a server, for one request at a time. */
export class HttpConnection implements ResponseEvents {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #parser = new ResponseParser(this);
  #handler: ResponseHandler | undefined;
  #keepAliveSaid: string | undefined;
  #keepAliveMs = DEFAULT_KEEP_ALIVE_MS;
  #isClosed = false;
  /** When an idle connection is no longer to be used; monotonic milliseconds. */
  #freshUntil = Infinity;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#socket = dial(options.url, (chunk) => this.#readSafely(() => this.#parser.push(chunk)));
    this.#socket.setNoDelay(true).setKeepAlive(true, PROBE_AFTER_MS);
    const timer = setTimeout(() => this.#socket.destroy(connectTimeout(options)), options.connectTimeoutMs);
    this.#socket.once(options.url.protocol === "https:" ? "secureConnect" : "connect", () => {
      clearTimeout(timer);
      this.#release();
    });
    this.#socket.on("end", () => {
      this.#readSafely(() => this.#parser.close());
      this.destroy();
    });
    this.#socket.on("error", (error) => this.#end(error));
    this.#socket.on("close", () => {
      clearTimeout(timer);
      this.#end(new Error("The connection was closed"));
    });
  }

  isFresh(now: number): boolean {
    return !this.#isClosed && now < this.#freshUntil;
  }

  /** Sends a request over a connection that is free. */
  send({ head, body }: WireRequest, handler: ResponseHandler): void {
    this.#handler = handler;
    this.#parser.begin();
    if (typeof body !== "string") return this.#sendBytes(head, body);
    const bytes = Buffer.byteLength(body);
    const length = body === "" ? "\r\n" : `content-length: ${bytes}\r\n\r\n`;
    // Head and body leave in one system call; where all is ASCII the bytes need no encoding.
    this.#socket.write(head + length + body, bytes === body.length ? "latin1" : "utf8");
  }

  #sendBytes(head: string, body: Buffer): void {
    this.#socket.cork();
    this.#socket.write(`${head}content-length: ${body.length}\r\n\r\n`, "latin1");
    this.#socket.write(body);
    this.#socket.uncork();
  }

  /** Ends the connection if this handler still waits for its response, and tells it nothing. */
  abandon(handler: ResponseHandler): void {
    if (this.#handler !== handler) return;
    this.#handler = undefined;
    this.destroy();
  }

  destroy(): void {
    this.#freshUntil = -Infinity;
    this.#socket.destroy();
  }

  onHead(status: number, headers: HeaderLines): void {
    const said = headers.get("keep-alive");
    if (said !== this.#keepAliveSaid) {
      this.#keepAliveSaid = said;
      this.#keepAliveMs = keepAliveMs(said);
    }
    this.#handler?.onHead(status, headers);
  }

  onData(chunk: Buffer): void {
    this.#handler?.onData(chunk);
  }

  onEnd(canReuse: boolean): void {
    const handler = this.#handler;
    this.#handler = undefined;
    // An answer to a request that has not been sent whole leaves the rest of it in the way of the next.
    if (canReuse && this.#socket.writableLength === 0 && !this.#isClosed) this.#release();
    else this.destroy();
    handler?.onEnd(canReuse);
  }

  #release(): void {
    this.#freshUntil = performance.now() + this.#keepAliveMs;
    this.#options.onFree(this);
  }

  #readSafely(read: () => void): void {
    try {
      read();
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
      this.destroy();
    }
  }

  #end(error: Error): void {
    const handler = this.#handler;
    this.#handler = undefined;
    const isFirst = !this.#isClosed;
    this.#isClosed = true;
    if (isFirst) this.#options.onClosed(this, error);
    handler?.onError(error);
  }
}

/**
 * All connections read into the same memory: what comes is looked at before anything else is read, and copied to where
 * it belongs. A buffer for each read would be garbage of 64 KB each time.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536);

/** @param onData - gets bytes that are valid until it returns. */
function dial({ protocol, hostname, port }: URL, onData: (chunk: Buffer) => void): Socket {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  if (protocol !== "https:") {
    const callback = (bytes: number): boolean => {
      onData(READ_BUFFER.subarray(0, bytes));
      return true;
    };
    return connectTcp({ host, port: Number(port || 80), onread: { buffer: READ_BUFFER, callback } });
  }
  const servername = isIP(host) === 0 ? host : "";
  return connectTls({ host, port: Number(port || 443), servername, ALPNProtocols: ["http/1.1"] }).on("data", onData);
}

function keepAliveMs(said = ""): number {
  const [, seconds] = KEEP_ALIVE.exec(said) ?? [];
  const kept = seconds === undefined ? DEFAULT_KEEP_ALIVE_MS : Number(seconds) * 1_000 - SAFETY_MS;
  return Math.min(kept, LONGEST_KEEP_ALIVE_MS);
}

function connectTimeout({ url, connectTimeoutMs }: ConnectionOptions): Error {
  return new Error(`No connection to ${url.host} within ${connectTimeoutMs / 1_000} s`);
}
