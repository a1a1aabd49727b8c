import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLineMemory } from "../../src/mcp/line-memory.ts";
import { createLineSplitter } from "../../src/mcp/line-splitter.ts";

function splitterOf(maxLineBytes: number) {
  const lines: string[] = [];
  const long: string[] = [];
  const push = createLineSplitter({
    maxLineBytes,
    memory: createLineMemory(Buffer),
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
          memory: createLineMemory(Buffer),
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

  it("gives the same lines wherever the stream is cut, when the memory of each is given back at once", () => {
    const lengths = fc.array(fc.oneof(fc.nat(50), fc.integer({ min: 16_000, max: 140_000 })), { maxLength: 6 });
    fc.assert(
      fc.property(lengths, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 }), (sizes, cuts) => {
        const sent = sizes.map((size, index) => String(index).repeat(size));
        const bytes = Buffer.from(sent.map((line) => `${line}\n`).join(""));
        const memory = createLineMemory(Buffer);
        const lines: string[] = [];
        const onLine = (line: Uint8Array, isOwn: boolean) => {
          lines.push(Buffer.from(line).toString());
          if (isOwn) memory.giveBack(line);
        };
        const push = createLineSplitter({ maxLineBytes: 1_000_000, memory, onLine, onLongLine() {} });
        const ends = [...cuts.map((cut) => Math.floor(cut * bytes.length)), bytes.length].toSorted((a, b) => a - b);
        for (const [index, end] of ends.entries()) push(copyOf(bytes.subarray(ends[index - 1] ?? 0, end)));
        expect(lines).toEqual(sent);
      }),
    );
  });

  it("lets go of a large chunk unless a short line is a view of it", () => {
    const { push, lines } = chunkSplitter();
    const [start, end, whole] = [
      chunkOf("x".repeat(20_000)),
      chunkOf(`${"x".repeat(20_000)}\n`),
      chunkOf("b\n", 20_000),
    ];
    for (const chunk of [start, end, whole]) push(chunk);
    expect([start.length, end.length, whole.length]).toEqual([0, 0, 20_000]);
    expect(lines.map((line) => line.length)).toEqual([40_000, ...Array.from({ length: 10_000 }, () => 1)]);
    const alone = chunkOf(`${"a".repeat(40_000)}\n`);
    push(alone);
    expect([alone.length, lines.at(-1)?.length]).toEqual([0, 40_000]);
    const shared = Buffer.alloc(40_000, "y").subarray(0, 20_000);
    push(shared);
    expect(shared).toHaveLength(20_000);
  });
});

function chunkSplitter() {
  const lines: Uint8Array[] = [];
  const memory = createLineMemory(Buffer);
  const onLine = (line: Uint8Array) => lines.push(line);
  return { lines, push: createLineSplitter({ maxLineBytes: 100_000, memory, onLine, onLongLine() {} }) };
}

/** Bytes with memory of their own, like those that a socket reads. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return Buffer.from(new Uint8Array(bytes).buffer);
}

function chunkOf(text: string, size = text.length): Uint8Array {
  return Buffer.from(new Uint8Array(Buffer.alloc(size, text)).buffer);
}
