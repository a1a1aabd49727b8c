import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHttpControlPlane } from "../../src/mcplocal/src/control-plane/http-control-plane.ts";
import { createGateway, type Gateway } from "../../src/mcplocal/src/gateway.ts";
import { createDispatcher } from "../../src/mcplocal/src/upstreams/dispatcher.ts";
import { createLogger } from "../../src/shared/src/log.ts";
import { startModernServer } from "../fixtures/http-modern-server.ts";
import { eventually } from "../support/processes.ts";
import { type Answer, type Body, type Rest, startRest } from "../support/rest.ts";

const ECHO = { command: process.execPath, args: [join(import.meta.dirname, "..", "fixtures", "stdio-echo.mjs")] };
const VERSION = "2026-07-28";

describe("a gateway with a credential of its own", () => {
  let rest: Rest;
  let gateway: Gateway;
  let url: string;
  let remote: Awaited<ReturnType<typeof startModernServer>>;
  const tokens: Record<string, string> = {};
  const dispatcher = createDispatcher();

  beforeAll(async () => {
    rest = await startRest(undefined);
    remote = await startModernServer();
    const create = (kind: string, plural: string, name: string, spec: object) =>
      rest.send("POST", `/api/v1/${plural}`, { kind, metadata: { name }, spec });
    await create("Secret", "secrets", "remote", { data: { key: "the-key-of-the-remote-server" } });
    await create("Server", "servers", "echo", ECHO);
    const headers = [{ name: "X-Key", secretRef: { name: "remote", key: "key" } }];
    await create("Server", "servers", "remote", { url: remote.url, headers });
    for (const project of ["one", "two"]) {
      await create("Project", "projects", project, { servers: project === "one" ? ["echo", "remote"] : [] });
      const token = { kind: "McpToken", metadata: { name: "agent", project }, spec: {} };
      tokens[project] = String((await rest.send("POST", "/api/v1/mcptokens", token)).body["token"]);
    }
    const made: Answer = await create("Gateway", "gateways", "edge", {});
    gateway = createGateway({
      controlPlane: createHttpControlPlane({ mcpdUrl: rest.url, dispatcher }),
      options: { host: "127.0.0.1", port: 0, credential: String(made.body["token"]) },
      log: createLogger({ program: "mcplocal", level: "silent", write: () => {} }),
    });
    ({ url } = await gateway.listen());
  });
  afterAll(async () => {
    await gateway?.close();
    await remote?.close();
    await dispatcher.destroy();
    await rest?.[Symbol.asyncDispose]();
  });

  async function listTools(project: string, path = "/mcp"): Promise<{ status: number; body: Body }> {
    const meta = {
      "io.modelcontextprotocol/protocolVersion": VERSION,
      "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": {},
    };
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${tokens[project]}`,
        accept: "application/json, text/event-stream",
        "content-type": "application/json",
        "mcp-protocol-version": VERSION,
        "mcp-method": "tools/list",
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: { _meta: meta } }),
    });
    return { status: response.status, body: (await response.json()) as Body };
  }
  const namesIn = ({ body }: { body: Body }) =>
    ((body["result"]?.tools ?? []) as { name: string }[]).map(({ name }) => name);

  it("serves the project of each token, reaches remote servers itself, and ends with its credential", async () => {
    await eventually(
      async () => new Set(namesIn(await listTools("one")).map((name) => name.split("__")[0])).size === 2,
      "both servers are listed",
      20_000,
    );
    expect(remote.seen.map(({ headers }) => headers["x-key"])).toContain("the-key-of-the-remote-server");
    // Whoever goes through the relay is announced as mcpctl/VERSION.
    expect(remote.seen.every(({ headers }) => headers["user-agent"] === undefined)).toBe(true);
    expect(namesIn(await listTools("two"))).toEqual([]);
    expect((await listTools("two", "/projects/one/mcp")).status).toBe(404);

    await rest.send("DELETE", "/api/v1/gateways/edge");
    await eventually(async () => (await listTools("one")).status === 404, "it serves nothing any more", 15_000);
  });
});
