import { describe, expect, it } from "vitest";
import { createStderrTail } from "../../src/orchestrators/stderr-tail.ts";

function tailOf(maxBytes: number, chunks: string[], secretValues: string[] = []) {
  const tail = createStderrTail(maxBytes, secretValues);
  chunks.forEach((chunk) => tail.push(Buffer.from(chunk)));
  return tail;
}

describe("createStderrTail", () => {
  it("is empty when nothing was written", () => {
    expect(tailOf(10, []).read()).toBe("");
    expect(tailOf(10, []).readSinceMark(5)).toBe("");
  });

  it("keeps what fits", () => {
    expect(tailOf(100, ["one\n", "two\nth", "ree"]).read()).toBe("one\ntwo\nthree");
  });

  it("keeps the end of what does not fit, from the first whole line", () => {
    const lines = Array.from({ length: 50 }, (_, n) => `line ${n}\n`);
    expect(tailOf(40, lines).read()).toBe("line 46\nline 47\nline 48\nline 49\n");
    expect(tailOf(40, [lines.join("")]).read()).toBe("line 46\nline 47\nline 48\nline 49\n");
  });

  it("gives the last lines since a mark", () => {
    const tail = tailOf(1_000, ["before\n"]);
    tail.mark();
    tail.push(Buffer.from("one\ntwo\nthree\n"));
    expect(tail.readSinceMark(10)).toBe("one\ntwo\nthree");
    expect(tail.readSinceMark(2)).toBe("two\nthree");
  });

  it("takes out escape sequences and control characters, and bounds lines", () => {
    const tail = tailOf(10_000, [
      "\u001b[31mred\u001b[0m \u001b]0;title\u0007bell\u0007\r\n50 %\r100 %\u0000\u202e\n",
      "x".repeat(3_000),
    ]);
    const [first, second, third, last] = tail.read().split("\n");
    expect([first, second, third]).toEqual(["red bell", "50 %", "100 %"]);
    expect(last).toBe(`${"x".repeat(2_000)}…`);
  });

  it("takes out secrets", () => {
    expect(tailOf(100, ["key=hunter22 ok"], ["hunter22", "ok"]).read()).toBe("key=[redacted] ok");
  });
});
