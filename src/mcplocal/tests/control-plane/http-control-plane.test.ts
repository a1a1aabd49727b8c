import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { DiscoveredServer } from "@mcpctl/shared/api/contracts.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { toProblem } from "@mcpctl/shared/problem.ts";
import { describe, expect, it, onTestFinished } from "vitest";
import { startLegacyServer } from "../../../../tests/fixtures/http-legacy-server.ts";
import { createHttpControlPlane } from "../../src/control-plane/http-control-plane.ts";
import { createDispatcher } from "../../src/upstreams/dispatcher.ts";

const signal = new AbortController().signal;
const ACTIVE = { active: true, name: "agent", project: "demo", sha: "aa", creator: "ada" };
const AS = { bearer: "t", capabilities: {} };
const SERVER: DiscoveredServer = {
  name: "files",
  revision: "1",
  url: "/api/v1/projects/demo/servers/files/mcp",
  headers: {},
  isRelay: true,
  timeoutSeconds: 5,
  tools: { deny: [] },
};

/** An mcpd that answers as a test says, and the control plane in front of it. */
async function setUp(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const mcpd = createServer(answer).listen(0, "127.0.0.1");
  await once(mcpd, "listening");
  const mcpdUrl = `http://127.0.0.1:${(mcpd.address() as AddressInfo).port}`;
  const dispatcher = createDispatcher();
  onTestFinished(async () => {
    await dispatcher.destroy();
    mcpd.closeAllConnections();
    mcpd.close();
  });
  return { mcpdUrl, controlPlane: createHttpControlPlane({ mcpdUrl, dispatcher }) };
}

const json = (response: ServerResponse, status: number, body: object) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

describe("createHttpControlPlane", () => {
  it("introspects with the token itself", async () => {
    const { controlPlane } = await setUp(({ url, headers }, response) => {
      const isRight = url === "/api/v1/mcptokens/introspect" && headers.authorization === "Bearer t";
      json(response, 200, isRight ? ACTIVE : { active: false });
    });
    expect(await controlPlane.introspect("t")).toEqual(ACTIVE);
    expect(await controlPlane.introspect("other")).toEqual({ active: false });
  });

  it("discovers a project and fills in what mcpd leaves out", async () => {
    const { controlPlane } = await setUp(({ url }, response) => {
      const { headers: _headers, ...server } = SERVER;
      const project = { name: "demo", naming: "prefix", proxyModel: "default", tools: {} };
      json(response, url === "/api/v1/projects/demo/discovery" ? 200 : 500, { project, servers: [server] });
    });
    const { project, servers } = await controlPlane.discover("demo", "t");
    expect(project.tools).toEqual({ deny: [] });
    expect(servers).toEqual([SERVER]);
  });

  it.each(["not-found", "forbidden", "unauthenticated"] as const)("throws what mcpd threw: %s", async (code) => {
    const problem = toProblem(new McpctlError(code, "no", { hint: "do this" }), "r1");
    const { controlPlane } = await setUp((_, response) => json(response, problem.status, problem));
    await expect(controlPlane.discover("demo", "t")).rejects.toMatchObject({ code, hint: "do this" });
  });

  it.each<[string, (request: IncomingMessage, response: ServerResponse) => void, string]>([
    ["another program", (_, response) => response.writeHead(404).end("<html>"), "unavailable"],
    ["an mcpd of another release", (_, response) => json(response, 200, { active: "maybe" }), "unavailable"],
    ["something that breaks off", (_, response) => response.destroy(), "unreachable"],
    ["something that redirects", (_, response) => response.writeHead(302, { location: "/login" }).end(), "unavailable"],
    ["something that hangs", () => {}, "unreachable"],
  ])("says when mcpd is %s", async (_, answer, code) => {
    const { controlPlane } = await setUp(answer);
    await expect(controlPlane.introspect("t")).rejects.toMatchObject({ code });
  });

  it("gives the token to mcpd's relay and to nobody else, whatever a discovery says", async () => {
    const seen: (string | undefined)[] = [];
    const { controlPlane } = await setUp(({ headers }, response) => {
      seen.push(headers.authorization);
      response.writeHead(503).end();
    });
    const elsewhere = await startLegacyServer();
    onTestFinished(() => elsewhere.close());
    const connect = (server: Partial<DiscoveredServer>) =>
      controlPlane
        .openUpstream({ ...SERVER, ...server }, AS)
        .connect(signal)
        .catch(() => {});
    await connect({});
    await connect({ isRelay: false });
    await connect({ url: elsewhere.url });
    await connect({ url: elsewhere.url, hasLink: true });
    expect(seen).toEqual(["Bearer t", undefined]);
    expect(elsewhere.seen.map(({ headers }) => headers.authorization)).not.toContain("Bearer t");
  });

  it("passes on why the relay cannot reach a server", async () => {
    const error = new McpctlError("upstream-timeout", "It did not start", { hint: "Read its log" });
    const { controlPlane } = await setUp((_, response) =>
      response
        .writeHead(504, { "content-type": "application/problem+json" })
        .end(JSON.stringify(toProblem(error, "r1"))),
    );
    const failure = { code: "upstream-timeout", message: "It did not start", hint: "Read its log" };
    await expect(controlPlane.openUpstream(SERVER, AS).connect(signal)).rejects.toMatchObject(failure);
  });
});
