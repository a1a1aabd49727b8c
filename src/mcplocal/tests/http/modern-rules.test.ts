import { beforeAll, describe, expect, it } from "vitest";
import { startLegacyServer } from "../../../../tests/fixtures/http-legacy-server.ts";
import { startRig, type Rig, started } from "../support/gateway-rig.ts";
import { modern, send, type WireRequest } from "../support/wire.ts";

const KEY = "io.modelcontextprotocol/";

/** A request with some of it changed. */
function changed(request: WireRequest, headers: Record<string, string>, params?: object): WireRequest {
  const body = request.body as { params: object };
  return { headers: { ...request.headers, ...headers }, body: { ...body, params: params ?? body.params } };
}

function without(request: WireRequest, header: string): WireRequest {
  const headers = Object.entries(request.headers ?? {}).filter(([name]) => name !== header);
  return { ...request, headers: Object.fromEntries(headers) };
}

const call = (name = "files__echo") => modern("tools/call", { name, arguments: { message: "hi" } });

describe("a stateless client", () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig({ servers: { files: await started(startLegacyServer()) } });
  });
  const ask = (request: WireRequest) => send(rig.url, { token: rig.token, ...request });

  it("gets a complete result with what the revision asks for", async () => {
    const { status, headers, json } = await ask(call());
    expect({ status, type: headers["content-type"] }).toEqual({ status: 200, type: "application/json" });
    expect(json).toEqual({
      jsonrpc: "2.0",
      id: 1,
      result: { resultType: "complete", content: [{ type: "text", text: "hi" }] },
    });
  });

  it("gets a list that says how long it may be kept and by whom", async () => {
    const { json } = await ask(modern("tools/list"));
    expect(json.result).toMatchObject({ resultType: "complete", ttlMs: 30_000, cacheScope: "private" });
    expect(json.result._meta[`${KEY}serverInfo`].name).toBe("mcpctl");
    expect(json.result).not.toHaveProperty("nextCursor");
  });

  it("discovers what the gateway is", async () => {
    const { json } = await ask(modern("server/discover"));
    expect(json.result).toMatchObject({
      resultType: "complete",
      supportedVersions: expect.arrayContaining(["2026-07-28", "2025-11-25"]),
      capabilities: { tools: { listChanged: true } },
      ttlMs: expect.any(Number),
      cacheScope: "private",
    });
  });

  it.each<[string, WireRequest, number, number]>([
    ["no version header", without(call(), "mcp-protocol-version"), 400, -32020],
    ["another version header", changed(call(), { "mcp-protocol-version": "2025-11-25" }), 400, -32020],
    ["no method header", without(call(), "mcp-method"), 400, -32020],
    ["another method header", changed(call(), { "mcp-method": "tools/list" }), 400, -32020],
    ["a method header in other letters", changed(call(), { "mcp-method": "Tools/Call" }), 400, -32020],
    ["no name header", without(call(), "mcp-name"), 400, -32020],
    ["another name header", changed(call(), { "mcp-name": "files__fail" }), 400, -32020],
    ["a name header that is badly encoded", changed(call(), { "mcp-name": "=?base64?***?=" }), 400, -32020],
    [
      "an envelope without capabilities",
      changed(call(), {}, { _meta: { [`${KEY}protocolVersion`]: "2026-07-28" } }),
      400,
      -32602,
    ],
    ["a header without an envelope", changed(call(), {}, { name: "files__echo" }), 400, -32602],
    ["an envelope that is a list", changed(call(), {}, { _meta: [] }), 400, -32602],
    ["an unknown method", modern("tools/destroy"), 404, -32601],
    ["initialize", modern("initialize"), 404, -32601],
    ["ping", modern("ping"), 404, -32601],
    ["logging/setLevel", modern("logging/setLevel", { level: "info" }), 404, -32601],
    ["resources/subscribe", modern("resources/subscribe", { uri: "a:b" }), 404, -32601],
    ["tasks/list, which is not offered", modern("tasks/list"), 404, -32601],
    ["a method named like a property of objects", modern("constructor"), 404, -32601],
    ["an unknown tool", call("files__nothing"), 200, -32602],
    ["a call without a name", modern("tools/call", {}), 200, -32602],
    ["arguments that are a list", modern("tools/call", { name: "files__echo", arguments: [] }), 200, -32602],
    ["a cursor", modern("tools/list", { cursor: "2" }), 200, -32602],
  ])("is told what is wrong with %s", async (_, request, status, code) => {
    const answer = await ask(request);
    expect({ status: answer.status, code: answer.json.error.code, id: answer.json.id }).toEqual({
      status,
      code,
      id: 1,
    });
  });

  it.each(["1900-01-01", "2025-11-25", "2099-01-01"])(
    "is told which versions there are instead of %s",
    async (requested) => {
      const request = modern("tools/list", { _meta: { [`${KEY}protocolVersion`]: requested } });
      const { status, json } = await ask(changed(request, { "mcp-protocol-version": requested }));
      expect(status).toBe(400);
      expect(json.error).toMatchObject({
        code: -32022,
        data: { requested, supported: expect.arrayContaining(["2026-07-28"]) },
      });
    },
  );

  it("may encode the name", async () => {
    const encoded = `=?base64?${Buffer.from("files__echo").toString("base64")}?=`;
    const { status, json } = await ask(changed(call(), { "mcp-name": encoded }));
    expect({ status, text: json.result.content[0].text }).toEqual({ status: 200, text: "hi" });
  });

  it("is served whatever session it names", async () => {
    const { status } = await ask(changed(call(), { "mcp-session-id": "of-somebody-else", "last-event-id": "7" }));
    expect(status).toBe(200);
  });

  it("cannot get around the session rules with a header alone", async () => {
    const body = { jsonrpc: "2.0", id: 1, method: "initialize", params: { protocolVersion: "2025-11-25" } };
    const { status, json } = await ask({ headers: { "mcp-protocol-version": "2026-07-28" }, body });
    expect({ status, code: json.error.code }).toEqual({ status: 400, code: -32602 });
  });

  it("may send notifications, which need no headers", async () => {
    const params = { requestId: 1, _meta: { [`${KEY}protocolVersion`]: "2026-07-28" } };
    const body = { jsonrpc: "2.0", method: "notifications/cancelled", params };
    expect(await ask({ body })).toMatchObject({ status: 202, text: "" });
  });

  it.each(["GET", "DELETE", "PUT", "PATCH", "OPTIONS"])("cannot use %s", async (method) => {
    const headers = { "mcp-protocol-version": "2026-07-28", "mcp-session-id": "any" };
    const { status, headers: answered } = await ask({ method, headers });
    expect({ status, allow: answered["allow"] }).toEqual({ status: 405, allow: "POST" });
  });

  it.each(["ü", 'a"b\\c', "x".repeat(1_000), 0, -5, Number.MAX_SAFE_INTEGER])(
    "gets its id %j back as it was",
    async (id) => {
      const { json } = await ask(modern("tools/call", { name: "files__echo", arguments: { message: "é世界" } }, id));
      expect(json).toMatchObject({ id, result: { content: [{ text: "é世界" }] } });
    },
  );

  it("is not sent back a name that no tool can have", async () => {
    const { json } = await ask(modern("tools/call", { name: "x".repeat(10_000) }));
    expect(json.error.message).toBe(`Unknown tool: ${"x".repeat(256)}`);
    expect(rig.records.at(-1)?.tool).toHaveLength(256);
  });

  it("gets a large result whole", async () => {
    const { json } = await ask(modern("tools/call", { name: "files__big", arguments: { bytes: 3_000_000 } }));
    expect(json.result.content[0].text).toHaveLength(3_000_000);
  });

  it("passes trace context on and keeps its own envelope from the server", async () => {
    const _meta = { traceparent: "00-1-2-01", "com.example/x": 1, [`${KEY}logLevel`]: "debug" };
    const { json } = await ask(modern("tools/call", { name: "files__params", arguments: {}, task: { ttl: 1 }, _meta }));
    const seen = JSON.parse(json.result.content[0].text);
    expect(seen).toEqual({ name: "params", arguments: {}, _meta: { traceparent: "00-1-2-01", "com.example/x": 1 } });
  });
});
