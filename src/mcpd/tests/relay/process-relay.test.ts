import { once } from "node:events";
import { Readable } from "node:stream";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Upstream, UpstreamIdentity, UpstreamReply, UpstreamRequestOptions } from "@mcpctl/shared/mcp/upstream.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningInstance } from "../../src/orchestrators/orchestrator.ts";
import { createRelay, type ProcessTarget } from "../../src/relay/relay.ts";
import { callTool, createRig } from "../orchestrators/rig.ts";
import { bodyOf, eventsOf, jsonOf, post } from "./exchange-rig.ts";

const LEGACY: UpstreamIdentity = {
  era: "legacy",
  protocolVersion: "2025-06-18",
  capabilities: { tools: { listChanged: true }, prompts: {} },
  serverInfo: { name: "fake", version: "1" },
  instructions: "Be kind",
};
const MODERN: UpstreamIdentity = { ...LEGACY, era: "modern", protocolVersion: "2026-07-28" };

type Answer = (params: Record<string, unknown>, options: UpstreamRequestOptions, method: string) => unknown;

/** A target whose upstream answers with a value, throws an error, or replies with an `RpcError` in `error`. */
function targetOf(answer: Answer = () => ({}), identity = LEGACY): ProcessTarget {
  const upstream: Upstream = {
    identity: undefined,
    connect: async () => identity,
    async request(method, params, options): Promise<UpstreamReply> {
      const value = await answer(params, options, method);
      if (value instanceof Error) throw value;
      const isError = typeof value === "object" && value !== null && "error" in value;
      return { kind: isError ? "error" : "result", json: Buffer.from(JSON.stringify(isError ? value.error : value)) };
    },
    onChange: () => () => {},
    subscribe: () => () => {},
    close: async () => {},
  };
  return { upstream, policy: (tool) => tool !== "secret" };
}

const relay = createRelay();
afterAll(() => relay[Symbol.asyncDispose]());

describe("the handshake", () => {
  it("is answered from that of the server, with the capabilities that the relay carries", async () => {
    const answer = await relay.handle(
      post({ method: "initialize", params: { protocolVersion: "2025-11-25" } }),
      targetOf(),
    );
    expect(answer).toMatchObject({ status: 200, headers: { "content-type": "application/json" } });
    expect(await jsonOf(answer)).toEqual({
      jsonrpc: "2.0",
      id: 1,
      result: {
        protocolVersion: "2025-06-18",
        capabilities: { tools: {}, prompts: {} },
        serverInfo: { name: "fake", version: "1" },
        instructions: "Be kind",
      },
    });
  });

  it("names the revisions of a server of the stateless era to a client that wants to initialize", async () => {
    const request = post({ method: "initialize", params: { protocolVersion: "2025-11-25" } });
    const answer = await relay.handle(request, targetOf(undefined, MODERN));
    expect(answer.status).toBe(400);
    const data = { supported: ["2026-07-28"], requested: "2025-11-25" };
    expect(await jsonOf(answer)).toMatchObject({ id: 1, error: { code: -32022, data } });
  });

  it("discovers a server of the stateless era", async () => {
    const answer = await relay.handle(post({ method: "server/discover" }), targetOf(undefined, MODERN));
    expect((await jsonOf(answer)).result).toEqual({
      resultType: "complete",
      supportedVersions: ["2026-07-28"],
      capabilities: { tools: {}, prompts: {} },
      instructions: "Be kind",
      ttlMs: 0,
      cacheScope: "private",
      _meta: { "io.modelcontextprotocol/serverInfo": { name: "fake", version: "1" } },
    });
  });

  it.each([
    ["server/discover", LEGACY],
    ["ping", MODERN],
    ["tasks/list", LEGACY],
    ["no/such/method", MODERN],
  ])("knows no %s for the other era, nor what it does not carry", async (method, identity) => {
    const answer = await relay.handle(post({ method }), targetOf(undefined, identity));
    expect(answer.status).toBe(404);
    expect(await jsonOf(answer)).toEqual({
      jsonrpc: "2.0",
      id: 1,
      error: { code: -32601, message: "Method not found" },
    });
  });

  it("answers a ping of the old era", async () => {
    expect(await jsonOf(await relay.handle(post({ method: "ping", id: "p" }), targetOf()))).toEqual({
      jsonrpc: "2.0",
      id: "p",
      result: {},
    });
  });
});

describe("a message", () => {
  it.each(["GET", "DELETE", "PUT"])("comes by POST, not %s", async (method) => {
    const answer = await relay.handle(post("", { method }), targetOf());
    expect(answer).toMatchObject({ status: 405, headers: { allow: "POST", "content-type": "application/json" } });
    expect(await jsonOf(answer)).toMatchObject({ id: null, error: { code: -32601 } });
  });

  it("that asks for nothing is taken, and goes nowhere", async () => {
    const target = targetOf(() => new Error("must not be called"));
    for (const text of [
      '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}',
      '{"jsonrpc":"2.0","id":1,"result":{}}',
    ]) {
      const answer = await relay.handle(post(text), target);
      expect([answer.status, await bodyOf(answer)]).toEqual([202, ""]);
    }
  });

  it.each([
    ["not json", -32700],
    ["", -32700],
    [`${"[".repeat(65)}${"]".repeat(65)}`, -32700],
    ['[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600],
    ['"ping"', -32600],
    ['{"id":1,"method":"ping"}', -32600],
    ['{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600],
    ['{"jsonrpc":"2.0","id":1}', -32600],
    ['{"jsonrpc":"2.0","id":1,"method":7}', -32600],
    ['{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}', -32600],
    ['{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32602],
  ])("that is malformed is refused: %s", async (text, code) => {
    const answer = await relay.handle(post(text), targetOf());
    expect(answer.status).toBe(400);
    expect((await jsonOf(answer)).error.code).toBe(code);
  });
});

describe("a call", () => {
  it("goes to the server as it is, under the id of the caller", async () => {
    const seen: unknown[] = [];
    const target = targetOf((params, _, method) => {
      seen.push({ method, params });
      return { content: [] };
    });
    const params = { name: "echo", arguments: { deep: { a: [1, "ü"] } }, _meta: { traceparent: "00-1" } };
    const answer = await relay.handle(post({ id: "caller-7", method: "tools/call", params }), target);
    expect(await jsonOf(answer)).toEqual({ jsonrpc: "2.0", id: "caller-7", result: { content: [] } });
    expect(seen).toEqual([{ method: "tools/call", params }]);
  });

  it("loses the reserved keys of the hop before", async () => {
    let seen: unknown;
    const target = targetOf((params) => (seen = params));
    const _meta = {
      keep: 1,
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": {},
      "io.modelcontextprotocol/clientCapabilities": { sampling: {} },
      "io.modelcontextprotocol/logLevel": "debug",
    };
    await relay.handle(post({ method: "tools/call", params: { name: "echo", _meta } }), target);
    expect(seen).toEqual({ name: "echo", _meta: { keep: 1 } });
  });

  it("of a tool that the policy denies fails like that of one that does not exist", async () => {
    const target = targetOf(() => new Error("must not be called"));
    const answer = await relay.handle(post({ method: "tools/call", params: { name: "secret" } }), target);
    expect(answer.status).toBe(200);
    expect(await jsonOf(answer)).toEqual({
      jsonrpc: "2.0",
      id: 1,
      error: { code: -32602, message: "Unknown tool: secret" },
    });
  });

  it.each([{}, { name: 7 }, { name: "echo", Name: "secret" }])("must name one tool: %j", async (params) => {
    const target = targetOf(() => new Error("must not be called"));
    expect((await jsonOf(await relay.handle(post({ method: "tools/call", params }), target))).error.code).toBe(-32602);
  });

  it("is answered with the error of the server", async () => {
    const error = { code: -32000, message: "no", data: { why: "because" } };
    const answer = await relay.handle(
      post({ method: "tools/call", params: { name: "echo" } }),
      targetOf(() => ({ error })),
    );
    expect(answer.status).toBe(200);
    expect(await jsonOf(answer)).toEqual({ jsonrpc: "2.0", id: 1, error });
  });

  it.each([
    [-32601, 404],
    [-32021, 400],
    [-32602, 200],
  ])("shows error %i of a server of the stateless era as HTTP %i", async (code, status) => {
    const target = targetOf(() => ({ error: { code, message: "no" } }), MODERN);
    expect((await relay.handle(post({ method: "tools/call", params: { name: "echo" } }), target)).status).toBe(status);
  });

  it("that fails behind the relay says why and what to do", async () => {
    const error = new McpctlError("upstream-timeout", "No answer", { hint: "Wait" });
    const answer = await relay.handle(
      post({ method: "tools/call", params: { name: "echo" } }),
      targetOf(() => error),
    );
    expect(answer.status).toBe(200);
    expect((await jsonOf(answer)).error).toEqual({
      code: -32603,
      message: "No answer",
      data: { code: "upstream-timeout", hint: "Wait" },
    });
  });

  it("ends quietly when the caller is gone", async () => {
    const abort = new AbortController();
    const target = targetOf(async (_, { signal }) => {
      await once(signal, "abort");
      throw signal.reason;
    });
    const request = post({ method: "tools/call", params: { name: "echo" } }, { signal: abort.signal });
    const answer = relay.handle(request, target);
    abort.abort();
    expect((await answer).status).toBe(499);
  });
});

describe("the list of tools", () => {
  it("leaves out what the policy denies, and what has no name", async () => {
    const tools = [{ name: "echo", x: 1 }, { name: "secret" }, { title: "nameless" }];
    const answer = await relay.handle(
      post({ method: "tools/list" }),
      targetOf(() => ({ tools, nextCursor: "2", other: {} })),
    );
    expect((await jsonOf(answer)).result).toEqual({ tools: [{ name: "echo", x: 1 }], nextCursor: "2", other: {} });
  });

  it("is private, whatever the server says, and untouched otherwise", async () => {
    const result = { tools: [{ name: "echo" }], ttlMs: 5, cacheScope: "public" };
    const answer = await relay.handle(
      post({ method: "tools/list" }),
      targetOf(() => result, MODERN),
    );
    expect((await jsonOf(answer)).result).toEqual({ ...result, cacheScope: "private" });
  });

  it("that cannot be read is not shown", async () => {
    const target = targetOf();
    const broken: UpstreamReply = { kind: "result", json: Buffer.from('{"tools":[}') };
    const upstream = { ...target.upstream, request: async () => broken };
    const answer = await relay.handle(post({ method: "tools/list" }), { ...target, upstream });
    expect((await jsonOf(answer)).error.data.code).toBe("upstream-protocol");
  });
});

describe("progress", () => {
  const call = { method: "tools/call", params: { name: "echo", _meta: { progressToken: "t" } } };
  const progress = { jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: "t", progress: 1 } };
  const reporting = targetOf(async (_, { onNotification }) => {
    onNotification?.(Buffer.from(JSON.stringify(progress)));
    onNotification?.(Buffer.from(JSON.stringify(progress)));
    return { content: [] };
  });

  it("comes as events before the result", async () => {
    const answer = await relay.handle(post(call), reporting);
    expect(answer).toMatchObject({
      status: 200,
      headers: { "content-type": "text/event-stream", "x-accel-buffering": "no" },
    });
    expect(answer.body).toBeInstanceOf(Readable);
    expect(await eventsOf(answer)).toEqual([progress, progress, { jsonrpc: "2.0", id: 1, result: { content: [] } }]);
  });

  it("is followed by the error when the call fails after it", async () => {
    const failing = targetOf(async (_, { onNotification }) => {
      onNotification?.(Buffer.from(JSON.stringify(progress)));
      return new McpctlError("upstream-unavailable", "gone", { hint: "look" });
    });
    const data = { code: "upstream-unavailable", hint: "look" };
    expect((await eventsOf(await relay.handle(post(call), failing))).at(-1)).toEqual({
      jsonrpc: "2.0",
      id: 1,
      error: { code: -32603, message: "gone", data },
    });
  });

  it.each([
    ["was not asked for", post({ ...call, params: { name: "echo" } })],
    ["cannot be read by the caller", post(call, { headers: { accept: "application/json" } })],
  ])("is left out when it %s", async (_, request) => {
    const answer = await relay.handle(request, reporting);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect((await jsonOf(answer)).result).toEqual({ content: [] });
  });
});

describe("with real servers", () => {
  const rig = createRig();
  let echo: RunningInstance;
  let modern: RunningInstance;
  beforeAll(async () => {
    [echo, modern] = await Promise.all([rig.run("echo"), rig.run("modern")]);
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  it("carries calls of both eras", async () => {
    for (const { upstream } of [echo, modern]) {
      const request = post({ method: "tools/call", params: { name: "echo", arguments: { text: "through" } } });
      const answer = await relay.handle(request, { upstream, policy: () => true });
      expect((await jsonOf(answer)).result.content).toEqual([{ type: "text", text: "through" }]);
    }
  });

  it("carries progress under the caller's token", async () => {
    const params = { name: "progress", _meta: { progressToken: "mine" } };
    const answer = await relay.handle(post({ method: "tools/call", params }), {
      upstream: echo.upstream,
      policy: () => true,
    });
    expect(await eventsOf(answer)).toMatchObject([{ params: { progressToken: "mine", progress: 1 } }, { id: 1 }]);
  });

  it("cancels at the server what the caller gave up", async () => {
    const abort = new AbortController();
    const request = post({ method: "tools/call", params: { name: "hang" } }, { signal: abort.signal });
    const answer = relay.handle(request, { upstream: echo.upstream, policy: () => true });
    setTimeout(() => abort.abort(), 50);
    expect((await answer).status).toBe(499);
    expect((await callTool(echo.upstream, "received")).at(-2)).toMatchObject({ method: "notifications/cancelled" });
  });
});
