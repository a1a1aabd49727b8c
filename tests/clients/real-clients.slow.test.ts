import { join } from "node:path";
import { createMCPClient } from "@ai-sdk/mcp";
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { MCPServerStreamableHttp } from "@openai/agents";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Era, ERAS, textOf } from "../e2e/support/client.ts";
import { type Stack, startStack } from "../e2e/support/stack.ts";
import { startHttpProxy } from "../support/http-proxy.ts";
import { type Finished, run } from "../support/programs.ts";

const MODULES = join(import.meta.dirname, "..", "..", "node_modules");
const INSPECTOR = join(MODULES, "@modelcontextprotocol", "inspector", "clients", "launcher", "build", "index.js");
const MCPORTER = join(MODULES, "mcporter", "dist", "cli.js");
/** How the inspector ends when a server wants other credentials. */
const AUTHORIZATION_REQUIRED = 3;
const ECHO = "everything__echo";
const LISTED = expect.arrayContaining([ECHO, "files__list_allowed_directories"]);

/** What one client sent. */
interface Seen {
  eras: Set<Era>;
  authorizations: Set<string | undefined>;
}

describe("clients that others wrote list and call tools with a token", () => {
  const cleanup = new AsyncDisposableStack();
  let stack: Stack;
  let url: string;
  let token: string;
  let seen: Seen;

  beforeAll(async () => {
    stack = cleanup.use(await startStack());
    token = await mint("agent");
    const proxy = await startHttpProxy(stack.up.gateway, (headers) => {
      // Only the stateless revision names the method in a header.
      seen.eras.add(headers["mcp-method"] === undefined ? "legacy" : "modern");
      seen.authorizations.add(headers.authorization);
      return headers;
    });
    ({ url } = cleanup.use(proxy));
  });
  afterAll(() => cleanup.disposeAsync());

  async function mint(name: string): Promise<string> {
    const { stdout } = await stack.mcpctl(["create", "mcptoken", name, "-p", "demo"]);
    return stdout.trim();
  }

  function test(name: string, eras: readonly Era[], body: () => Promise<void>): void {
    it(`${name}, in the era ${eras.join(" and ")}`, async () => {
      seen = { eras: new Set(), authorizations: new Set() };
      await body();
      expect([...seen.eras]).toEqual(eras);
      expect([...seen.authorizations]).toEqual([`Bearer ${token}`]);
    });
  }

  /** Programs keep what they learn in the directory of this stack, not in the home of whoever runs the test. */
  function program(script: string, args: readonly string[], env = {}): Promise<Finished> {
    return run(script, args, { cwd: stack.dir, env: { HOME: stack.dir, XDG_DATA_HOME: stack.dir, ...env } });
  }

  function inspect(era: Era, bearer: string, args: readonly string[]): Promise<Finished> {
    const how = ["--transport", "http", "--protocol-era", era, "--header", `Authorization: Bearer ${bearer}`];
    return program(INSPECTOR, ["--cli", url, ...how, "--format", "json", ...args]);
  }

  describe.each(ERAS)("MCP Inspector", (era) => {
    test("lists and calls", [era], async () => {
      const list = await inspect(era, token, ["--method", "tools/list"]);
      expect(list).toMatchObject({ exitCode: 0 });
      expect(namesIn(JSON.parse(list.stdout).result)).toEqual(LISTED);
      const method = ["--method", "tools/call", "--tool-name", ECHO, "--tool-arg"];
      const call = await inspect(era, token, [...method, "message=from the inspector"]);
      expect(call).toMatchObject({ exitCode: 0 });
      expect(textOf(JSON.parse(call.stdout).result)).toContain("from the inspector");
    });

    it(`says that a token was refused, in the era ${era}`, async () => {
      const refused = await inspect(era, `${token}x`, ["--method", "tools/list"]);
      expect(refused).toMatchObject({ exitCode: AUTHORIZATION_REQUIRED, stdout: "" });
    });
  });

  test("mcporter", ["legacy"], async () => {
    const config = await stack.write(
      "mcporter.json",
      JSON.stringify({
        mcpServers: { demo: { baseUrl: url, headers: { Authorization: "Bearer ${MCP_TOKEN}" } } },
        imports: [],
      }),
    );
    const env = { MCP_TOKEN: token };
    const list = await program(MCPORTER, ["--config", config, "list", "demo", "--json"], env);
    expect(list).toMatchObject({ exitCode: 0 });
    expect(namesIn(JSON.parse(list.stdout))).toEqual(LISTED);
    const args = ["call", `demo.${ECHO}`, "message=from mcporter", "--output", "json"];
    const call = await program(MCPORTER, ["--config", config, ...args], env);
    expect(call).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("from mcporter") });
  });

  test("@ai-sdk/mcp", ["modern"], async () => {
    const headers = { Authorization: `Bearer ${token}` };
    const client = await createMCPClient({ transport: { type: "http", url, headers } });
    try {
      expect(namesIn(await client.listTools())).toEqual(LISTED);
      const called = await client.callTool({ name: ECHO, arguments: { message: "from the AI SDK" } });
      expect(JSON.stringify(called.content)).toContain("from the AI SDK");
    } finally {
      await client.close();
    }
  });

  test("@langchain/mcp-adapters", ["legacy"], async () => {
    const demo = { url, headers: { Authorization: `Bearer ${token}` }, automaticSSEFallback: false };
    const client = new MultiServerMCPClient({ mcpServers: { demo } });
    try {
      const tools = await client.getTools();
      expect(namesIn({ tools })).toEqual(LISTED);
      const echo = tools.find(({ name }) => name === ECHO);
      expect(await echo?.invoke({ message: "from LangChain" })).toContain("from LangChain");
    } finally {
      await client.close();
    }
  });

  test("@openai/agents", ["modern"], async () => {
    const requestInit = { headers: { Authorization: `Bearer ${token}` } };
    const server = new MCPServerStreamableHttp({ url, name: "demo", requestInit });
    await server.connect();
    try {
      expect(namesIn({ tools: await server.listTools() })).toEqual(LISTED);
      const content = await server.callTool(ECHO, { message: "from the Agents SDK" });
      expect(textOf({ content })).toContain("from the Agents SDK");
    } finally {
      await server.close();
    }
  });
});

function namesIn({ tools }: { tools: readonly { name: string }[] }): string[] {
  return tools.map(({ name }) => name);
}
