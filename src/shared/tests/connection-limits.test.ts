import { describe, expect, it } from "vitest";
import { type ConnectionBounds, ConnectionLimits, type LimitedSocket } from "../src/connection-limits.ts";

const BOUNDS: ConnectionBounds = {
  maxConnections: 5,
  maxConnectionsPerAddress: 3,
  maxUnreadBytes: 1_000,
  stallMs: 30,
  silenceMs: 600,
};

/** A socket as far as the limits look at it. */
class FakeSocket implements LimitedSocket {
  readonly remoteAddress: string;
  readonly #listeners = new Map<string, (() => void)[]>();
  writableLength = 0;
  timeout = BOUNDS.silenceMs;
  isDestroyed = false;

  constructor(remoteAddress = "10.0.0.1") {
    this.remoteAddress = remoteAddress;
  }

  setTimeout(milliseconds: number): void {
    this.timeout = milliseconds;
  }

  on(event: "close" | "timeout", listener: () => void): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  tell(event: "close" | "timeout"): void {
    for (const listener of this.#listeners.get(event) ?? []) listener();
  }

  destroy(): void {
    this.isDestroyed = true;
    this.tell("close");
  }
}

function opened(limits: ConnectionLimits, addresses: readonly string[]): FakeSocket[] {
  return addresses.map((address) => {
    const socket = new FakeSocket(address);
    limits.add(socket, 0);
    return socket;
  });
}

describe("connections", () => {
  it("are refused beyond the number of one address, and others are not", () => {
    const limits = new ConnectionLimits(BOUNDS);
    const sockets = opened(limits, ["a", "a", "a", "a", "b"]);
    expect(sockets.map((socket) => limits.excessOf(socket))).toEqual([
      undefined,
      undefined,
      undefined,
      "address",
      undefined,
    ]);
    expect(limits.open).toBe(4);
    expect(limits.counts).toMatchObject({ address: 1, total: 0 });
  });

  it("are refused beyond the number of all addresses", () => {
    const limits = new ConnectionLimits(BOUNDS);
    const sockets = opened(limits, ["a", "b", "c", "d", "e", "f"]);
    expect(sockets.map((socket) => limits.excessOf(socket)).at(-1)).toBe("total");
  });

  it("make room when they close", () => {
    const limits = new ConnectionLimits(BOUNDS);
    const [first] = opened(limits, ["a", "a", "a"]);
    first?.destroy();
    expect(opened(limits, ["a"]).map((socket) => limits.excessOf(socket))).toEqual([undefined]);
    expect(limits.open).toBe(3);
  });

  it("that are refused have a moment to ask why, but not all of a flood", () => {
    const limits = new ConnectionLimits(BOUNDS);
    const refused = opened(
      limits,
      Array.from({ length: 203 }, () => "a"),
    ).slice(3);
    expect(refused.filter(({ isDestroyed }) => isDestroyed)).toHaveLength(136);
    limits.sweep(1_999);
    expect(refused.filter(({ isDestroyed }) => isDestroyed)).toHaveLength(136);
    limits.sweep(2_000);
    expect(refused.filter(({ isDestroyed }) => isDestroyed)).toHaveLength(200);
  });
});

describe("a peer that does not read", () => {
  it("has less time than one that is only silent, until it has read", () => {
    const limits = new ConnectionLimits(BOUNDS);
    const [socket = new FakeSocket()] = opened(limits, ["a"]);
    socket.writableLength = 10;
    limits.sweep(1_000);
    expect([socket.timeout, limits.unreadBytes]).toEqual([BOUNDS.stallMs, 10]);
    socket.tell("timeout");
    expect(limits.counts.stalled).toBe(1);
    socket.writableLength = 0;
    limits.sweep(2_000);
    expect([socket.timeout, limits.unreadBytes]).toEqual([BOUNDS.silenceMs, 0]);
  });

  it("keeps the limit that the end of its answer has set", () => {
    const limits = new ConnectionLimits(BOUNDS);
    const [socket = new FakeSocket()] = opened(limits, ["a"]);
    socket.writableLength = 10;
    limits.sweep(1_000);
    socket.writableLength = 0;
    socket.setTimeout(65);
    limits.sweep(2_000);
    expect(socket.timeout).toBe(65);
  });

  it("loses its connection when all leave too much, the one that has left it longest first", () => {
    const limits = new ConnectionLimits(BOUNDS);
    const [old = new FakeSocket(), recent = new FakeSocket()] = opened(limits, ["a", "b"]);
    old.writableLength = 600;
    limits.sweep(1_000);
    recent.writableLength = 600;
    limits.sweep(2_000);
    expect([old.isDestroyed, recent.isDestroyed]).toEqual([true, false]);
    expect([limits.unreadBytes, limits.counts.memory]).toEqual([600, 1]);
  });

  it("pays for answers that wait behind others, too, but may wait for the first as long as it takes", () => {
    const limits = new ConnectionLimits(BOUNDS);
    const [socket = new FakeSocket()] = opened(limits, ["a"]);
    const answer = { socket: null, writableLength: 600, on: () => {} };
    limits.addWaiting(socket, answer);
    limits.sweep(1_000);
    expect([limits.unreadBytes, socket.timeout]).toEqual([600, BOUNDS.silenceMs]);
    limits.addWaiting(socket, { ...answer });
    limits.sweep(2_000);
    expect([socket.isDestroyed, limits.unreadBytes]).toEqual([true, 0]);
  });

  it("has a moment in any case", () => {
    const limits = new ConnectionLimits(BOUNDS);
    const [socket = new FakeSocket()] = opened(limits, ["a"]);
    socket.writableLength = 5_000;
    limits.sweep(1_000);
    expect(socket.isDestroyed).toBe(false);
    limits.sweep(2_000);
    expect(socket.isDestroyed).toBe(true);
  });
});
