import { createServer, type RequestListener } from "node:http";
import { createServer as createSocketServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createApiClient } from "../../src/api/client.ts";
import type { TransportOptions } from "../../src/api/client-transport.ts";
import { McpctlError } from "../../src/errors.ts";
import { events } from "../../src/kinds/events.ts";
import { mcpTokens } from "../../src/kinds/mcp-tokens.ts";
import { servers } from "../../src/kinds/servers.ts";
import { PROBLEM_MEDIA_TYPE, toProblem } from "../../src/problem.ts";

const TOKEN = "mcpctl_ses_secret0secret";
const open: Server[] = [];
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of open.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listen(server: Server): Promise<string> {
  open.push(server);
  server.on("connection", (socket) => void sockets.add(socket).add(socket.on("error", () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A client of a server that answers so. */
async function clientOf(answer: RequestListener, options: Partial<TransportOptions> = {}) {
  const baseUrl = await listen(createServer({ keepAlive: false }, answer));
  return createApiClient({ baseUrl, token: TOKEN, timeoutSeconds: 5, ...options });
}

interface Seen {
  line: string;
  headers: Record<string, unknown>;
  body: string;
}

/** Answers everything alike and remembers what was asked. */
function recording(json: unknown, { status = 200, headers = {} } = {}) {
  const seen: Seen[] = [];
  const answer: RequestListener = (request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      seen.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
      response.writeHead(status, {
        "content-type": "application/json; charset=utf-8",
        connection: "close",
        ...headers,
      });
      response.end(json === undefined ? "" : JSON.stringify(json));
    });
  };
  return { seen, answer };
}

const server = { apiVersion: "mcpctl.io/v1", kind: "Server", metadata: { name: "files" }, spec: { command: "node" } };
const list = (items: unknown[], next?: string) => ({
  apiVersion: "mcpctl.io/v1",
  kind: "List",
  metadata: { resourceVersion: "9", ...(next !== undefined && { continue: next }) },
  items,
});

async function failure(calling: Promise<unknown>): Promise<McpctlError> {
  try {
    await calling;
  } catch (thrown) {
    if (thrown instanceof McpctlError) {
      expect(`${thrown.message} ${thrown.hint} ${String(thrown.cause)}`).not.toContain("secret0secret");
      return thrown;
    }
    throw thrown;
  }
  throw new Error("It succeeded");
}

describe("what is sent", () => {
  const seven = { metadata: { name: "a b/c" }, kind: "Server", spec: { command: "node" } };

  it("addresses, verbs, bodies and the bearer", async () => {
    const { seen, answer } = recording({ ...server, token: "raw" });
    const client = await clientOf(answer);
    const tokens = recording({ ...server, kind: "McpToken", token: "raw" });
    const tokenClient = await clientOf(tokens.answer);
    await client.get(servers, { name: "a b/c", project: "ignored" });
    await tokenClient.get(mcpTokens, { name: "agent", project: "demo" });
    await client.create(servers, seven);
    await client.update(servers, seven);
    await client.delete(servers, { name: "files" });
    expect(await tokenClient.createMcpToken({ metadata: { name: "agent", project: "demo" } })).toEqual({
      resource: { ...server, kind: "McpToken" },
      token: "raw",
    });
    await tokenClient.revokeMcpToken({ name: "agent", project: "demo" });
    expect(seen.map(({ line }) => line)).toEqual([
      "GET /api/v1/servers/a%20b%2Fc",
      "POST /api/v1/servers",
      "PUT /api/v1/servers/a%20b%2Fc",
      "DELETE /api/v1/servers/files",
    ]);
    expect(tokens.seen.map(({ line }) => line)).toEqual([
      "GET /api/v1/mcptokens/agent?project=demo",
      "POST /api/v1/mcptokens",
      "POST /api/v1/mcptokens/agent/revoke?project=demo",
    ]);
    expect(seen[1]).toMatchObject({ body: JSON.stringify(seven), headers: { "content-type": "application/json" } });
    expect(seen.every(({ headers }) => headers["authorization"] === `Bearer ${TOKEN}`)).toBe(true);
  });

  it("a manifest to apply as it was written, with its own media type", async () => {
    const { seen, answer } = recording(server, { headers: { "mcpctl-result": "unchanged" } });
    const client = await clientOf(answer);
    const { outcome, resource } = await client.apply(servers, seven, {
      fieldManager: "ci",
      force: true,
      isDryRun: true,
    });
    expect(seen[0]).toMatchObject({
      line: "PATCH /api/v1/servers/a%20b%2Fc?fieldManager=ci&force=true&dryRun=server",
      body: JSON.stringify(seven),
      headers: { "content-type": "application/apply-patch+json" },
    });
    expect({ outcome, name: resource.metadata.name }).toEqual({ outcome: "unchanged", name: "files" });
  });

  it("neither force nor dryRun unless they are wanted; the status tells the outcome when the header is missing", async () => {
    const { seen, answer } = recording(server, { status: 201 });
    const { outcome } = await (await clientOf(answer)).apply(servers, seven, { fieldManager: "ci" });
    expect([outcome, seen[0]?.line]).toEqual(["created", "PATCH /api/v1/servers/a%20b%2Fc?fieldManager=ci"]);
  });

  it("sessions and passwords", async () => {
    const { seen, answer } = recording({ token: "t", expiresAt: "2026-01-01T00:00:00Z" });
    const client = await clientOf(answer, { token: undefined });
    await client.login("alice", "pass");
    await client.logout();
    await client.setPassword("alice@test.com", "another one");
    expect(seen.map(({ line, body }) => `${line} ${body}`)).toEqual([
      'POST /api/v1/login {"user":"alice","password":"pass"}',
      "POST /api/v1/logout ",
      'PUT /api/v1/users/alice%40test.com/password {"password":"another one"}',
    ]);
    expect(seen[0]?.headers).not.toHaveProperty("authorization");
    expect(seen[1]?.headers).not.toHaveProperty("content-type");
  });

  it("nothing for a name that a URL would swallow", async () => {
    const client = createApiClient({ baseUrl: "http://127.0.0.1:9" });
    for (const name of ["", ".", ".."]) {
      expect(await failure(client.delete(servers, { name }))).toMatchObject({ code: "invalid" });
    }
  });
});

describe("what is answered", () => {
  it("a list of several pages as one", async () => {
    const lines: string[] = [];
    const client = await clientOf((request, response) => {
      lines.push(request.url ?? "");
      const page = Number(new URL(request.url ?? "", "http://x").searchParams.get("continue") ?? 1);
      const item = { ...server, metadata: { name: `s${page}` } };
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(list([item], page < 3 ? String(page + 1) : undefined)));
    });
    const { items, metadata } = await client.list(servers, { labelSelector: "a=b", project: "demo" });
    expect(items.map((item) => item.metadata.name)).toEqual(["s1", "s2", "s3"]);
    expect(metadata).toEqual({ resourceVersion: "9" });
    expect(lines).toEqual([
      "/api/v1/servers?labelSelector=a%3Db&project=demo&limit=500",
      "/api/v1/servers?labelSelector=a%3Db&project=demo&limit=500&continue=2",
      "/api/v1/servers?labelSelector=a%3Db&project=demo&limit=500&continue=3",
    ]);
  });

  it("ends a list whose server hands out the same page for ever", async () => {
    const { seen, answer } = recording(list([], "same"));
    await (await clientOf(answer)).list(events);
    expect(seen).toHaveLength(2);
  });

  it("a problem becomes the error that mcpd threw", async () => {
    const thrown = new McpctlError("conflict", "stale", {
      hint: "read again",
      fields: [{ path: "spec.url", message: "owned by ci" }],
    });
    const client = await clientOf((_request, response) => {
      response.writeHead(409, { "content-type": PROBLEM_MEDIA_TYPE }).end(JSON.stringify(toProblem(thrown, "r-1")));
    });
    const { code, message, hint, fields } = await failure(client.get(servers, { name: "a" }));
    expect({ code, message, hint, fields }).toEqual({
      code: "conflict",
      message: "stale",
      hint: "read again",
      fields: thrown.fields,
    });
  });

  it.each([
    ["unauthenticated", "Log in with: mcpctl login"],
    ["internal", "Look for request r-1 in the log of mcpd"],
  ] as const)("%s without a hint gets one", async (code, hint) => {
    const { hint: _none, ...problem } = toProblem(new McpctlError(code, "x"), "r-1");
    const { answer } = recording(problem, { status: problem.status });
    expect(await failure((await clientOf(answer)).whoami())).toMatchObject({ code, hint });
  });

  it("a code of a newer mcpd is internal", async () => {
    const problem = { ...toProblem(new McpctlError("invalid", "x"), "r-1"), code: "brand-new" };
    const { answer } = recording(problem, { status: 422 });
    expect(await failure((await clientOf(answer)).version())).toMatchObject({ code: "internal", message: "x" });
  });

  it("an object of another kind is no answer", async () => {
    const { answer } = recording({ ...server, kind: "Project" });
    expect(await failure((await clientOf(answer)).get(servers, { name: "a" }))).toMatchObject({ code: "unreachable" });
  });

  it("fields of a newer mcpd are kept", async () => {
    const { answer } = recording({ ...server, spec: { command: "node", brandNew: 1 }, extra: true });
    expect(await (await clientOf(answer)).get(servers, { name: "files" })).toMatchObject({
      spec: { brandNew: 1 },
      extra: true,
    });
  });
});

describe("what is not mcpd", () => {
  it.each([
    [
      "a proxy's error page",
      502,
      "text/html",
      "<html>Bad gateway</html>",
      /answered 502 with text\/html; this is not the API of mcpd/,
    ],
    ["a login page", 200, "text/html; charset=utf-8", "<html>", /answered 200 with text\/html/],
    ["broken JSON", 200, "application/json", "{", /answered 200 with application\/json/],
    ["an error of another API", 404, "application/json", '{"message":"no"}', /answered 404 with unknown JSON/],
    [
      "JSON of another form",
      200,
      "application/json",
      '{"hello":1}',
      /answered GET \/api\/v1\/servers\/a with JSON of another form/,
    ],
    ["nothing", 200, "application/json", "", /with JSON of another form/],
  ])("%s", async (...[, status, type, body, message]) => {
    const client = await clientOf((_request, response) => {
      response.writeHead(status, { "content-type": type, connection: "close" }).end(body);
    });
    const error = await failure(client.get(servers, { name: "a" }));
    expect(error).toMatchObject({
      code: "unreachable",
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/proxy/),
    });
    expect(error.message).not.toContain("<html>");
  });

  it("a redirect, which is not followed, so that the bearer goes nowhere else", async () => {
    const { seen, answer } = recording(undefined, {
      headers: { location: "https://login.example.com/?next=secret" },
      status: 302,
    });
    const error = await failure((await clientOf(answer)).whoami());
    expect(error.message).toMatch(/answered 302, a redirect to https:\/\/login\.example\.com; this is not/);
    expect(seen).toHaveLength(1);
  });
});

describe("faults of the network", () => {
  it("a refused connection", async () => {
    const baseUrl = await listen(createServer());
    await new Promise((resolve) => open.splice(0)[0]?.close(resolve));
    expect(await failure(createApiClient({ baseUrl, token: TOKEN }).version())).toMatchObject({
      code: "unreachable",
      message: `Cannot reach mcpd at ${baseUrl}: the connection was refused`,
      hint: "Is mcpd running? Start it with: mcpctl up",
    });
  });

  it("a connection that is cut in the middle of an answer", async () => {
    const client = await clientOf((_request, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "100" }).write("{");
      setTimeout(() => response.destroy(), 20);
    });
    expect(await failure(client.version())).toMatchObject({
      code: "unreachable",
      message: expect.stringMatching(/was cut$/),
    });
  });

  it("an answer that takes too long", async () => {
    const client = await clientOf((_request, response) => void setTimeout(() => response.destroy(), 400), {
      timeoutSeconds: 0.1,
    });
    expect(await failure(client.version())).toMatchObject({
      code: "unreachable",
      message: expect.stringMatching(/did not answer within 0.1 s/),
    });
  });

  it("an interruption is thrown as it came", async () => {
    const controller = new AbortController();
    const client = await clientOf(() => controller.abort("Ctrl-C"), { signal: controller.signal });
    await expect(client.version()).rejects.toBe("Ctrl-C");
  });

  it("TLS where plain HTTP is spoken, and the other way round", async () => {
    const plain = await listen(createServer());
    const spokenTls = await failure(createApiClient({ baseUrl: plain.replace("http:", "https:") }).version());
    expect(spokenTls).toMatchObject({
      message: expect.stringMatching(/does not speak TLS/),
      hint: expect.stringMatching(/http:\/\//),
    });
    const other = await listen(createSocketServer((socket) => void socket.end("\x15\x03\x01\x00\x02\x02\x0a")));
    const spokenPlain = await failure(createApiClient({ baseUrl: other }).version());
    expect(spokenPlain).toMatchObject({
      message: expect.stringMatching(/does not speak plain HTTP/),
      hint: expect.stringMatching(/https:\/\//),
    });
  });

  it.each([
    ["DEPTH_ZERO_SELF_SIGNED_CERT", /self-signed/, /NODE_EXTRA_CA_CERTS/],
    ["CERT_HAS_EXPIRED", /has expired/, /NODE_EXTRA_CA_CERTS/],
    ["ERR_TLS_CERT_ALTNAME_INVALID", /for another host name/, /NODE_EXTRA_CA_CERTS/],
    ["CERT_REVOKED", /refused \(CERT_REVOKED\)/, /NODE_EXTRA_CA_CERTS/],
    ["ENOTFOUND", /host name is unknown/, /Choose another address with --server/],
    ["EWHATEVER", /failed with EWHATEVER/, /Choose another address/],
  ])("%s is named", async (code, message, hint) => {
    const cause = new AggregateError([Object.assign(new Error(`${code} ${TOKEN}`), { code })]);
    const fetch = () => Promise.reject(new TypeError("fetch failed", { cause }));
    const client = createApiClient({ baseUrl: "https://mcpctl.example.com/api/", token: TOKEN, fetch });
    const error = await client.version().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "unreachable",
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    expect((error as McpctlError).message).not.toContain(TOKEN);
  });

  it("a token with a line break is refused without being repeated", () => {
    const create = () => createApiClient({ baseUrl: "http://127.0.0.1:9", token: `${TOKEN}\n` });
    expect(create).toThrow(/characters that no token has/);
    expect(create).not.toThrow(/secret0secret/);
  });
});
