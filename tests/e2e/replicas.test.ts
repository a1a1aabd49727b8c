import { join } from "node:path";
import { createApiClient } from "../../src/shared/src/api/client.ts";
import { projects } from "../../src/shared/src/kinds/projects.ts";
import { servers } from "../../src/shared/src/kinds/servers.ts";
import { describe, expect } from "vitest";
import { findFreePort } from "../support/free-port.ts";
import { built, type Running, start } from "../support/programs.ts";
import { connect, ERAS, textOf } from "./support/client.ts";
import { startRoundRobin } from "./support/round-robin.ts";
import { temporaryDir } from "./support/stack.ts";
import { verifies } from "./support/verifies.ts";

const PASSWORD = "correct horse battery staple";
const ECHO = join(import.meta.dirname, "..", "fixtures", "stdio-echo.mjs");

async function addressOf(program: Running): Promise<string> {
  const [url = ""] = /http:\/\/[^\s/]+/.exec(await program.line((line) => line.includes("http://"))) ?? [];
  return url;
}

/** A control plane with a project of one server over stdio, and no gateway yet. */
async function startControlPlane(dir: string) {
  const args = ["--listen", "127.0.0.1:0", "--data-dir", join(dir, "data"), "--log-level", "warn"];
  await using cleanup = new AsyncDisposableStack();
  const mcpd = cleanup.use(start(built("mcpd"), args, { MCPD_ADMIN_PASSWORD: PASSWORD }));
  const baseUrl = await addressOf(mcpd);
  const { token: session } = await createApiClient({ baseUrl }).login("admin", PASSWORD);
  const api = createApiClient({ baseUrl, token: session });
  const server = { kind: "Server", metadata: { name: "echo" }, spec: { command: process.execPath, args: [ECHO] } };
  await api.apply(servers, server, { fieldManager: "test" });
  const project = { kind: "Project", metadata: { name: "demo" }, spec: { servers: ["echo"] } };
  await api.apply(projects, project, { fieldManager: "test" });
  const wanted = { kind: "McpToken", metadata: { name: "agent", project: "demo" }, spec: {} };
  const { token } = await api.createMcpToken(wanted);
  const running = cleanup.move();
  const startGateway = (listen = "127.0.0.1:0") =>
    start(built("mcplocal-serve"), ["--listen", listen, "--mcpd-url", baseUrl, "--log-level", "error"]);
  return { token, startGateway, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

async function rawList(url: string, token: string): Promise<string> {
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "raw", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const response = await fetch(`${url}/mcp`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/list",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: { _meta: meta } }),
  });
  return response.text();
}

describe("several gateways", () => {
  verifies("gateway:replicas", async () => {
    await using dir = await temporaryDir();
    await using plane = await startControlPlane(dir.path);
    await using one = plane.startGateway();
    await using other = plane.startGateway();
    const origins = [await addressOf(one), await addressOf(other)];
    await using proxy = await startRoundRobin(origins);
    for (const era of ERAS) {
      await using client = await connect(`${proxy.url}/mcp`, plane.token, era, { elicitation: {} });
      for (let turn = 0; turn < 6; turn += 1) {
        expect((await client.listTools()).tools.length).toBeGreaterThan(10);
        const answer = await client.callTool({ name: "echo__echo", arguments: { text: `turn ${turn}` } });
        expect(textOf(answer)).toContain(`turn ${turn}`);
      }
    }
    expect(Math.min(...proxy.counts)).toBeGreaterThan(10);
    const [first, second] = await Promise.all(origins.map((origin) => rawList(origin, plane.token)));
    expect(first).toContain("echo__echo");
    expect(second).toBe(first);
  });

  verifies("gateway:session-survives", async () => {
    await using dir = await temporaryDir();
    await using plane = await startControlPlane(dir.path);
    const listen = `127.0.0.1:${await findFreePort()}`;
    const messages: string[] = [];
    {
      await using first = plane.startGateway(listen);
      const url = `${await addressOf(first)}/mcp`;
      await using client = await connect(url, plane.token, "legacy");
      await client.callTool({ name: "echo__echo", arguments: { text: "before" } });
      await first.end("SIGKILL");
      await expect(client.callTool({ name: "echo__echo", arguments: { text: "lost" } })).rejects.toThrow();
      await using second = plane.startGateway(listen);
      await addressOf(second);
      const answer = await client.callTool({ name: "echo__echo", arguments: { text: "after" } });
      expect(textOf(answer)).toContain("after");
      const received = textOf(await client.callTool({ name: "echo__received", arguments: {} }));
      const calls = JSON.parse(received) as { method: string; params?: { arguments?: { text?: string } } }[];
      for (const { method, params } of calls) {
        if (method === "tools/call" && params?.arguments?.text !== undefined) messages.push(params.arguments.text);
      }
    }
    expect(messages).toEqual(["before", "after"]);
  });
});
