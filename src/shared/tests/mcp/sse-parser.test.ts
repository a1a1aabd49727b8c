import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SseParser } from "../../src/mcp/sse-parser.ts";

function read(chunks: readonly Buffer[], maxEventBytes = 1_000_000): string[] {
  const messages: string[] = [];
  const parser = new SseParser({ maxEventBytes, onMessage: (data) => messages.push(data.toString("utf8")) });
  for (const chunk of chunks) parser.push(chunk);
  return messages;
}

const readText = (text: string) => read([Buffer.from(text)]);

describe("SseParser", () => {
  it.each([
    ["one event", "data: {}\n\n", ["{}"]],
    ["no space behind the colon", "data:{}\n\n", ["{}"]],
    ["only one space removed", "data:  a\n\n", [" a"]],
    ["lines of an event joined", "data: a\ndata: b\n\n", ["a\nb"]],
    ["carriage returns and line feeds", "data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]],
    ["carriage returns alone", "data: a\r\rdata: b\r\r", ["a", "b"]],
    ["a byte order mark", "\ufeffdata: a\n\n", ["a"]],
    ["comments skipped", ":keep-alive\n\n: x\ndata: a\n\n", ["a"]],
    ["ids and retries skipped", "id: 7\nretry: 10\ndata: a\n\n", ["a"]],
    ["events named message", "event: message\ndata: a\n\n", ["a"]],
    ["other events skipped", "event: ping\ndata: a\n\ndata: b\n\n", ["b"]],
    ["an event without data", "event: message\nid: 1\n\ndata: b\n\n", ["b"]],
    ["empty data, as sent to prime a stream", "id: 1\ndata:\n\ndata: b\n\n", ["b"]],
    ["an event that has not ended", "data: a\n", []],
    ["a field without a colon", "data\n\ndata: b\n\n", ["b"]],
    ["a colon in the data", 'data: {"a":1}\n\n', ['{"a":1}']],
  ])("reads %s", (_, text, expected) => {
    expect(readText(text)).toEqual(expected);
  });

  it("finds the same events wherever the stream is cut", () => {
    const text =
      '\ufeffevent: message\r\ndata: {"a":"ä世界"}\r\n\r\n:\n\ndata: one\ndata: two\n\nid: 3\rdata: c\r\rdata: d\n\n';
    const bytes = Buffer.from(text);
    const expected = readText(text);
    expect(expected).toEqual(['{"a":"ä世界"}', "one\ntwo", "c", "d"]);
    for (let at = 0; at <= bytes.length; at += 1)
      expect(read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(expected);
    expect(read(Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual(expected);
  });

  it("reads what was written, for any messages and any cuts", () => {
    const ends = fc.constantFrom("\n", "\r\n", "\r");
    const messages = fc.array(fc.json(), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(messages, ends, fc.array(fc.nat(400), { maxLength: 8 }), (wanted, end, cuts) => {
        const bytes = Buffer.from(wanted.map((message) => `event: message${end}data: ${message}${end}${end}`).join(""));
        const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((stop, index) => bytes.subarray(at[index], stop));
        expect(read(chunks)).toEqual(wanted);
      }),
    );
  });

  it.each([
    ["a line that does not end", [Buffer.from("data: "), ...Array(20).fill(Buffer.alloc(100, "x"))]],
    ["an event of many lines", [Buffer.from("data: xxxxxxxxx\n".repeat(200))]],
  ])("gives up on %s", (_, chunks) => {
    expect(() => read(chunks, 1_000)).toThrow("more than 1000 bytes");
  });

  it.each([
    ["comments", ":\n\n"],
    ["events that are no messages", "event: ping\ndata: xxxx\n\n"],
    ["a little data among them", `data: x\n:${"y".repeat(1_000)}\n`],
    ["lines without data", "data:\n"],
  ])("gives up on a stream of %s", (_, text) => {
    const some = Buffer.from(text.repeat(Math.ceil(25_000 / text.length)));
    expect(read(Array(5).fill(some), 16_000_000)).toEqual([]);
    expect(() => read(Array(15).fill(some), 16_000_000)).toThrow("more than 262144 bytes without a message");
    const apart = Array.from({ length: 15 }, () => [some, Buffer.from("\n\ndata: a\n\n")]).flat();
    expect(read(apart, 16_000_000).filter((message) => message === "a")).toHaveLength(15);
  });

  it("reads a large event in pieces without copying it again and again", () => {
    const pieces = Array.from({ length: 4_000 }, () => Buffer.alloc(1_000, "x"));
    const startedAt = performance.now();
    const [message] = read([Buffer.from("data: "), ...pieces, Buffer.from("\n\n")], 10_000_000);
    expect(message).toHaveLength(4_000_000);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});
