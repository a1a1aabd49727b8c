import { once } from "node:events";
import { request as sendRequest } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { createHttpControlPlane } from "../../src/mcplocal/src/control-plane/http-control-plane.ts";
import { createDispatcher } from "../../src/mcplocal/src/upstreams/dispatcher.ts";
import { API, RELAY_LINK } from "../../src/shared/src/api/contracts.ts";
import type { Upstream } from "../../src/shared/src/mcp/upstream.ts";
import { type Rest, startRest } from "../support/rest.ts";

const NEVER = new AbortController().signal;
const READY_MS = 15_000;

function fixture(name: string): object {
  return { command: process.execPath, args: [join(import.meta.dirname, "..", "fixtures", `stdio-${name}.mjs`)] };
}

describe("the link between a gateway and mcpd", () => {
  let rest: Rest;
  const dispatcher = createDispatcher();
  beforeAll(async () => {
    rest = await startRest(undefined);
    for (const name of ["echo", "modern"]) await createServer(name, fixture(name));
  });
  afterAll(async () => {
    await dispatcher.destroy();
    await rest?.[Symbol.asyncDispose]();
  });

  const createServer = (name: string, spec: object) =>
    rest.send("POST", "/api/v1/servers", { kind: "Server", metadata: { name }, spec });
  const createProject = (name: string, spec: object) =>
    rest.send("POST", "/api/v1/projects", { kind: "Project", metadata: { name }, spec });

  let minted = 0;
  /** A token of a project, and the gateway's connection to a server under it. */
  async function open(project: string, server: string): Promise<{ upstream: Upstream; bearer: string; token: string }> {
    const name = `token-${(minted += 1)}`;
    const token = { kind: "McpToken", metadata: { name, project }, spec: {} };
    const { body } = await rest.send("POST", "/api/v1/mcptokens", token);
    const bearer = String(body["token"]);
    const controlPlane = createHttpControlPlane({ mcpdUrl: rest.url, dispatcher });
    const { servers } = await controlPlane.discover(project, bearer);
    const found = servers.find((one) => one.name === server);
    if (!found) throw new Error(`no server ${server}`);
    const upstream = controlPlane.openUpstream(found, { bearer, capabilities: {} });
    onTestFinished(() => upstream.close());
    return { upstream, bearer, token: name };
  }

  async function call(upstream: Upstream, name: string, args: object = {}): Promise<string> {
    const { json } = await upstream.request("tools/call", { name, arguments: args }, { signal: NEVER });
    const value = JSON.parse(Buffer.from(json).toString()) as { content?: { text: string }[]; message?: string };
    return value.content?.[0]?.text ?? value.message ?? "";
  }

  /** Links that mcpd has opened so far. */
  async function countLinks(): Promise<number> {
    const { body } = await rest.send("GET", "/metrics");
    const [, count = "0"] = /route="[^"]*\/mcp"[^}]*status="101"[^}]*\} (\d+)/.exec(String(body["text"])) ?? [];
    return Number(count);
  }

  it.each(["echo", "modern"])("carries calls to %s, and everything else that the relay carries", async (server) => {
    await createProject(`all-${server}`, { servers: [server] });
    const before = await countLinks();
    const { upstream } = await open(`all-${server}`, server);
    expect(await call(upstream, "echo", { text: "hä" })).toBe("hä");
    const list = await upstream.request("tools/list", {}, { signal: NEVER });
    expect(Buffer.from(list.json).toString()).toContain('"echo"');
    let changes = 0;
    upstream.onChange(() => (changes += 1));
    await call(upstream, "grow");
    expect(changes).toBe(1);
    expect(await countLinks()).toBe(before + 1);
  });

  it("lets 200 calls pass at once, and results of 5 MB", async () => {
    await createProject("many", { servers: ["echo"] });
    const { upstream } = await open("many", "echo");
    const slow = call(upstream, "ask");
    const texts = Array.from({ length: 200 }, (_, index) => `text ${index}`);
    expect(await Promise.all(texts.map((text) => call(upstream, "echo", { text })))).toEqual(texts);
    await slow;
    expect(await call(upstream, "large", { bytes: 5_000_000 })).toHaveLength(5_000_000);
  });

  it("gives each caller the own result, when the memory of long ones is used again", async () => {
    await createProject("reuse", { servers: ["echo"] });
    const { upstream } = await open("reuse", "echo");
    let released = 0;
    const ask = async (text: string) => {
      const params = { name: "echo", arguments: { text } };
      const { json, release } = await upstream.request("tools/call", params, { signal: NEVER });
      // Whoever sends the bytes reads them later than others get theirs.
      await sleep(text.length % 7);
      const said = Buffer.from(json).toString();
      release?.();
      if (release) released += 1;
      return said.includes(JSON.stringify(text)) ? "own" : said.slice(0, 80);
    };
    for (let round = 0; round < 6; round += 1) {
      const texts = Array.from({ length: 20 }, (_, index) =>
        `${round}/${index} `.repeat(1 + ((index * 3) % 20) * 1_000),
      );
      expect(await Promise.all(texts.map(ask))).toEqual(texts.map(() => "own"));
    }
    expect(released).toBeGreaterThan(50);
  });

  it("judges the next call by the policy that was committed last", async () => {
    await createProject("policy", { servers: ["echo"] });
    const { upstream } = await open("policy", "echo");
    expect(await call(upstream, "echo", { text: "allowed" })).toBe("allowed");
    const { body } = await rest.send("GET", "/api/v1/projects/policy");
    const spec = { ...body["spec"], tools: { deny: ["echo__echo"] } };
    expect((await rest.send("PUT", "/api/v1/projects/policy", { ...body, spec })).status).toBe(200);
    expect(await call(upstream, "echo")).toBe("Unknown tool: echo");
    expect(await call(upstream, "received")).toContain("tools/call");
  });

  it("refuses the next call of a revoked token, and ends under it", async () => {
    await createProject("revoked", { servers: ["echo"] });
    const { upstream, token } = await open("revoked", "echo");
    await call(upstream, "echo");
    const hanging = call(upstream, "hang");
    await call(upstream, "echo");
    expect((await rest.send("POST", `/api/v1/mcptokens/${token}/revoke?project=revoked`)).status).toBe(200);
    const refused = "No valid bearer token was sent";
    expect(await call(upstream, "echo")).toBe(refused);
    expect(await hanging).toBe(refused);
    await vi.waitFor(() => expect(call(upstream, "echo")).rejects.toMatchObject({ message: refused }));
  });

  it.each(["leaves the project", "is deleted"])("ends when its server %s", async (event) => {
    const name = event.replaceAll(" ", "-");
    await createServer(name, fixture("echo"));
    await createProject(`without-${name}`, { servers: [name] });
    const { upstream } = await open(`without-${name}`, name);
    await vi.waitFor(() => call(upstream, "echo"), READY_MS);
    const { body } = await rest.send("GET", `/api/v1/projects/without-${name}`);
    const spec = { ...body["spec"], servers: [] };
    await rest.send("PUT", `/api/v1/projects/without-${name}`, { ...body, spec });
    if (event === "is deleted") expect((await rest.send("DELETE", `/api/v1/servers/${name}`)).status).toBe(200);
    expect(await call(upstream, "echo")).toContain("not found");
    await vi.waitFor(() => expect(call(upstream, "echo")).rejects.toMatchObject({ code: "upstream-unavailable" }));
  });

  it("fails the calls of a server that dies, and goes on with the next one", async () => {
    await createServer("mortal", fixture("echo"));
    await createProject("mortal", { servers: ["mortal"] });
    const { upstream } = await open("mortal", "mortal");
    await vi.waitFor(() => call(upstream, "echo"), READY_MS);
    const pid = Number(await call(upstream, "pid"));
    const hanging = call(upstream, "hang");
    await call(upstream, "echo");
    process.kill(pid, "SIGKILL");
    expect(await hanging).toContain('Server "mortal" was ended by SIGKILL');
    expect(await call(upstream, "echo", { text: "back" })).toBe("back");
  });

  describe("asked for by hand", () => {
    const path = API.relay("by-hand", "echo");
    beforeAll(() => createProject("by-hand", { servers: ["echo"] }));

    function ask(target: string, headers: Record<string, string>, method = "GET") {
      const request = sendRequest(new URL(target, rest.url), { method, headers, agent: false });
      request.on("upgrade", (response, socket) => {
        socket.destroy();
        request.emit("response", response);
      });
      request.end();
      return once(request, "response").then(([response]) => ({
        status: response.statusCode as number,
        type: (response.headers["content-type"] as string | undefined)?.split(";")[0],
        protocol: response.headers["upgrade"] as string | undefined,
      }));
    }
    const asking = (bearer: string) => ({
      connection: "Upgrade",
      upgrade: RELAY_LINK,
      authorization: `Bearer ${bearer}`,
    });

    it("is announced by 101", async () => {
      const answer = { status: 101, type: undefined, protocol: RELAY_LINK };
      expect(await ask(path, asking(rest.admin))).toEqual(answer);
    });

    it("is refused like any request, by a problem", async () => {
      const problem = { type: "application/problem+json", protocol: undefined };
      expect(await ask(path, asking("nonsense"))).toEqual({ ...problem, status: 401 });
      expect(await ask(API.relay("by-hand", "nope"), asking(rest.admin))).toEqual({ ...problem, status: 404 });
      const { bearer } = await open("all-echo", "echo");
      expect(await ask(path, asking(bearer))).toEqual({ ...problem, status: 404 });
      expect(await ask("/nowhere", asking(rest.admin))).toEqual({ ...problem, status: 404 });
    });

    it("ignores what another protocol asks for", async () => {
      const headers = { ...asking(rest.admin), upgrade: "h2c" };
      expect((await ask(path, headers)).status).toBe(405);
      expect((await ask("/version", headers)).status).toBe(200);
    });

    it("has no link to a server elsewhere", async () => {
      await createServer("remote", { url: "http://127.0.0.1:9/mcp" });
      await createProject("elsewhere", { servers: ["remote"] });
      const answer = await ask(API.relay("elsewhere", "remote"), asking(rest.admin));
      expect(answer.status).not.toBe(101);
    });
  });

  it("does not keep mcpd from stopping", async () => {
    const other = await startRest(undefined);
    const spec = fixture("echo");
    await other.send("POST", "/api/v1/servers", { kind: "Server", metadata: { name: "echo" }, spec });
    const project = { kind: "Project", metadata: { name: "p" }, spec: { servers: ["echo"] } };
    await other.send("POST", "/api/v1/projects", project);
    const { hostname, port } = new URL(other.url);
    const socket = connect(Number(port), hostname).on("error", () => {});
    const head = `GET ${API.relay("p", "echo")} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${other.admin}\r\n`;
    socket.write(`${head}Connection: Upgrade\r\nUpgrade: ${RELAY_LINK}\r\n\r\n`);
    let heard = "";
    socket.on("data", (chunk) => (heard += String(chunk)));
    await vi.waitFor(() => expect(heard).toContain("101 Switching"), READY_MS);
    socket.write('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hang"}}\n');
    await sleep(100);
    const ended = once(socket, "close");
    await other[Symbol.asyncDispose]();
    await ended;
    expect(heard).toContain('"message":"mcpd is stopping"');
  }, 60_000);
});
