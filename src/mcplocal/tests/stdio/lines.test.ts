import { describe, expect, it } from "vitest";
import { startModernServer } from "../../../../tests/fixtures/http-modern-server.ts";
import { started } from "../support/gateway-rig.ts";
import { startStdioRig } from "../support/stdio-rig.ts";
import { type Json, modern } from "../support/wire.ts";

const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
const MEBIBYTE = 1_048_576;

describe("a line", () => {
  it.each([
    ["no JSON", "this is no message", -32700, undefined],
    ["cut JSON", '{"jsonrpc":"2.0","id":3,', -32700, undefined],
    ["no UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), -32700, undefined],
    ["a batch", `[${PING}]`, -32600, undefined],
    ["no object", "42", -32600, undefined],
    ["no version", '{"id":"a","method":"ping"}', -32600, "a"],
    ["neither request nor response", '{"jsonrpc":"2.0","id":5}', -32600, 5],
    ["the same key twice", '{"jsonrpc":"2.0","id":6,"method":"ping","method":"x"}', -32600, 6],
    ["an id that is no id", '{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600, undefined],
    ["deep", `{"jsonrpc":"2.0","method":"x","params":${'{"a":'.repeat(200)}1${"}".repeat(200)}}`, -32600, undefined],
  ])("with %s is answered with an error, and the next one is served", async (_, line, code, id) => {
    const rig = startStdioRig();
    rig.write(line);
    rig.write(`\n${PING}\n`);
    await rig.message((message) => message.result);
    expect(rig.messages.map(({ error, result }: Json) => error?.code ?? result)).toEqual([code, {}]);
    expect(rig.messages[0].id).toBe(id);
  });

  it("may come in pieces, with others, empty, or end as on Windows", async () => {
    const rig = startStdioRig();
    rig.write(`\n\r\n${PING}\r\n${PING.replace("1,", "2,")}\n${PING.slice(0, 20).replace("1,", "3,")}`);
    rig.write(PING.slice(20).replace("1,", "3,"));
    rig.write("\n");
    await rig.message(({ id }) => id === 3);
    expect(rig.messages.map(({ id }: Json) => id)).toEqual([1, 2, 3]);
  });

  it("of more than 4 MiB is refused without being kept, by its id where that can be seen", async () => {
    const rig = startStdioRig();
    const long = "x".repeat(5 * MEBIBYTE);
    rig.write(`{"jsonrpc":"2.0","id":7,"method":"ping","params":{"a":"${long}"}}\n`);
    rig.write(`{"method":"ping","params":{"a":"${long}"},"more":true}\n${PING}\n`);
    await rig.message(({ id }) => id === 1);
    const data = { code: "payload-too-large", hint: expect.any(String) };
    expect(rig.messages).toMatchObject([{ id: 7, error: { data } }, { error: { data } }, { id: 1, result: {} }]);
    expect(rig.messages[1]).not.toHaveProperty("id");
  });

  it("that answers nothing, or cancels nothing, is dropped", async () => {
    const rig = startStdioRig();
    rig.send({ id: "mcpctl-1", result: {} });
    rig.send({ error: { code: 1, message: "what?" } });
    rig.send({ method: "notifications/cancelled", params: { requestId: 12 } });
    rig.send({ method: "notifications/cancelled" });
    rig.write(`${PING}\n`);
    await rig.message(({ id }) => id === 1);
    expect(rig.messages).toHaveLength(1);
  });
});

describe("a client that does not read", () => {
  it("is heard no more until it does, and gets no news", async () => {
    const rig = startStdioRig({ servers: { files: await started(startModernServer()) } });
    await rig.askModern("tools/list");
    rig.hold();
    const big = modern("tools/call", { name: "files__big", arguments: { bytes: 2 * MEBIBYTE } }, "big");
    rig.send(big.body);
    await rig.gateway.idle();
    expect(rig.gateway.hasRoom).toBe(false);
    expect(rig.overflows()).toBe(0);
  });
});

it("bounds how many requests are under way", async () => {
  const rig = startStdioRig({ servers: { files: await started(startModernServer()) } });
  await rig.askModern("tools/list");
  for (let id = 0; id < 1_100; id += 1) {
    rig.send(modern("subscriptions/listen", { notifications: {} }, id).body);
  }
  const refused = await rig.message(({ id }) => id === 1_099);
  expect(refused.error.data.code).toBe("too-many-requests");
});
