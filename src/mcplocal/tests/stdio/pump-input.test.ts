import { PassThrough } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { pumpInput } from "../../src/stdio/pump-input.ts";

const MEBIBYTE = 1_048_576;

function startPump() {
  const stdin = new PassThrough({ highWaterMark: 64 * MEBIBYTE });
  const stdout = new PassThrough();
  const received: string[] = [];
  const gateway = { hasRoom: true, receive: (chunk: Uint8Array) => void received.push(Buffer.from(chunk).toString()) };
  const seen = { stalls: 0, hasEnded: false };
  stdin.on("end", () => (seen.hasEnded = true));
  pumpInput({ stdin, stdout, gateway, onStalled: () => (seen.stalls += 1) });
  return { stdin, stdout, gateway, received, seen };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
}

describe("input", () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => vi.useRealTimers());

  it("is given on in its order, and waits while the client does not read", async () => {
    const { stdin, stdout, gateway, received } = startPump();
    stdin.write("a");
    await settle();
    gateway.hasRoom = false;
    stdin.write("b");
    await settle();
    stdin.write("c");
    await settle();
    expect(received).toEqual(["a"]);
    gateway.hasRoom = true;
    stdout.emit("drain");
    stdin.write("d");
    await settle();
    expect(received.join("")).toBe("abcd");
  });

  it("shows its end also while the client does not read", async () => {
    const { stdin, gateway, received, seen } = startPump();
    gateway.hasRoom = false;
    stdin.end("asked and gone");
    await settle();
    expect(seen.hasEnded).toBe(true);
    expect(received).toEqual([]);
  });

  it("is not read without bounds, and the client is given up in the end", async () => {
    const { stdin, gateway, seen } = startPump();
    gateway.hasRoom = false;
    for (let at = 0; at < 10; at += 1) {
      stdin.write(Buffer.alloc(MEBIBYTE));
      await settle();
    }
    expect(stdin.readableLength).toBe(5 * MEBIBYTE);
    vi.advanceTimersByTime(9_000);
    expect(seen.stalls).toBe(0);
    vi.advanceTimersByTime(2_000);
    expect(seen.stalls).toBe(1);
  });

  it("is read on when the client reads again", async () => {
    const { stdin, stdout, gateway, received, seen } = startPump();
    gateway.hasRoom = false;
    for (let at = 0; at < 10; at += 1) {
      stdin.write(Buffer.alloc(MEBIBYTE));
      await settle();
    }
    gateway.hasRoom = true;
    stdout.emit("drain");
    await settle();
    vi.advanceTimersByTime(60_000);
    expect(received.join("")).toHaveLength(10 * MEBIBYTE);
    expect(seen.stalls).toBe(0);
  });
});
