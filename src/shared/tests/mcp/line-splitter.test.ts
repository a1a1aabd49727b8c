import { describe, expect, it } from "vitest";
import { createLineSplitter } from "../../src/mcp/line-splitter.ts";

function splitterOf(maxLineBytes: number) {
  const lines: string[] = [];
  const long: string[] = [];
  const push = createLineSplitter({
    maxLineBytes,
    allocate: Buffer.allocUnsafe,
    onLine: (line) => lines.push(Buffer.from(line).toString()),
    onLongLine: (head, tail) => long.push([head, tail].map((end) => Buffer.from(end).toString()).join("…")),
  });
  return { lines, long, push: (text: string) => push(Buffer.from(text)) };
}

describe("createLineSplitter", () => {
  const text = 'first\n\nä second {"json":"line"}\nthird\n';

  it("gives the same lines wherever the stream is cut", () => {
    const bytes = Buffer.from(text);
    for (let first = 0; first <= bytes.length; first += 1) {
      for (let second = first; second <= bytes.length; second += 1) {
        const lines: string[] = [];
        const push = createLineSplitter({
          maxLineBytes: 64,
          allocate: Buffer.allocUnsafe,
          onLine: (l) => lines.push(Buffer.from(l).toString()),
          onLongLine() {},
        });
        for (const part of [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)])
          push(part);
        expect(lines).toEqual(["first", "", 'ä second {"json":"line"}', "third"]);
      }
    }
  });

  it("keeps a line of exactly the limit", () => {
    const { push, lines, long } = splitterOf(10);
    push("0123456789\n01234");
    push("56789\n");
    expect(lines).toEqual(["0123456789", "0123456789"]);
    expect(long).toEqual([]);
  });

  it("lets go of a longer line but for its ends, and goes on behind it", () => {
    const { push, lines, long } = splitterOf(1_000);
    push("before\nHEAD");
    for (let i = 0; i < 100; i += 1) push("x".repeat(100));
    push("TAIL\nafter\n");
    expect(lines).toEqual(["before", "after"]);
    expect(long).toEqual([expect.stringMatching(/^HEADx{0,252}….*x{252}TAIL$/)]);
  });

  it("does so for a longer line within one chunk too", () => {
    const { push, lines, long } = splitterOf(10);
    push("before\n012345678901234\nafter\n");
    expect(lines).toEqual(["before", "after"]);
    expect(long).toHaveLength(1);
  });

  it("takes a long line byte by byte without piling up", () => {
    const { push, lines } = splitterOf(100_000);
    for (let i = 0; i < 100_000; i += 1) push("x");
    push("\n");
    expect(lines[0]).toHaveLength(100_000);
  });
});
