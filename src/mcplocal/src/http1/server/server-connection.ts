import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { McpctlError } from "@mcpctl/shared/errors.ts";
import { toRawResponse, unreadableRequest } from "@mcpctl/shared/http-refusal.ts";
import { MalformedMessage } from "../malformed.ts";
import { type Framing, HeadTooLarge, MessageReader } from "../message-reader.ts";
import { parseRequestHead } from "./request-head.ts";
import { type ExchangeHost, ServerExchange } from "./server-exchange.ts";

const MAX_HEAD_BYTES = 16_384;
/** Requests that a client sends ahead of their turn are kept up to here, and left unread beyond. */
const MAX_BACKLOG_BYTES = 65_536;
/** A client that goes on sending a body which nobody wants loses the connection after this much of it. */
const MAX_DISCARDED_BYTES = 16 * 1_024 * 1_024;
const NOTHING = Buffer.alloc(0);

export interface ConnectionOwner {
  /** Whether no further requests are served. */
  readonly isClosing: boolean;
  onExchange(exchange: ServerExchange): void;
  /** What the client sent was no request. It has been told, unless it was being told something else. */
  onUnreadable(failure: McpctlError): void;
}

/** What a connection is waiting for. */
export type Phase = "idle" | "head" | "body" | "answer" | "rest";

/**
 * A connection of a client. Its requests are served one after the other, so that an answer can only ever belong to the
 * request in front of it.
 */
export class ServerConnection implements ExchangeHost {
  readonly socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #reader: MessageReader;
  #exchange: ServerExchange | undefined;
  #exchanges = 0;
  #backlog: Buffer = NOTHING;
  #discardedBytes = 0;
  #isReading = false;
  #isEnding = false;
  /** The phase when somebody last looked, of which exchange, and since when. */
  #seen: { phase: Phase; exchanges: number; since: number } | undefined;

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.socket = socket;
    this.#owner = owner;
    this.#reader = new MessageReader(
      { onHead: (head) => this.#begin(head), onData: (chunk) => this.#takeBody(chunk) },
      MAX_HEAD_BYTES,
    );
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#onClose());
  }

  get phase(): Phase {
    if (!this.#exchange) return this.#reader.isUntouched ? "idle" : "head";
    if (this.#exchange.isOver) return "rest";
    return this.#reader.isComplete ? "answer" : "body";
  }

  /** How long the connection has been in its phase, as far as has been seen. @param now - monotonic milliseconds. */
  look(now: number): { phase: Phase; milliseconds: number } {
    const { phase } = this;
    if (this.#seen?.phase !== phase || this.#seen.exchanges !== this.#exchanges) {
      this.#seen = { phase, exchanges: this.#exchanges, since: now };
    }
    return { phase, milliseconds: now - this.#seen.since };
  }

  /** Gives up a request that does not arrive. */
  timeOut(): void {
    this.#refuse(unreadableRequest("late"));
  }

  /** Ends a connection that waits for another request. */
  endWhenIdle(): void {
    if (this.phase === "idle") this.#end();
  }

  onAnswered(): void {
    if (this.#isReading) return;
    this.#settle();
    if (this.#exchange || this.#isEnding) return;
    const backlog = this.#backlog;
    this.#backlog = NOTHING;
    if (this.socket.isPaused()) this.socket.resume();
    if (backlog.length > 0) this.#read(backlog);
  }

  #onData(chunk: Buffer): void {
    if (this.#isEnding) return this.#discard(chunk);
    if (this.#backlog.length > 0 || (this.#exchange && this.#reader.isComplete)) this.#keep(chunk);
    else this.#read(chunk);
  }

  #read(bytes: Buffer): void {
    let rest = bytes;
    this.#isReading = true;
    try {
      while (rest.length > 0 && !this.#isEnding && !(this.#exchange && this.#reader.isComplete)) {
        rest = this.#reader.push(rest);
        if (this.#reader.isComplete) this.#exchange?.endRequest();
        this.#settle();
      }
    } catch (thrown) {
      if (!(thrown instanceof MalformedMessage)) throw thrown;
      this.#refuse(unreadableRequest(thrown instanceof HeadTooLarge ? "large" : "malformed", thrown));
      return;
    } finally {
      this.#isReading = false;
    }
    if (rest.length > 0 && !this.#isEnding) this.#keep(rest);
  }

  #begin(text: string): Framing {
    const head = parseRequestHead(text);
    this.#exchanges += 1;
    this.#discardedBytes = 0;
    this.#exchange = new ServerExchange(head, this);
    if (this.#owner.isClosing) this.#exchange.setLast();
    this.#owner.onExchange(this.#exchange);
    return head.framing;
  }

  #takeBody(chunk: Buffer): void {
    if (!this.#exchange || this.#exchange.isOver) this.#discard(chunk);
    else this.#exchange.takeBody(chunk);
  }

  #discard(chunk: Buffer): void {
    this.#discardedBytes += chunk.length;
    if (this.#discardedBytes > MAX_DISCARDED_BYTES) this.socket.destroy();
  }

  #keep(chunk: Buffer): void {
    this.#backlog = this.#backlog.length === 0 ? chunk : Buffer.concat([this.#backlog, chunk]);
    if (this.#backlog.length > MAX_BACKLOG_BYTES) this.socket.pause();
  }

  /** Goes on to the next request when this one has come whole and has been answered. */
  #settle(): void {
    const exchange = this.#exchange;
    if (!exchange?.isOver || this.#isEnding) return;
    if (!this.#reader.isComplete && !exchange.isBodyWithheld) return;
    this.#exchange = undefined;
    if (exchange.isLast || this.#owner.isClosing) this.#end();
    else this.#reader.begin();
  }

  #end(): void {
    this.#isEnding = true;
    this.socket.destroySoon();
  }

  /** Tells the client what is wrong, if it is not being told something else, and ends the connection. */
  #refuse(failure: McpctlError): void {
    const exchange = this.#exchange;
    const isTold = !exchange?.isBegun && this.socket.writable;
    this.#isEnding = true;
    exchange?.lose();
    if (!isTold) return void this.socket.destroy();
    this.socket.write(toRawResponse(failure), "latin1");
    this.socket.destroySoon();
    this.#owner.onUnreadable(failure);
  }

  #onClose(): void {
    this.#isEnding = true;
    this.#backlog = NOTHING;
    this.#exchange?.lose();
  }
}
