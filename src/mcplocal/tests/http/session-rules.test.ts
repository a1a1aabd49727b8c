import { beforeAll, describe, expect, it } from "vitest";
import { startModernServer } from "../../../../tests/fixtures/http-modern-server.ts";
import { startRig, type Rig, started } from "../support/gateway-rig.ts";
import { initialize, legacy, openSession, send, type WireRequest } from "../support/wire.ts";

describe("a client with a session", () => {
  let rig: Rig;
  let session: string;
  beforeAll(async () => {
    rig = await startRig({ servers: { files: await started(startModernServer()) } });
    session = await openSession(rig.url, rig.token);
  });
  const ask = (request: WireRequest) => send(rig.url, { token: rig.token, ...request });

  it.each([
    ["2025-11-25", "2025-11-25"],
    ["2025-06-18", "2025-06-18"],
    ["2025-03-26", "2025-03-26"],
    ["2024-11-05", "2024-11-05"],
    ["2026-07-28", "2025-11-25"],
    ["1999-01-01", "2025-11-25"],
  ])("that asks for %s gets %s", async (requested, granted) => {
    const { status, headers, json } = await ask(initialize(requested));
    expect(status).toBe(200);
    expect(headers["mcp-session-id"]).toMatch(/^[\x21-\x7e]{24,200}$/);
    expect(json.result).toMatchObject({
      protocolVersion: granted,
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: "mcpctl", version: expect.any(String) },
    });
  });

  it("gets results as the server wrote them", async () => {
    const { json } = await ask(legacy(session, "tools/call", { name: "files__echo", arguments: { message: "hi" } }));
    expect(json).toEqual({
      jsonrpc: "2.0",
      id: 1,
      result: { resultType: "complete", content: [{ type: "text", text: "hi" }] },
    });
  });

  it("gets a list without what its revision does not know", async () => {
    const { json } = await ask(legacy(session, "tools/list"));
    expect(Object.keys(json.result)).toEqual(["tools"]);
  });

  it("is answered when it pings", async () => {
    expect((await ask(legacy(session, "ping"))).json).toEqual({ jsonrpc: "2.0", id: 1, result: {} });
  });

  it.each([
    ["a notification", { jsonrpc: "2.0", method: "notifications/initialized" }],
    ["an unknown notification", { jsonrpc: "2.0", method: "notifications/whatever" }],
    ["a response", { jsonrpc: "2.0", id: 9, result: {} }],
    ["an error", { jsonrpc: "2.0", id: 9, error: { code: 1, message: "no" } }],
  ])("may send %s and hears nothing", async (_, body) => {
    expect(await ask({ headers: { "mcp-session-id": session }, body })).toMatchObject({ status: 202, text: "" });
  });

  it.each<[string, WireRequest, number, number]>([
    ["no session id", { body: { jsonrpc: "2.0", id: 1, method: "tools/list" } }, 400, -32600],
    ["an unknown session id", legacy("made-up", "tools/list"), 404, -32602],
    ["an empty session id", legacy("", "tools/list"), 404, -32602],
    [
      "a version that does not exist",
      { ...legacy("any", "tools/list"), headers: { "mcp-protocol-version": "bogus" } },
      400,
      -32600,
    ],
    [
      "initialize without a version",
      { body: { jsonrpc: "2.0", id: 1, method: "initialize", params: {} } },
      200,
      -32602,
    ],
    ["a method that is not offered", { body: { jsonrpc: "2.0", id: 1, method: "tasks/list" } }, 200, -32601],
    [
      "server/discover without its envelope",
      { body: { jsonrpc: "2.0", id: 1, method: "server/discover" } },
      200,
      -32601,
    ],
    ["a batch", { body: [{ jsonrpc: "2.0", id: 1, method: "ping" }] }, 400, -32600],
  ])("is told what is wrong with %s", async (name, request, status, code) => {
    const headers = name.startsWith("a method") || name.startsWith("server/") ? { "mcp-session-id": session } : {};
    const answer = await ask({ ...request, headers: { ...headers, ...request.headers } });
    expect({ status: answer.status, code: answer.json.error.code }).toEqual({ status, code });
  });

  it.each(["2025-06-18", "2024-11-05", undefined])(
    "may send another version of its era than agreed: %s",
    async (version) => {
      const request = legacy(session, "ping");
      const headers = { "mcp-session-id": session, ...(version !== undefined && { "mcp-protocol-version": version }) };
      expect((await ask({ ...request, headers })).status).toBe(200);
    },
  );

  it.each([
    ["text/html", 406],
    ["application/json", 200],
    ["application/json;q=0.9, text/event-stream", 200],
    ["*/*", 200],
    ["text/event-stream", 200],
  ])("that accepts %s gets %i", async (accept, status) => {
    const request = legacy(session, "tools/call", { name: "files__echo", arguments: { message: "x" } });
    const answer = await ask({ ...request, headers: { ...request.headers, accept } });
    expect(answer.status).toBe(status);
    if (status === 200) expect(answer.json.result.content[0].text).toBe("x");
    const type = accept === "text/event-stream" ? accept : "application/json";
    expect(answer.headers["content-type"]).toBe(type);
  });

  it.each([
    ["text/plain", 415],
    ["application/json-patch+json", 415],
    ["", 415],
    ["application/json; charset=utf-8", 200],
    ["Application/JSON", 200],
  ])("that sends %j gets %i", async (type, status) => {
    const request = legacy(session, "ping");
    expect((await ask({ ...request, headers: { ...request.headers, "content-type": type } })).status).toBe(status);
  });

  it("cannot send compressed bodies", async () => {
    const request = legacy(session, "ping");
    expect((await ask({ ...request, headers: { ...request.headers, "content-encoding": "gzip" } })).status).toBe(415);
  });

  it("gets no stream that it does not accept, and none without a session", async () => {
    expect(
      (await ask({ method: "GET", headers: { "mcp-session-id": session, accept: "application/json" } })).status,
    ).toBe(406);
    expect((await ask({ method: "GET" })).status).toBe(405);
    expect((await ask({ method: "GET", headers: { "mcp-session-id": "made-up" } })).status).toBe(404);
  });

  it("ends its session, which is then unknown", async () => {
    const ended = await openSession(rig.url, rig.token);
    expect((await ask({ method: "DELETE", headers: { "mcp-session-id": ended } })).status).toBe(200);
    expect((await ask(legacy(ended, "ping"))).status).toBe(404);
    expect((await ask({ method: "DELETE", headers: { "mcp-session-id": ended } })).status).toBe(404);
    expect((await ask({ method: "GET", headers: { "mcp-session-id": ended } })).status).toBe(404);
    expect((await ask(legacy(session, "ping"))).status).toBe(200);
  });
});
