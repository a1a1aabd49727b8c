import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { onOneLine, splitMessage } from "../../src/mcp/envelope.ts";
import { membersOf } from "../../src/mcp/json-bytes.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (utf8: Uint8Array) => new TextDecoder().decode(utf8);

describe("splitMessage", () => {
  it.each([
    ["result last", '{"jsonrpc":"2.0","id":7,"result":{"a":1}}'],
    ["result first", '{"result":{"a":1},"jsonrpc":"2.0","id":7}'],
    ["spread over lines", '{\n  "jsonrpc": "2.0",\r\n  "id": 7,\n  "result": {"a":1}\n}\n'],
    ["an escaped key", '{"jsonrpc":"2.0","\\u0069d":7,"result":{"a":1}}'],
    ["unknown members", '{"x":[{"id":9}],"jsonrpc":"2.0","id":7,"result":{"a":1},"y":"}"}'],
  ])("finds id and result with %s", (_, message) => {
    const split = splitMessage(bytes(message));
    expect(split).toMatchObject({ type: "reply", id: 7, reply: { kind: "result" } });
    expect(split.type === "reply" && text(split.reply.json)).toBe('{"a":1}');
  });

  it("leaves every value of a reply exactly as it was", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom("result", "error"), fc.boolean(), (value, kind, isFirst) => {
        const member = `${JSON.stringify(kind)}:${JSON.stringify(value)}`;
        const rest = '"jsonrpc":"2.0","id":"a"';
        const split = splitMessage(bytes(isFirst ? `{${member},${rest}}` : `{${rest},${member}}`));
        expect(split).toMatchObject({ type: "reply", id: "a", reply: { kind } });
        expect(split.type === "reply" && text(split.reply.json)).toBe(JSON.stringify(value));
      }),
    );
  });

  it("leaves a pretty-printed value the same value on one line", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const split = splitMessage(bytes(`{"jsonrpc":"2.0","id":1,"result":${JSON.stringify(value, null, 2)}}`));
        const json = split.type === "reply" ? text(split.reply.json) : "";
        expect(json).not.toContain("\n");
        expect(JSON.stringify(JSON.parse(json))).toBe(JSON.stringify(value));
      }),
    );
  });

  it("tells requests from notifications", () => {
    expect(splitMessage(bytes('{"jsonrpc":"2.0","method":"ping","id":"x"}'))).toEqual({
      type: "request",
      id: "x",
      method: "ping",
    });
    expect(splitMessage(bytes('{"jsonrpc":"2.0","method":"notifications/progress","params":{"a":[1]}}'))).toEqual({
      type: "notification",
      method: "notifications/progress",
    });
  });

  it.each([
    ["nothing", ""],
    ["an array", "[1]"],
    ["a log line with an id", '{"id":5,"level":"info","result":"done"}'],
    ["another version", '{"jsonrpc":"1.0","id":5,"result":{}}'],
    ["two ids, of which peers would take different ones", '{"jsonrpc":"2.0","id":5,"result":{},"id":9}'],
    ["a result and an error", '{"jsonrpc":"2.0","id":5,"result":{},"error":{}}'],
    ["a method and a result", '{"jsonrpc":"2.0","id":5,"method":"x","result":{}}'],
    ["no id", '{"jsonrpc":"2.0","result":{}}'],
    ["an object as id", '{"jsonrpc":"2.0","id":{},"result":{}}'],
    ["a string that does not end", '{"jsonrpc":"2.0","id":1,"result":"abc}'],
    ["something behind it", '{"jsonrpc":"2.0","id":1,"result":{}} {}'],
    ["a missing value", '{"jsonrpc":"2.0","id":1,"result":}'],
    ["a method that is no string", '{"jsonrpc":"2.0","method":5}'],
  ])("refuses %s", (_, message) => {
    expect(() => splitMessage(bytes(message))).toThrow(expect.objectContaining({ code: "upstream-protocol" }));
  });

  it("throws nothing but its own error on any bytes", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.string().map(bytes), fc.json().map(bytes)), (input) => {
        try {
          splitMessage(input);
        } catch (error) {
          expect(error).toMatchObject({ code: "upstream-protocol" });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("membersOf", () => {
  it("agrees with the parser on every object", () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true });
    fc.assert(
      fc.property(object, fc.constantFrom(undefined, 2), (value, indent) => {
        const input = bytes(JSON.stringify(value, null, indent));
        const found = membersOf(input).map((m) => [m.key, JSON.parse(text(input.subarray(m.start, m.end)))] as const);
        const parsed = JSON.parse(text(input)) as Record<string, unknown>;
        expect(new Map(found)).toEqual(new Map(Object.entries(parsed)));
      }),
    );
  });
});

describe("a long string", () => {
  it("ends where the parser says, whatever it escapes and wherever it is cut into windows", () => {
    const piece = fc.constantFrom(
      '"',
      "\\",
      '\\"',
      "x".repeat(95),
      "x".repeat(96),
      "x".repeat(97),
      "\n",
      "\u00e9",
      "}",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const value = pieces.join("");
        const input = bytes(`{"result":${JSON.stringify(value)},"jsonrpc":"2.0","id":1}`);
        const split = splitMessage(input);
        expect(split.type === "reply" && JSON.parse(text(split.reply.json))).toBe(value);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("onOneLine", () => {
  it("returns the same bytes when there is no line feed", () => {
    const input = bytes('{"a":"b"}');
    expect(onOneLine(input)).toBe(input);
  });
});
