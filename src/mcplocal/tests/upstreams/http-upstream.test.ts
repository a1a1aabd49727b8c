import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import {
  type FixtureOptions,
  type HttpFixture,
  type Intercept,
  type Message,
  startEvents,
  writeEvent,
  writeJson,
} from "../../../../tests/fixtures/http-fixture-server.ts";
import { startLegacyServer } from "../../../../tests/fixtures/http-legacy-server.ts";
import { startModernServer } from "../../../../tests/fixtures/http-modern-server.ts";
import { createDispatcher } from "../../src/upstreams/dispatcher.ts";
import { createHttpUpstream } from "../../src/upstreams/http-upstream.ts";

const START = { legacy: startLegacyServer, modern: startModernServer };
const signal = new AbortController().signal;

let dispatcher: ReturnType<typeof createDispatcher>;
beforeAll(() => void (dispatcher = createDispatcher()));
afterAll(() => dispatcher.destroy());

async function open(fixture: Promise<HttpFixture>, timeoutSeconds = 5) {
  const server = await fixture;
  const upstream = createHttpUpstream({
    name: "files",
    url: new URL(server.url),
    headers: { "x-key": "k" },
    timeoutSeconds,
    capabilities: {},
    dispatcher,
  });
  onTestFinished(async () => {
    await upstream.close();
    await server.close().catch(() => {});
  });
  return { server, upstream };
}

async function callTool(upstream: Upstream, name: string, args: Message = {}): Promise<Message> {
  const { kind, json } = await upstream.request("tools/call", { name, arguments: args }, { signal });
  return { [kind]: JSON.parse(Buffer.from(json).toString("utf8")) };
}

/** Lets a fixture answer tool calls as a test says. */
function answering(answer: (id: unknown, response: ServerResponse) => void): FixtureOptions {
  const intercept: Intercept = ({ body }, response) => {
    if (body["method"] !== "tools/call") return false;
    answer(body["id"], response);
    return true;
  };
  return { intercept };
}

describe.each(["legacy", "modern"] as const)("a connection to a %s server", (era) => {
  it("finds out what the server is, once for all who ask", async () => {
    const { server, upstream } = await open(START[era]());
    const [first, second] = await Promise.all([upstream.connect(signal), upstream.connect(signal)]);
    expect(first).toMatchObject({
      era,
      serverInfo: { name: `${era}-fixture` },
      capabilities: { tools: { listChanged: true } },
    });
    expect(second).toBe(first);
    expect(server.requests("server/discover")).toHaveLength(1);
    expect(server.requests("initialize")).toHaveLength(era === "legacy" ? 1 : 0);
  });

  it("calls tools, answered as JSON or as an event stream", async () => {
    const { server, upstream } = await open(START[era]());
    const expected = { result: expect.objectContaining({ content: [{ type: "text", text: "ä" }] }) };
    expect(await callTool(upstream, "echo", { message: "ä" })).toEqual(expected);
    server.options.alwaysStreams = true;
    expect(await callTool(upstream, "echo", { message: "ä" })).toEqual(expected);
  });

  it("sends the server's headers and its own, and nothing else", async () => {
    const { server, upstream } = await open(START[era]());
    await callTool(upstream, "echo", { message: "x" });
    const { headers } = server.requests("tools/call")[0] ?? { headers: {} };
    const common = ["accept", "content-length", "content-type", "host", "mcp-protocol-version", "x-key"];
    const own = { legacy: ["mcp-session-id"], modern: ["mcp-method", "mcp-name"] }[era];
    expect(Object.keys(headers).toSorted()).toEqual([...common, ...own].toSorted());
  });

  it("passes on notifications of the call before its result", async () => {
    const { upstream } = await open(START[era]());
    const heard: Message[] = [];
    const params = { name: "count", arguments: { to: 2 }, _meta: { progressToken: "t" } };
    const onNotification = (bytes: Uint8Array) => void heard.push(JSON.parse(Buffer.from(bytes).toString("utf8")));
    await upstream.request("tools/call", params, { signal, onNotification });
    expect(heard.map((message) => message["params"])).toEqual([
      { progressToken: "t", progress: 1 },
      { progressToken: "t", progress: 2 },
    ]);
  });

  it("gives errors of the server as they are", async () => {
    const { upstream } = await open(START[era]());
    expect(await callTool(upstream, "nothing")).toEqual({ error: { code: -32602, message: "Unknown tool: nothing" } });
  });

  it("tells of changes on a stream of its own", async () => {
    const { server, upstream } = await open(START[era]());
    const changed = vi.fn();
    upstream.onChange(changed);
    await vi.waitFor(() => {
      server.announceChange();
      expect(changed).toHaveBeenCalled();
    });
  });

  it.each<[string, (id: unknown, response: ServerResponse) => void, string]>([
    ["another id", (_, response) => writeJson(response, 200, { id: 999, result: {} }), "upstream-protocol"],
    [
      "no JSON",
      (_, response) => response.writeHead(200, { "content-type": "application/json" }).end("{oops"),
      "upstream-protocol",
    ],
    ["HTML", (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<p>"), "upstream-protocol"],
    ["nothing", (_, response) => response.writeHead(202).end(), "upstream-protocol"],
    [
      "two results",
      (id, response) =>
        response
          .writeHead(200, { "content-type": "application/json" })
          .end(`{"jsonrpc":"2.0","id":${String(id)},"result":{},"result":{}}`),
      "upstream-protocol",
    ],
    [
      "a result that smuggles an id",
      (id, response) =>
        response
          .writeHead(200, { "content-type": "application/json" })
          .end(`{"jsonrpc":"2.0","id":${String(id)},"result":{},"id":7}`),
      "upstream-protocol",
    ],
    [
      "a redirect",
      (_, response) => response.writeHead(307, { location: "http://127.0.0.1:1/" }).end(),
      "upstream-unavailable",
    ],
    ["a demand for credentials", (_, response) => response.writeHead(401).end(), "upstream-unavailable"],
    ["HTTP 500", (_, response) => response.writeHead(500).end("boom"), "upstream-unavailable"],
    ["HTTP 429", (_, response) => response.writeHead(429).end(), "upstream-unavailable"],
    ["a connection that breaks", (_, response) => response.destroy(), "upstream-unavailable"],
    [
      "half an answer",
      (_, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
        response.write("{");
        setTimeout(() => response.destroy(), 10);
      },
      "upstream-unavailable",
    ],
    [
      "a stream without a result",
      (_, response) => {
        startEvents(response);
        response.end();
      },
      "upstream-unavailable",
    ],
    [
      "a stream of nonsense",
      (_, response) => {
        startEvents(response);
        response.write("data: oops\n\n");
      },
      "upstream-protocol",
    ],
    [
      "too much",
      (_, response) => {
        response.writeHead(200, { "content-type": "application/json" });
        response.end("x".repeat(17_000_000));
      },
      "upstream-protocol",
    ],
    [
      "too much on a stream",
      (_, response) => {
        startEvents(response);
        response.end(`data: ${"x".repeat(17_000_000)}`);
      },
      "upstream-protocol",
    ],
  ])("fails in a typed way on %s", async (_, answer, code) => {
    const { upstream } = await open(START[era](answering(answer)));
    await expect(callTool(upstream, "echo")).rejects.toMatchObject({ name: "McpctlError", code });
  });

  it("gives up after the server's time limit", async () => {
    const { upstream } = await open(START[era](answering(() => {})), 0.3);
    await expect(callTool(upstream, "echo")).rejects.toMatchObject({ code: "upstream-timeout" });
  });

  it("gives a server its whole time anew whenever it reports progress", async () => {
    const progressing = answering((id, response) => {
      startEvents(response);
      let step = 0;
      const timer = setInterval(() => {
        step += 1;
        writeEvent(response, { method: "notifications/progress", params: { progressToken: 1, progress: step } });
        if (step < 5) return;
        clearInterval(timer);
        writeEvent(response, { id, result: { content: [] } });
        response.end();
      }, 300);
    });
    const { upstream } = await open(START[era](progressing), 1);
    expect(await callTool(upstream, "echo")).toHaveProperty("result");
  });

  it("stops waiting when the caller does, and the server hears of it", async () => {
    const { server, upstream } = await open(START[era]());
    const caller = new AbortController();
    const call = upstream.request("tools/call", { name: "wait", arguments: {} }, { signal: caller.signal });
    await vi.waitFor(() => expect(server.requests("tools/call")).toHaveLength(1));
    caller.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
    await vi.waitFor(() => expect(server.cancelled).toContain(server.requests("tools/call")[0]?.body["id"]));
  });

  it("does not ask for anything any more once it is closed", async () => {
    const { server, upstream } = await open(START[era]());
    await upstream.connect(signal);
    await upstream.close();
    const seen = server.seen.length;
    await expect(callTool(upstream, "echo")).rejects.toMatchObject({ code: "upstream-unavailable" });
    expect(server.seen).toHaveLength(seen);
    expect(server.open.size).toBe(0);
  });

  it("works again after a failed greeting", async () => {
    const { server, upstream } = await open(
      START[era]({ intercept: (_, response) => Boolean(response.writeHead(503).end()) }),
    );
    await expect(upstream.connect(signal)).rejects.toMatchObject({ code: "upstream-unavailable" });
    server.options.intercept = () => false;
    expect(await upstream.connect(signal)).toMatchObject({ era });
  });
});

describe("a connection to a server with sessions", () => {
  it.each([
    ["404", {}],
    ["400, as many do", { answers400: true }],
  ])("opens a new session when the server answers %s, and repeats the request once", async (_, options) => {
    const { server, upstream } = await open(startLegacyServer(options));
    await callTool(upstream, "echo", { message: "a" });
    server.open.clear();
    const answers = await Promise.all(["b", "c", "d"].map((message) => callTool(upstream, "echo", { message })));
    expect(answers.map(({ result }) => result.content[0].text)).toEqual(["b", "c", "d"]);
    expect(server.requests("initialize")).toHaveLength(2);
    expect(server.requests("server/discover")).toHaveLength(1);
  });

  it("gives up when the new session is unknown as well", async () => {
    const { server, upstream } = await open(startLegacyServer());
    await upstream.connect(signal);
    server.options.intercept = ({ body }) => (body["method"] === "tools/call" ? (server.open.clear(), false) : false);
    await expect(callTool(upstream, "echo")).resolves.toMatchObject({ error: { code: -32000 } });
    expect(server.requests("tools/call")).toHaveLength(2);
  });

  it.each(["2025-06-18", "2025-03-26", "2024-11-05"])(
    "speaks the version that the server chose: %s",
    async (protocolVersion) => {
      const { server, upstream } = await open(startLegacyServer({ protocolVersion }));
      expect(await upstream.connect(signal)).toMatchObject({ era: "legacy", protocolVersion });
      await callTool(upstream, "echo");
      expect(server.requests("tools/call")[0]?.headers["mcp-protocol-version"]).toBe(protocolVersion);
    },
  );

  it("refuses a version that nobody knows", async () => {
    const { upstream } = await open(startLegacyServer({ protocolVersion: "2030-01-01" }));
    await expect(upstream.connect(signal)).rejects.toMatchObject({ code: "upstream-protocol" });
  });

  it("answers pings of the server and refuses its other requests", async () => {
    const { server, upstream } = await open(
      startLegacyServer({
        intercept({ body }, response) {
          if (body["method"] !== "tools/call") return false;
          startEvents(response);
          writeEvent(response, { id: "p", method: "ping" });
          writeEvent(response, { id: "s", method: "sampling/createMessage", params: {} });
          setTimeout(() => {
            writeEvent(response, { id: body["id"], result: { content: [] } });
            response.end();
          }, 50);
          return true;
        },
      }),
    );
    await callTool(upstream, "echo");
    const answers = () => server.seen.map(({ body }) => body).filter(({ id }) => id === "p" || id === "s");
    await vi.waitFor(() => expect(answers()).toHaveLength(2));
    expect(answers()).toEqual([
      { jsonrpc: "2.0", id: "p", result: {} },
      { jsonrpc: "2.0", id: "s", error: expect.objectContaining({ code: -32601 }) },
    ]);
  });

  it("can do without a stream for changes", async () => {
    const { server, upstream } = await open(
      startLegacyServer({
        intercept: ({ httpMethod }, response) => httpMethod === "GET" && Boolean(response.writeHead(405).end()),
      }),
    );
    upstream.onChange(() => {});
    await vi.waitFor(() => expect(server.seen.some(({ httpMethod }) => httpMethod === "GET")).toBe(true));
    expect(await callTool(upstream, "echo", { message: "x" })).toHaveProperty("result");
  });

  it("is made anew when the server has become stateless", async () => {
    const { server, upstream } = await open(startLegacyServer());
    await upstream.connect(signal);
    const port = Number(new URL(server.url).port);
    await server.close();
    const upgraded = await startModernServer({ port });
    onTestFinished(() => upgraded.close());
    await vi.waitFor(async () => expect(await callTool(upstream, "echo", { message: "x" })).toHaveProperty("result"));
  });
});

describe("a connection to a stateless server", () => {
  it("repeats the body in the headers, encoded where it must be", async () => {
    const { server, upstream } = await open(startModernServer());
    await callTool(upstream, "wörld");
    const [seen] = server.requests("tools/call");
    expect(seen?.headers["mcp-name"]).toBe(`=?base64?${Buffer.from("wörld").toString("base64")}?=`);
    expect(seen?.body["params"]._meta).toEqual({
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "mcpctl", version: expect.any(String) },
      "io.modelcontextprotocol/clientCapabilities": {},
    });
  });

  it("asks once more when the server refuses the very version that it says it speaks", async () => {
    let refusals = 0;
    const intercept: Intercept = ({ body }, response) => {
      if (body["method"] !== "server/discover" || refusals > 0) return false;
      refusals += 1;
      const data = { supported: ["2026-07-28"], requested: "2026-07-28" };
      writeJson(response, 400, { id: body["id"], error: { code: -32022, message: "Unsupported", data } });
      return true;
    };
    const { server, upstream } = await open(startModernServer({ intercept }));
    expect(await upstream.connect(signal)).toMatchObject({ era: "modern" });
    expect(server.requests("initialize")).toEqual([]);
  });

  it("is made anew when the server has gone back to sessions", async () => {
    const { server, upstream } = await open(startModernServer());
    await upstream.connect(signal);
    const port = Number(new URL(server.url).port);
    await server.close();
    const downgraded = await startLegacyServer({ port });
    onTestFinished(() => downgraded.close());
    // Both ends of the old connection live in this process, and ours has yet to hear of its end.
    await sleep(20);
    expect(await callTool(upstream, "echo", { message: "x" })).toHaveProperty("result");
    expect(await upstream.connect(signal)).toMatchObject({ era: "legacy" });
  });
});
