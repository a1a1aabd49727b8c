import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createRelay, type RemoteTarget } from "../../src/relay/relay.ts";
import { ACCEPT_BOTH, bodyOf, eventsOf, jsonOf, post } from "./exchange-rig.ts";

interface Seen {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage["headers"];
  body: string;
}

type Respond = (response: ServerResponse) => void | Promise<void>;

const relay = createRelay();
const seen: Seen[] = [];
let respond: Respond;

const server = createServer((request, response) => void serve(request, response));

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const { method, url, headers } = request;
  seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
  await respond(response);
}

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
beforeEach(() => {
  seen.length = 0;
  respond = (response) => sendJson(response, { jsonrpc: "2.0", id: 1, result: {} });
});
afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
});

function sendJson(response: ServerResponse, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

function targetOf(overrides: Partial<RemoteTarget> = {}): RemoteTarget {
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/mcp?tenant=a`;
  return { server: "far", url, headers: {}, policy: (tool) => tool !== "secret", timeoutSeconds: 10, ...overrides };
}

describe("what the server sees", () => {
  it("is the message of the caller, written anew, under the same id", async () => {
    const call = { id: "caller-7", method: "tools/call", params: { name: "echo", arguments: { a: "ü" } } };
    const answer = await relay.handle(post(call), targetOf());
    expect(answer.status).toBe(200);
    expect(seen[0]).toMatchObject({ method: "POST", url: "/mcp?tenant=a" });
    expect(JSON.parse(seen[0]?.body ?? "")).toEqual({ jsonrpc: "2.0", ...call });
  });

  it("is neither a credential of the caller nor a header of its connection, but what is configured", async () => {
    const headers = {
      ...ACCEPT_BOTH,
      authorization: "Bearer of-the-caller",
      cookie: "session=1",
      connection: "keep-alive, x-private",
      "x-private": "1",
      "x-forwarded-for": "10.0.0.1",
      "proxy-authorization": "Basic x",
      host: "gateway.example.com",
      "mcp-session-id": "s-1",
      "mcp-protocol-version": "2025-11-25",
      "mcp-method": "ping",
      "mcp-param-region": "eu",
      "last-event-id": "e-1",
      "x-key": "of the caller",
    };
    await relay.handle(
      post({ method: "ping" }, { headers }),
      targetOf({ headers: { "X-Key": "configured", Authorization: "Bearer ours" } }),
    );
    expect(seen[0]?.headers).toEqual({
      host: expect.stringMatching(/^127\.0\.0\.1:/),
      connection: "keep-alive",
      "content-length": expect.any(String),
      accept: ACCEPT_BOTH.accept,
      "content-type": "application/json",
      "accept-encoding": "identity",
      "user-agent": expect.stringMatching(/^mcpctl\//),
      "mcp-session-id": "s-1",
      "mcp-protocol-version": "2025-11-25",
      "mcp-method": "ping",
      "mcp-param-region": "eu",
      "last-event-id": "e-1",
      "x-key": "configured",
      authorization: "Bearer ours",
    });
  });

  it.each(["GET", "DELETE"])("is a %s without a body too", async (method) => {
    respond = (response) => void response.writeHead(405, { allow: "POST" }).end();
    const answer = await relay.handle(post("ignored", { method }), targetOf());
    expect(answer).toMatchObject({ status: 405, headers: { allow: "POST" } });
    expect(seen[0]).toMatchObject({ method, body: "" });
    expect(seen[0]?.headers["content-type"]).toBe("application/json");
  });

  it("is no other method, no batch and nothing malformed", async () => {
    expect((await relay.handle(post("", { method: "PUT" }), targetOf())).status).toBe(405);
    for (const text of ["[]", "{", '{"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"x"}']) {
      expect((await relay.handle(post(text), targetOf())).status).toBe(400);
    }
    expect(seen).toEqual([]);
  });

  it.each([
    ["mcp-method", "tools/list"],
    ["mcp-name", "echo"],
    ["mcp-name", "=?base64?ZWNobw==?="],
  ])("is no header %s that contradicts the body: %s", async (name, value) => {
    const params = { name: "other" };
    const answer = await relay.handle(
      post({ method: "tools/call", params }, { headers: { ...ACCEPT_BOTH, [name]: value } }),
      targetOf(),
    );
    expect(answer.status).toBe(400);
    expect((await jsonOf(answer)).error.code).toBe(-32020);
    expect(seen).toEqual([]);
  });

  it("may be a name in base64 that agrees with the body", async () => {
    const headers = { ...ACCEPT_BOTH, "mcp-method": "tools/call", "mcp-name": "=?base64?w7xiZXI=?=" };
    const answer = await relay.handle(
      post({ method: "tools/call", params: { name: "über" } }, { headers }),
      targetOf(),
    );
    expect(answer.status).toBe(200);
  });

  it("comes over connections that are kept", async () => {
    await using fresh = createRelay();
    const ports = new Set<number | undefined>();
    server.on("request", ({ socket }: IncomingMessage) => ports.add(socket.remotePort));
    for (let n = 0; n < 5; n += 1) await bodyOf(await fresh.handle(post({ method: "ping" }), targetOf()));
    // The next request may start just before the connection of the last one is free again.
    expect(ports.size).toBeLessThan(3);
  });
});

describe("what the caller sees", () => {
  it("is the answer with the headers of MCP, and no others", async () => {
    respond = (response) =>
      sendJson(
        response,
        { jsonrpc: "2.0", id: 1, result: { x: 1 } },
        { "mcp-session-id": "s-9", "set-cookie": "a=b", server: "far" },
      );
    const answer = await relay.handle(post({ method: "initialize" }), targetOf());
    expect(answer).toMatchObject({
      status: 200,
      headers: { "content-type": "application/json", "mcp-session-id": "s-9" },
    });
    expect(Object.keys(answer.headers)).toHaveLength(2);
    expect(await jsonOf(answer)).toEqual({ jsonrpc: "2.0", id: 1, result: { x: 1 } });
  });

  it("is a stream while it comes", async () => {
    let finish = () => {};
    respond = async (response) => {
      response
        .writeHead(200, { "content-type": "text/event-stream" })
        .write('data: {"jsonrpc":"2.0","method":"a"}\n\n');
      await new Promise<void>((resolve) => (finish = resolve));
      response.end('data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n');
    };
    const answer = await relay.handle(post({ method: "tools/call", params: { name: "echo" } }), targetOf());
    expect(answer.headers["content-type"]).toBe("text/event-stream");
    const [first] = await once(answer.body as NodeJS.ReadableStream, "data");
    expect(String(first)).toContain('"method":"a"');
    finish();
  });

  it("is the status of the server where it means something to a client", async () => {
    respond = (response) => void response.writeHead(404, { "content-type": "text/plain" }).end("no such session");
    for (const method of ["ping", "tools/list"]) {
      expect((await relay.handle(post({ method }), targetOf())).status).toBe(404);
    }
  });

  it("is a word about the credentials of mcpd when the server refuses them", async () => {
    respond = (response) => void response.writeHead(401, { "www-authenticate": "Bearer" }).end();
    const answer = await relay.handle(post({ method: "ping" }), targetOf());
    expect(answer.headers).toEqual({ "content-type": "application/json" });
    const { error } = await jsonOf(answer);
    expect(error).toMatchObject({
      message: 'Server "far" refuses the credentials of mcpd (HTTP 401)',
      data: { code: "upstream-unavailable" },
    });
  });

  it("is an error for a redirect, which is not followed", async () => {
    respond = (response) => void response.writeHead(307, { location: "http://169.254.169.254/" }).end();
    const { error } = await jsonOf(await relay.handle(post({ method: "ping" }), targetOf()));
    expect(error.message).toBe('Server "far" redirects to http://169.254.169.254/; redirects are not followed');
    expect(seen).toHaveLength(1);
  });

  it("is an error when nobody is there", async () => {
    const answer = await relay.handle(post({ method: "ping" }), targetOf({ url: "http://127.0.0.1:9/mcp" }));
    expect(answer.status).toBe(200);
    expect((await jsonOf(answer)).error).toMatchObject({
      message: 'Server "far" cannot be reached: ECONNREFUSED',
      data: { code: "upstream-unavailable", hint: "See why with: mcpctl describe server far" },
    });
    expect((await relay.handle(post("", { method: "GET" }), targetOf({ url: "http://127.0.0.1:9/mcp" }))).status).toBe(
      502,
    );
  });

  it("is an error when the server does not answer in time", async () => {
    respond = () => sleep(30_000, undefined, { ref: false });
    const { error } = await jsonOf(await relay.handle(post({ method: "ping" }), targetOf({ timeoutSeconds: 1 })));
    expect(error.data.code).toBe("upstream-timeout");
  });

  it("is nothing when it is gone, and the server learns of it", async () => {
    const abort = new AbortController();
    let isClosed = false;
    respond = (response) => {
      response.on("close", () => (isClosed = true));
      abort.abort();
    };
    expect((await relay.handle(post({ method: "ping" }, { signal: abort.signal }), targetOf())).status).toBe(499);
    await sleep(100);
    expect(isClosed).toBe(true);
  });
});

describe("the policy", () => {
  const tools = [{ name: "echo" }, { name: "secret" }];
  const list = { jsonrpc: "2.0", id: 1, result: { tools, nextCursor: "2" } };
  const filtered = { jsonrpc: "2.0", id: 1, result: { tools: [{ name: "echo" }], nextCursor: "2" } };

  it("keeps a denied call from the server", async () => {
    const answer = await relay.handle(post({ method: "tools/call", params: { name: "secret" } }), targetOf());
    expect(await jsonOf(answer)).toEqual({
      jsonrpc: "2.0",
      id: 1,
      error: { code: -32602, message: "Unknown tool: secret" },
    });
    expect(seen).toEqual([]);
  });

  it("filters a list that comes as JSON", async () => {
    respond = (response) => sendJson(response, list);
    expect(await jsonOf(await relay.handle(post({ method: "tools/list" }), targetOf()))).toEqual(filtered);
  });

  it.each([
    ["whole", (text: string) => [text]],
    ["byte by byte", (text: string) => text.split("")],
    ["with carriage returns", (text: string) => text.replaceAll("\n", "\r\n").split("")],
    ["with odd line ends", (text: string) => text.replaceAll("\n\n", "\n\r\n").split("")],
  ])("filters a list that comes as events, %s", async (_, cut) => {
    const message = JSON.stringify(list, undefined, 1).replaceAll("\n", "\ndata: ");
    const stream = `: comment\nid: 4\nevent: message\ndata: ${message}\n\ndata: no json\n\ndata: {"half":`;
    respond = async (response) => {
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
      for (const part of cut(stream)) response.write(part);
      response.end();
    };
    const text = await bodyOf(await relay.handle(post({ method: "tools/list" }), targetOf()));
    expect(text).toBe(`: comment\nid: 4\nevent: message\ndata: ${JSON.stringify(filtered)}\n\ndata: no json\n\n`);
  });

  it("filters what a stream repeats of an earlier list", async () => {
    respond = (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).end(`data: ${JSON.stringify(list)}\n\n`);
    };
    expect(await eventsOf(await relay.handle(post("", { method: "GET" }), targetOf()))).toEqual([filtered]);
  });

  it.each([
    ["compressed", { "content-encoding": "gzip" }],
    ["of another type", { "content-type": "text/html" }],
    ["no JSON", {}],
  ])("shows no list that is %s", async (name, headers) => {
    respond = (response) => {
      response.writeHead(200, { "content-type": "application/json", ...headers });
      response.end(name === "no JSON" ? "{" : JSON.stringify(list));
    };
    const answer = await jsonOf(await relay.handle(post({ method: "tools/list" }), targetOf()));
    expect(answer.error.data.code).toBe("upstream-protocol");
  });
});
