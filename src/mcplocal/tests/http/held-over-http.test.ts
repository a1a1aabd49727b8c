import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { startEvents, writeEvent, writeJson } from "../../../../tests/fixtures/http-fixture-server.ts";
import { startLegacyServer } from "../../../../tests/fixtures/http-legacy-server.ts";
import { startRig, started } from "../support/gateway-rig.ts";
import { type Json, modern, send } from "../support/wire.ts";

const DECLARED = { "io.modelcontextprotocol/clientCapabilities": { elicitation: {} } };
const CAPABILITIES = { tools: {}, resources: {} };

/** Answers a method by asking first, and ends with what it was answered. */
async function startAsking(method: string, name: string) {
  let waiting: { id: unknown; response: ServerResponse } | undefined;
  return await started(
    startLegacyServer({
      capabilities: CAPABILITIES,
      intercept({ body }, response) {
        if (body["method"] === method && (body["params"].name ?? body["params"].uri) === name) {
          startEvents(response);
          waiting = { id: body["id"], response };
          writeEvent(response, { id: "q", method: "elicitation/create", params: { message: "?" } });
          return true;
        }
        if (body["method"] !== undefined || !waiting) return false;
        const text = JSON.stringify(body["result"]);
        const result = { content: [{ type: "text", text }], contents: [{ uri: name, text }] };
        writeEvent(waiting.response, { id: waiting.id, result });
        waiting.response.end();
        response.writeHead(202).end();
        return true;
      },
    }),
  );
}

const answersTo = (json: Json) => ({
  requestState: json.result.requestState,
  inputResponses: Object.fromEntries(Object.keys(json.result.inputRequests).map((key) => [key, { action: "decline" }])),
});

describe("a call that waits at a server with sessions", () => {
  it("is gone on with by whoever has its state, also when the client declares nothing any more", async () => {
    const server = await startAsking("tools/call", "echo");
    const rig = await startRig({ servers: { files: server } });
    const call = (extra: Json) =>
      send(rig.url, { ...modern("tools/call", { name: "files__echo", arguments: {}, ...extra }), token: rig.token });
    const first = await call({ _meta: DECLARED });
    expect(first.json.result.resultType).toBe("input_required");
    const second = await call(answersTo(first.json));
    expect(second.json.result.content[0].text).toBe('{"action":"decline"}');
    expect(server.requests("tools/call")).toHaveLength(1);
    expect((await call(answersTo(first.json))).json.error).toMatchObject({ code: -32602 });
    expect(server.requests("tools/call")).toHaveLength(1);
  });

  it("is found again among the servers that may have a resource", async () => {
    const knowsNothing = await started(
      startLegacyServer({
        capabilities: CAPABILITIES,
        intercept({ body }, response) {
          if (body["method"] !== "resources/read") return false;
          writeJson(response, 200, { id: body["id"], error: { code: -32002, message: "Resource not found" } });
          return true;
        },
      }),
    );
    const asking = await startAsking("resources/read", "x:1");
    const rig = await startRig({ servers: { first: knowsNothing, second: asking } });
    await send(rig.url, { ...modern("resources/list"), token: rig.token });
    const read = (extra: Json) =>
      send(rig.url, { ...modern("resources/read", { uri: "x:1", ...extra, _meta: DECLARED }), token: rig.token });
    const first = await read({});
    expect(first.json.result.resultType).toBe("input_required");
    const second = await read(answersTo(first.json));
    expect(second.json.result.contents).toEqual([{ uri: "x:1", text: '{"action":"decline"}' }]);
    expect(asking.requests("resources/read")).toHaveLength(1);
  });
});
