import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PendingRequests } from "../../src/mcp/pending-requests.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp() {
  const events: string[] = [];
  const pending = new PendingRequests({
    onTimeout: (id) => events.push(`timeout ${id}`),
    onAbort: (id) => events.push(`abort ${id}`),
  });
  const add = (id: number, timeoutSeconds?: number, signal?: AbortSignal) =>
    pending.add(id, {
      resolve: () => events.push(`answer ${id}`),
      reject: (reason) => events.push(`${String(reason)} ${id}`),
      timeoutSeconds,
      signal,
    });
  return { pending, add, events };
}

describe("PendingRequests", () => {
  it("ends each request at its own limit, whichever was added first", () => {
    const { add, events } = setUp();
    add(1, 10);
    add(2, 1);
    add(3);
    vi.advanceTimersByTime(999);
    expect(events).toEqual([]);
    vi.advanceTimersByTime(2);
    add(4, 5);
    expect(events).toEqual(["timeout 2"]);
    vi.advanceTimersByTime(9_500);
    expect(events).toEqual(["timeout 2", "timeout 4", "timeout 1"]);
    vi.advanceTimersByTime(1e9);
    expect(events).toHaveLength(3);
  });

  it("has one timer, however many requests come and go", () => {
    const { pending, add, events } = setUp();
    for (let id = 0; id < 1_000; id += 1) {
      add(id, 30);
      pending.take(id)?.resolve({ kind: "result", json: new Uint8Array(0) });
    }
    expect(vi.getTimerCount()).toBe(1);
    add(1_000, 30);
    vi.advanceTimersByTime(30_001);
    expect(events.at(-1)).toBe("timeout 1000");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("lets each request leave once", () => {
    const { pending, add, events } = setUp();
    const abort = new AbortController();
    add(1, 1, abort.signal);
    add(2, 1, abort.signal);
    expect(pending.take(1)).toBeDefined();
    expect(pending.take(1)).toBeUndefined();
    abort.abort();
    add(3, 1);
    pending.rejectAll("broken");
    vi.advanceTimersByTime(5_000);
    expect(events).toEqual(["abort 2", "broken 3"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("does not let the time run while anybody is asked, however many questions there are", () => {
    const { pending, add, events } = setUp();
    add(1, 10);
    pending.pause(1);
    pending.pause(1);
    pending.resume(1);
    vi.advanceTimersByTime(60_000);
    expect(events).toEqual([]);
    pending.resume(1);
    vi.advanceTimersByTime(9_000);
    expect(events).toEqual([]);
    vi.advanceTimersByTime(1_100);
    expect(events).toEqual(["timeout 1"]);
  });

  it("begins the time anew with progress, but not while somebody is asked", () => {
    const { pending, add, events } = setUp();
    add(1, 10);
    vi.advanceTimersByTime(9_000);
    pending.restart(1);
    vi.advanceTimersByTime(9_000);
    expect(events).toEqual([]);
    pending.pause(1);
    pending.restart(1);
    vi.advanceTimersByTime(60_000);
    expect(events).toEqual([]);
    pending.resume(1);
    vi.advanceTimersByTime(10_100);
    expect(events).toEqual(["timeout 1"]);
  });
});
