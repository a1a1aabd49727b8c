import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitMessage } from "../../src/mcp/envelope.ts";
import { failureOf, splitRelayedMessage } from "../../src/mcp/relayed-message.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("splitRelayedMessage", () => {
  it("reads what mcpd writes as any reader does", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom("result", "error"), fc.nat(), (value, kind, id) => {
        const line = bytes(`{"jsonrpc":"2.0","id":${id},"${kind}":${JSON.stringify(value)}}`);
        expect(splitRelayedMessage(line)).toEqual(splitMessage(line));
      }),
    );
  });

  it.each([
    '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}}',
    '{"jsonrpc":"2.0","id":"text","result":{}}',
    '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}',
    '{"result":{},"jsonrpc":"2.0","id":7}',
    '{"jsonrpc":"2.0","id":7,"result":{}}\r',
    '{"jsonrpc":"2.0","id":1234567890123456789,"result":{}}',
  ])("reads %s in the other way", (line) => {
    expect(splitRelayedMessage(bytes(line))).toEqual(splitMessage(bytes(line)));
  });

  it.each(["", "no json", '{"jsonrpc":"2.0","id":', '{"jsonrpc":"2.0","id":}'])("finds no message in %j", (line) => {
    expect(splitRelayedMessage(bytes(line))).toBeUndefined();
  });
});

describe("failureOf", () => {
  const reply = (error: unknown) => ({ kind: "error" as const, json: bytes(JSON.stringify(error)) });

  it("is what mcpd threw", () => {
    const failure = failureOf(reply({ code: -32603, message: "m", data: { code: "upstream-timeout", hint: "h" } }));
    expect(failure).toMatchObject({ code: "upstream-timeout", message: "m", hint: "h" });
  });

  it.each([{ code: -32601, message: "m" }, { message: "m", data: { code: "made-up" } }, "text"])(
    "is nothing for an error of the server: %j",
    (error) => expect(failureOf(reply(error))).toBeUndefined(),
  );
});
