import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseClientMessage } from "../../src/protocol/client-message.ts";
import { RpcFailure } from "../../src/protocol/rpc-failure.ts";

function parse(body: string | Buffer) {
  return parseClientMessage(Buffer.from(body));
}

function refusal(body: string | Buffer): { status: number; code: number; message: string; id: unknown } {
  try {
    parse(body);
  } catch (thrown) {
    if (thrown instanceof RpcFailure) return { status: thrown.status, ...thrown.rpc, id: thrown.id };
  }
  throw new Error("was not refused");
}

const nested = (levels: number) =>
  `{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":${"[".repeat(levels)}${"]".repeat(levels)}}}`;

describe("parseClientMessage", () => {
  it("tells requests, notifications and responses apart", () => {
    expect(parse('{"jsonrpc":"2.0","id":"a","method":"ping"}')).toEqual({
      type: "request",
      id: "a",
      method: "ping",
      params: {},
    });
    expect(parse('{"jsonrpc":"2.0","method":"n","params":{"a":1}}')).toEqual({
      type: "notification",
      method: "n",
      params: { a: 1 },
    });
    expect(parse('{"jsonrpc":"2.0","id":1,"result":{}}')).toEqual({
      type: "response",
      id: 1,
      reply: { kind: "result", json: Buffer.from("{}") },
    });
  });

  it.each([
    ["no JSON", "{", -32700, "does not parse"],
    ["nothing", "", -32700, "does not parse"],
    ["no UTF-8", Buffer.from([0x22, 0xff, 0x22]), -32700, "no UTF-8"],
    ["a batch", '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600, "Batches are not supported"],
    ["an empty batch", "[]", -32600, "Batches are not supported"],
    ["a scalar", "7", -32600, "no JSON object"],
    ["null", "null", -32600, "no JSON object"],
    ["another version", '{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600, "jsonrpc"],
    ["no version", '{"id":1,"method":"ping"}', -32600, "jsonrpc"],
    [
      "an unknown key",
      '{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}',
      -32600,
      'unknown key "Method"',
    ],
    ["a prototype", '{"jsonrpc":"2.0","id":1,"method":"ping","__proto__":{"admin":true}}', -32600, "unknown key"],
    ["a key twice", '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}', -32600, "same key twice"],
    [
      "a key twice, once escaped",
      '{"jsonrpc":"2.0","id":1,"method":"ping","\\u006dethod":"x"}',
      -32600,
      "same key twice",
    ],
    ["a request and a result in one", '{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}', -32600, "unknown key"],
    ["a result and an error in one", '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', -32600, "neither"],
    ["a method that is no string", '{"jsonrpc":"2.0","id":1,"method":7}', -32600, "method is no string"],
    ["params that are a list", '{"jsonrpc":"2.0","id":1,"method":"m","params":[]}', -32600, "params are no object"],
    ["an id that is null", '{"jsonrpc":"2.0","id":null,"method":"m"}', -32600, "id is neither"],
    ["an id that is an object", '{"jsonrpc":"2.0","id":{},"method":"m"}', -32600, "id is neither"],
    ["an id that is no integer", '{"jsonrpc":"2.0","id":1.5,"method":"m"}', -32600, "id is neither"],
    [
      "an id that would be rounded",
      '{"jsonrpc":"2.0","id":12345678901234567890,"method":"m"}',
      -32600,
      "id is neither",
    ],
    ["65 levels", nested(63), -32600, "64 levels"],
    ["a hundred thousand levels", nested(100_000), -32600, "64 levels"],
  ])("refuses %s", (_, body, code, message) => {
    expect(refusal(body)).toMatchObject({ status: 400, code, message: expect.stringContaining(message) });
  });

  it("takes 64 levels", () => {
    expect(parse(nested(62))).toMatchObject({ type: "request" });
  });

  it("names the id of a refused request, so that the client finds out which it was", () => {
    expect(refusal('{"jsonrpc":"2.0","id":"abc","method":"m","x":1}').id).toBe("abc");
  });

  it("keeps a prototype within the arguments a plain member", () => {
    const message = parse('{"jsonrpc":"2.0","id":1,"method":"m","params":{"__proto__":{"admin":true}}}');
    expect(JSON.stringify(message)).toContain('"__proto__":{"admin":true}');
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it("is not misled by brackets, colons and quotes in strings", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), fc.jsonValue({ maxDepth: 4 }), (text, value) => {
        const params = { [text]: `${text}":{[\\"`, value };
        const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: text, params }, null, 2);
        expect(parse(body)).toEqual({
          type: "request",
          id: 1,
          method: text,
          params: JSON.parse(JSON.stringify(params)),
        });
      }),
    );
  });

  it("never throws anything but a refusal", () => {
    const pieces = [
      "{",
      "}",
      "[",
      "]",
      '"',
      ":",
      ",",
      "\\",
      '"jsonrpc":"2.0"',
      '"id":1',
      '"method":"m"',
      " ",
      "1",
      "null",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 30 }), (parts) => {
        try {
          parse(parts.join(""));
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(RpcFailure);
        }
      }),
    );
  });
});
