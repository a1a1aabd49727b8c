import { describe, expect, it } from "vitest";
import { LineWriter } from "../../src/mcp/line-writer.ts";

/** A writer whose turns end, and whose sink sends, when the test says so. */
function setUp(maxUnsentBytes = 1_000_000, isBusy = () => true) {
  const turns: (() => void)[] = [];
  const writes: string[] = [];
  const waiting: (() => void)[] = [];
  const calls: string[] = [];
  const sink = {
    write(chunk: Uint8Array, onWritten: () => void) {
      calls.push("write");
      // Read at once: the memory may be used again after the callback.
      writes.push(Buffer.from(chunk).toString());
      waiting.push(onWritten);
    },
    cork: () => void calls.push("cork"),
    uncork: () => void calls.push("uncork"),
  };
  const writer = new LineWriter(sink, {
    maxUnsentBytes,
    defer: (work) => turns.push(work),
    deferBriefly: (work) => work(),
    isBusy,
  });
  const endTurn = () => turns.splice(0).forEach((work) => work());
  const send = () => waiting.splice(0).forEach((onWritten) => onWritten());
  return { writer, writes, calls, endTurn, send };
}

describe("LineWriter", () => {
  it("gathers the lines of one turn in one write", () => {
    const { writer, writes, endTurn } = setUp();
    writer.write("first");
    writer.write("zweites, schön");
    writer.write('{"result":', Buffer.from('"ä"'), "}");
    expect(writes).toEqual([]);
    endTurn();
    expect(writes).toEqual(['first\nzweites, schön\n{"result":"ä"}\n']);
    endTurn();
    expect(writes).toHaveLength(1);
  });

  it("does not wait for the end of the turn when nothing else is under way", () => {
    const { writer, writes, endTurn } = setUp(1_000, () => false);
    writer.write("alone");
    expect(writes).toEqual(["alone\n"]);
    endTurn();
    expect(writes).toHaveLength(1);
  });

  it("waits for the end of the turn after one that had several lines, and no longer after one that had not", () => {
    let isBusy = true;
    const { writer, writes, endTurn } = setUp(1_000, () => isBusy);
    writer.write("one");
    writer.write("two");
    endTurn();
    isBusy = false;
    writer.write("three");
    expect(writes).toEqual(["one\ntwo\n"]);
    endTurn();
    writer.write("four");
    expect(writes).toEqual(["one\ntwo\n", "three\n", "four\n"]);
  });

  it("hands a long value over as it is, between what came before and after it", () => {
    const { writer, writes, calls, endTurn } = setUp();
    const value = Buffer.alloc(100_000, "x");
    writer.write("before");
    writer.write("[", value, "]");
    writer.write("after");
    endTurn();
    expect(writes.join("")).toBe(`before\n[${value.toString()}]\nafter\n`);
    expect(calls.at(0)).toBe("cork");
    expect(calls.at(-1)).toBe("uncork");
    expect(writes).toContain(value.toString());
  });

  it("keeps the order of thousands of lines of every length, over many turns", () => {
    const { writer, writes, endTurn, send } = setUp(100_000_000);
    const lines = Array.from({ length: 3_000 }, (_, index) => `${index} ${"ü".repeat((index * 37) % 9_000)}`);
    for (const [index, line] of lines.entries()) {
      if (index % 3 === 0) writer.write("", Buffer.from(line), "");
      else writer.write(line);
      if (index % 50 === 0) endTurn();
      if (index % 70 === 0) send();
    }
    endTurn();
    expect(writes.join("").split("\n").slice(0, -1)).toEqual(lines);
  });

  it("refuses a line while too much is unsent, and counts what was sent", () => {
    const { writer, writes, endTurn, send } = setUp(10);
    expect(writer.write("12345")).toBe(true);
    expect(writer.write("12345")).toBe(false);
    expect(writer.write("", Buffer.alloc(20_000), "")).toBe(false);
    endTurn();
    expect(writer.write("12345")).toBe(false);
    expect(writer.unsentBytes).toBe(6);
    send();
    expect([writer.unsentBytes, writer.sentBytes]).toEqual([0, 6]);
    expect(writer.write("123456789")).toBe(true);
    endTurn();
    expect(writes).toEqual(["12345\n", "123456789\n"]);
  });

  it("says when a value is needed no longer: at once when it was copied, else when it has been sent", () => {
    const { writer, endTurn, send } = setUp(200_000);
    const done: string[] = [];
    writer.write("[", Buffer.from("short"), "]", () => done.push("short"));
    writer.write("[", Buffer.alloc(50_000), "]", () => done.push("long"));
    expect(done).toEqual(["short"]);
    endTurn();
    writer.write("[", Buffer.alloc(60_000), "]", () => done.push("longer"));
    expect(writer.write("[", Buffer.alloc(150_000), "]", () => done.push("refused"))).toBe(false);
    expect(done).toEqual(["short"]);
    send();
    expect(done).toEqual(["short", "long"]);
    endTurn();
    send();
    expect(done).toEqual(["short", "long", "longer"]);
  });
});
