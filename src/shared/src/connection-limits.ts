/** What is asked of a socket of `node:net`. */
export interface LimitedSocket {
  readonly remoteAddress?: string | undefined;
  /** Bytes that the peer has not taken yet. */
  readonly writableLength: number;
  readonly timeout?: number | undefined;
  setTimeout(milliseconds: number): unknown;
  destroy(): unknown;
  on(event: "close" | "timeout", listener: () => void): unknown;
}

/** An answer that waits for its turn on a connection; its socket is null until then. */
export interface WaitingAnswer {
  readonly socket: object | null;
  readonly writableLength: number;
  on(event: "close", listener: () => void): unknown;
}

export interface ConnectionBounds {
  maxConnections: number;
  maxConnectionsPerAddress: number;
  /** What all peers together may leave unread. */
  maxUnreadBytes: number;
  /** A peer that takes nothing of its answer for so long loses the connection. */
  stallMs: number;
  /** For a connection on which nothing happens at all; as the server sets it. */
  silenceMs: number;
}

export const CONNECTION_BOUNDS: ConnectionBounds = {
  maxConnections: 16_384,
  maxConnectionsPerAddress: 4_096,
  maxUnreadBytes: 268_435_456,
  stallMs: 30_000,
  // Longer than any call may take.
  silenceMs: 660_000,
};

/** Which bound a connection is beyond. */
export type Excess = "address" | "total";

/** How many connections of this moment are refused with an answer; beyond that they are just ended. */
const MAX_ANSWERED = 64;
/** How long a connection that is refused may take to ask, so that it can be told. */
const ANSWER_MS = 2_000;

/**
 * Keeps what connections may cost within bounds: their number, in all and from one address, and the bytes that peers
 * leave unread. Looks at sockets when they come and at intervals, so that a request costs nothing.
 */
export class ConnectionLimits {
  readonly #bounds: ConnectionBounds;
  readonly #open = new Set<LimitedSocket>();
  readonly #perAddress = new Map<string, number>();
  readonly #refused = new Map<LimitedSocket, { excess: Excess; since: number }>();
  /** Who has not taken everything, longest first, and since when. */
  readonly #unread = new Map<LimitedSocket, number>();
  readonly #waiting = new Map<LimitedSocket, Set<WaitingAnswer>>();
  /** Connections since the start: refused, and ended because of what they left unread. */
  readonly counts = { address: 0, total: 0, stalled: 0, memory: 0 };

  constructor(bounds: Partial<ConnectionBounds> = {}) {
    this.#bounds = { ...CONNECTION_BOUNDS, ...bounds };
  }

  get open(): number {
    return this.#open.size;
  }

  get unreadBytes(): number {
    let bytes = 0;
    for (const socket of this.#unread.keys()) bytes += this.#unreadOf(socket);
    return bytes;
  }

  /** Takes note of an answer to a client that has sent one request behind the other. */
  addWaiting(socket: LimitedSocket, answer: WaitingAnswer): void {
    const waiting = this.#waiting.get(socket) ?? new Set();
    if (waiting.size === 0) this.#waiting.set(socket, waiting);
    waiting.add(answer);
    answer.on("close", () => {
      waiting.delete(answer);
      if (waiting.size === 0) this.#waiting.delete(socket);
    });
  }

  /** Takes note of a new connection. @param now - monotonic milliseconds. */
  add(socket: LimitedSocket, now: number): void {
    const address = socket.remoteAddress ?? "";
    const ofAddress = this.#perAddress.get(address) ?? 0;
    const excess = this.#excessOf(ofAddress);
    if (excess) return this.#refuse(socket, excess, now);
    this.#open.add(socket);
    this.#perAddress.set(address, ofAddress + 1);
    socket.on("timeout", () => {
      if (socket.writableLength > 0) this.counts.stalled += 1;
    });
    socket.on("close", () => {
      this.#open.delete(socket);
      this.#unread.delete(socket);
      this.#waiting.delete(socket);
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left === 0) this.#perAddress.delete(address);
      else this.#perAddress.set(address, left);
    });
  }

  /** Why the requests of a connection are not to be served, if so. */
  excessOf(socket: LimitedSocket): Excess | undefined {
    return this.#refused.size === 0 ? undefined : this.#refused.get(socket)?.excess;
  }

  /** Ends what is beyond its bounds. To be called about every second. @param now - monotonic milliseconds. */
  sweep(now: number): void {
    for (const [socket, { since }] of this.#refused) if (now - since >= ANSWER_MS) socket.destroy();
    for (const socket of this.#open) this.#look(socket, now);
    let bytes = this.unreadBytes;
    for (const [socket, since] of this.#unread) {
      // Whoever reads as fast as others is never the first, and gets a moment in any case.
      if (bytes <= this.#bounds.maxUnreadBytes || since === now) return;
      bytes -= this.#unreadOf(socket);
      this.counts.memory += 1;
      socket.destroy();
    }
  }

  #look(socket: LimitedSocket, now: number): void {
    const { stallMs, silenceMs } = this.#bounds;
    if (this.#unreadOf(socket) === 0) this.#unread.delete(socket);
    else if (!this.#unread.has(socket)) this.#unread.set(socket, now);
    const isReading = socket.writableLength === 0;
    if (!isReading && socket.timeout !== stallMs) socket.setTimeout(stallMs);
    // An answer that has ended has set another limit already.
    if (isReading && socket.timeout === stallMs) socket.setTimeout(silenceMs);
  }

  #unreadOf(socket: LimitedSocket): number {
    let bytes = socket.writableLength;
    for (const answer of this.#waiting.get(socket) ?? []) if (answer.socket === null) bytes += answer.writableLength;
    return bytes;
  }

  #excessOf(ofAddress: number): Excess | undefined {
    if (this.#open.size >= this.#bounds.maxConnections) return "total";
    return ofAddress >= this.#bounds.maxConnectionsPerAddress ? "address" : undefined;
  }

  #refuse(socket: LimitedSocket, excess: Excess, since: number): void {
    this.counts[excess] += 1;
    if (this.#refused.size >= MAX_ANSWERED) return void socket.destroy();
    this.#refused.set(socket, { excess, since });
    socket.on("close", () => this.#refused.delete(socket));
  }
}
