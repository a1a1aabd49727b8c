import { describe, expect, it } from "vitest";
import { createLineMemory } from "../../src/mcp/line-memory.ts";

describe("createLineMemory", () => {
  it("gives the memory of one long line to the next, and none of it to whoever still holds the first", () => {
    const memory = createLineMemory(Buffer);
    const first = memory.take(100_000).fill(97);
    const view = first.subarray(10, 20);
    memory.giveBack(first.subarray(0, 100_000));
    const second = memory.take(90_000);
    expect(Buffer.from(second.subarray(0, 5)).toString()).toBe("aaaaa");
    expect([first.length, view.length]).toEqual([0, 0]);
    second.fill(98);
    expect(Buffer.from(view).toString()).toBe("");
  });

  it("never has the same memory for two lines", () => {
    const memory = createLineMemory(Buffer);
    memory.giveBack(memory.take(100_000));
    const [one, other] = [memory.take(100_000).fill(1), memory.take(100_000).fill(2)];
    memory.giveBack(one);
    memory.giveBack(one);
    const [third, fourth] = [memory.take(100_000).fill(3), memory.take(100_000).fill(4)];
    expect([other, third, fourth].map((bytes) => bytes.at(-1))).toEqual([2, 3, 4]);
  });

  it("leaves short lines alone, whose memory may be shared", () => {
    const memory = createLineMemory(Buffer);
    const [one, other] = [memory.take(10).fill(1), memory.take(10).fill(2)];
    memory.giveBack(one);
    expect([one.at(0), other.at(0), one.length]).toEqual([1, 2, 10]);
  });

  it("keeps two megabytes and no more", () => {
    const memory = createLineMemory(Buffer);
    const lines = Array.from({ length: 10 }, () => memory.take(320_000));
    for (const line of lines) memory.giveBack(line);
    expect(lines.filter(({ length }) => length === 0)).toHaveLength(6);
    const huge = memory.take(4_000_000);
    memory.giveBack(huge);
    expect(huge.length).toBeGreaterThanOrEqual(4_000_000);
  });
});
