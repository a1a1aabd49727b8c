import { describe, expect, it } from "vitest";
import { ServerBounds } from "../../src/upstreams/server-bounds.ts";

const MIB = 1_048_576;

describe("what one server may cost", () => {
  it("is 32 MiB of answers that are under way", () => {
    const bounds = new ServerBounds("files", () => 0);
    const first = bounds.hold();
    first.setTo(20 * MIB);
    const second = bounds.hold();
    second.setTo(12 * MIB);
    const third = bounds.hold();
    expect(() => third.setTo(2 * MIB)).toThrow(expect.objectContaining({ code: "too-many-requests" }));
    third.setTo(0);
    first.setTo(0);
    third.setTo(16 * MIB);
  });

  it("leaves small answers uncounted, however many they are", () => {
    const bounds = new ServerBounds("files", () => 0);
    for (let count = 0; count < 5_000; count += 1) bounds.hold().setTo(65_536);
  });

  it("is 10 000 messages besides the answers at once, and 1 000 in each second from then on", () => {
    let now = 0;
    const bounds = new ServerBounds("files", () => now);
    const count = (messages: number): void => {
      for (let each = 0; each < messages; each += 1) bounds.countMessage();
    };
    const flood = expect.objectContaining({ code: "upstream-protocol" });
    // What was not used before the first message is not saved up.
    now = 60_000_000;
    count(10_000);
    now += 500;
    bounds.countMessage();
    now += 1_000;
    count(1_000);
    expect(() => count(10_000)).toThrow(flood);
  });
});
