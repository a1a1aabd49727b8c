import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { startPostgres } from "../support/postgres.ts";
import { connect, ERAS, textOf } from "./support/client.ts";
import { eventually, processesNaming } from "../support/processes.ts";
import { built, run, start } from "../support/programs.ts";
import { type Stack, startStack, temporaryDir } from "./support/stack.ts";
import { verifies } from "./support/verifies.ts";

const postgres = await startPostgres();
afterAll(() => postgres[Symbol.asyncDispose]());

/** What a request without an MCP client gets. */
async function post(
  url: string,
  authorization?: string,
): Promise<{ status: number; challenge: string | null; body: string }> {
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  const response = await fetch(url, {
    method: "POST",
    headers: authorization === undefined ? headers : { ...headers, authorization },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: {} }),
  });
  return { status: response.status, challenge: response.headers.get("www-authenticate"), body: await response.text() };
}

describe.each(["pglite", "postgresql"] as const)("the gateway, with %s", (engine) => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ databaseUrl: engine === "postgresql" ? await postgres.createDatabase() : undefined });
  });
  afterAll(() => stack?.[Symbol.asyncDispose]());

  verifies("gateway:both-eras", async () => {
    for (const era of ERAS) {
      await using client = await connect(stack.up.gateway, stack.up.token, era);
      const names = (await client.listTools()).tools.map(({ name }) => name);
      expect(names).toEqual(names.toSorted());
      expect(names).toEqual(expect.arrayContaining(["everything__echo", "files__list_allowed_directories"]));
      const echo = await client.callTool({ name: "everything__echo", arguments: { message: `in the ${era} era` } });
      expect(textOf(echo)).toContain(`in the ${era} era`);
      const files = await client.callTool({ name: "files__list_allowed_directories", arguments: {} });
      expect(textOf(files)).toContain("docs");
      await expect(client.callTool({ name: "everything__nope", arguments: {} })).rejects.toThrow(
        "Unknown tool: everything__nope",
      );
    }
  });

  verifies("gateway:401", async () => {
    const { stdout: minted } = await stack.mcpctl(["create", "mcptoken", "short-lived", "-p", "demo"]);
    const token = minted.trim();
    expect((await post(stack.up.gateway, `Bearer ${token}`)).status).not.toBe(401);
    expect(await stack.mcpctl(["revoke", "mcptoken", "short-lived", "-p", "demo"])).toMatchObject({ exitCode: 0 });
    await eventually(
      async () => (await post(stack.up.gateway, `Bearer ${token}`)).status === 401,
      "the revoked token is refused",
      6_000,
    );

    const wrong = `${token.slice(0, -1)}${token.endsWith("x") ? "y" : "x"}`;
    const answers = await Promise.all([
      post(stack.up.gateway),
      post(stack.up.gateway, "Bearer nonsense"),
      post(stack.up.gateway, `Bearer ${wrong}`),
      post(stack.up.gateway, `Bearer ${token}`),
      post(stack.up.gateway, `Bearer ${stack.up.session}`),
    ]);
    const [first] = answers;
    expect(first).toMatchObject({ status: 401, challenge: expect.stringMatching(/^Bearer\b/) });
    expect(first?.challenge).not.toContain("resource_metadata");
    for (const answer of answers) expect(answer).toEqual(first);
  });

  verifies("gateway:404", async () => {
    expect(await stack.mcpctl(["create", "project", "other", "--server", "files"])).toMatchObject({ exitCode: 0 });
    const { stdout: minted } = await stack.mcpctl(["create", "mcptoken", "of-other", "-p", "other"]);
    const endpoint = (project: string) => new URL(`/projects/${project}/mcp`, stack.up.gateway).href;
    expect((await post(endpoint("demo"), `Bearer ${minted.trim()}`)).status).toBe(404);
    const missing = await post(endpoint("missing"), `Bearer ${minted.trim()}`);
    expect(missing.status).toBe(404);
    await using client = await connect(endpoint("other"), minted.trim(), "modern");
    const names = (await client.listTools()).tools.map(({ name }) => name);
    expect(names.length).toBeGreaterThan(0);
    expect(names.every((name) => name.startsWith("files__"))).toBe(true);
  });

  verifies("cli:apply-to-call", async () => {
    await mkdir(join(stack.dir, "offered"), { recursive: true });
    const file = await stack.write(
      "design.yaml",
      `apiVersion: mcpctl.io/v1
kind: Server
metadata: { name: local-files }
spec:
  package: { npm: "@modelcontextprotocol/server-filesystem", version: "2026.8.31" }   # or command:, url:
  args: [ ${JSON.stringify(join(stack.dir, "offered"))} ]
  env: [ { name: LOG_LEVEL, value: info } ]
---
apiVersion: mcpctl.io/v1
kind: Project
metadata: { name: local }
spec: { servers: [ local-files ], naming: transparent, proxyModel: default }
`,
    );
    expect(await stack.mcpctl(["apply", "-f", file])).toMatchObject({
      exitCode: 0,
      stdout: "server/local-files created\nproject/local created\n",
    });
    const { stdout: minted, exitCode } = await stack.mcpctl([
      "create",
      "mcptoken",
      "agent",
      "-p",
      "local",
      "--ttl",
      "1h",
    ]);
    expect(exitCode).toBe(0);
    expect(minted).toMatch(/^mcpctl_pat_[0-9A-Za-z]{43}\n$/);
    for (const era of ERAS) {
      await using client = await connect(new URL("/mcp", stack.up.gateway).href, minted.trim(), era);
      const result = await client.callTool({ name: "list_allowed_directories", arguments: {} });
      expect(textOf(result)).toContain("offered");
    }
  });

  verifies("cli:delete", async () => {
    expect(await stack.mcpctl(["create", "project", "doomed", "--server", "files"])).toMatchObject({ exitCode: 0 });
    const { stdout: minted } = await stack.mcpctl(["create", "mcptoken", "orphan", "-p", "doomed"]);
    expect(await stack.mcpctl(["delete", "project", "doomed"])).toMatchObject({ exitCode: 0 });
    expect((await stack.mcpctl(["get", "mcptokens", "-o", "name"])).stdout).not.toContain("orphan");
    const mcp = new URL("/mcp", stack.up.gateway).href;
    await eventually(
      async () => (await post(mcp, `Bearer ${minted.trim()}`)).status === 401,
      "the orphan is refused",
      6_000,
    );
  });
});

describe.each(["pglite", "postgresql"] as const)("two processes, with %s", (engine) => {
  verifies("gateway:separate", async () => {
    await using dir = await temporaryDir();
    const database = engine === "postgresql" ? ["--database-url", await postgres.createDatabase()] : [];
    const password = "correct horse battery staple";
    const root = join(import.meta.dirname, "..", "..", "src", "up");
    await using mcpd = start(
      built("mcpd"),
      ["--listen", "127.0.0.1:0", "--data-dir", join(dir.path, "data"), ...database],
      {
        MCPD_ADMIN_PASSWORD: password,
        MCPD_PACKAGE_ROOTS: root,
      },
    );
    const api = (await mcpd.line((line) => line.startsWith("mcpd listens on "))).replace("mcpd listens on ", "");
    await using gateway = start(built("mcplocal-serve"), ["--listen", "127.0.0.1:0", "--mcpd-url", api]);
    const said = await gateway.line((line) => line.includes("http://"));
    const [url = ""] = /http:\/\/[^\s/]+/.exec(said) ?? [];

    const env = { MCPCTL_SERVER: api, MCPCTL_CONFIG_DIR: join(dir.path, "config") };
    const login = await run(built("mcpctl"), ["login", "--user", "admin", "--password-stdin"], {
      env,
      stdin: `${password}\n`,
    });
    expect(login).toMatchObject({ exitCode: 0 });
    const everything = ["--npm", "@modelcontextprotocol/server-everything", "--version", "2026.8.31", "--arg", "stdio"];
    expect(await run(built("mcpctl"), ["create", "server", "everything", ...everything], { env })).toMatchObject({
      exitCode: 0,
    });
    expect(await run(built("mcpctl"), ["create", "project", "demo", "--server", "everything"], { env })).toMatchObject({
      exitCode: 0,
    });
    const { stdout: token } = await run(built("mcpctl"), ["create", "mcptoken", "agent", "-p", "demo"], { env });

    const listed = async () => {
      await using client = await connect(`${url}/mcp`, token.trim(), "modern");
      return (await client.listTools()).tools.length > 0;
    };
    await eventually(listed, "the server has started and its tools are listed", 60_000);
    for (const era of ERAS) {
      await using client = await connect(`${url}/mcp`, token.trim(), era);
      const echo = await client.callTool({ name: "everything__echo", arguments: { message: "over two hops" } });
      expect(textOf(echo)).toContain("over two hops");
    }
    const metrics = await (await fetch(`${api}/metrics`)).text();
    expect(metrics).toMatch(/route="[^"]*\/mcp",status="101"\} 1\n/);
    expect(metrics).not.toMatch(/method="POST",route="[^"]*\/:server\/mcp"/);
  });

  verifies("gateway:mcpd-restart", async () => {
    await using dir = await temporaryDir();
    const database = engine === "postgresql" ? ["--database-url", await postgres.createDatabase()] : [];
    const password = "correct horse battery staple";
    const args = ["--data-dir", join(dir.path, "data"), ...database];
    const secrets = { MCPD_ADMIN_PASSWORD: password };
    const listening = (line: string) => line.startsWith("mcpd listens on ");
    await using first = start(built("mcpd"), ["--listen", "127.0.0.1:0", ...args], secrets);
    const api = (await first.line(listening)).replace("mcpd listens on ", "");
    await using gateway = start(built("mcplocal-serve"), ["--listen", "127.0.0.1:0", "--mcpd-url", api]);
    const [url = ""] = /http:\/\/[^\s/]+/.exec(await gateway.line((line) => line.includes("http://"))) ?? [];
    const env = { MCPCTL_SERVER: api, MCPCTL_CONFIG_DIR: join(dir.path, "config") };
    await run(built("mcpctl"), ["login", "--user", "admin", "--password-stdin"], { env, stdin: `${password}\n` });
    const fixture = join(import.meta.dirname, "..", "fixtures", "stdio-echo.mjs");
    const command = ["--command", process.execPath, "--arg", fixture];
    expect(await run(built("mcpctl"), ["create", "server", "echo", ...command], { env })).toMatchObject({
      exitCode: 0,
    });
    await run(built("mcpctl"), ["create", "project", "demo", "--server", "echo"], { env });
    const { stdout: token } = await run(built("mcpctl"), ["create", "mcptoken", "agent", "-p", "demo"], { env });

    await using client = await connect(`${url}/mcp`, token.trim(), "legacy");
    const echo = (text: string) => client.callTool({ name: "echo__echo", arguments: { text } }).then(textOf);
    const answers = (text: string) => async () => (await echo(text).catch(() => "")) === text;
    await eventually(answers("before"), "the server answers", 30_000);
    await first.end("SIGKILL");
    await expect(echo("meanwhile")).rejects.toThrow();
    await using second = start(built("mcpd"), ["--listen", new URL(api).host, ...args], secrets);
    await second.line(listening);
    await eventually(answers("after"), "the server answers again", 30_000);
  });

  verifies("gateway:kill", async () => {
    await using dir = await temporaryDir();
    const database = engine === "postgresql" ? ["--database-url", await postgres.createDatabase()] : [];
    const password = "correct horse battery staple";
    const args = ["--listen", "127.0.0.1:0", "--data-dir", join(dir.path, "data"), ...database];
    await using mcpd = start(built("mcpd"), args, { MCPD_ADMIN_PASSWORD: password });
    const api = (await mcpd.line((line) => line.startsWith("mcpd listens on "))).replace("mcpd listens on ", "");
    const env = { MCPCTL_SERVER: api, MCPCTL_CONFIG_DIR: join(dir.path, "config") };
    await run(built("mcpctl"), ["login", "--user", "admin", "--password-stdin"], { env, stdin: `${password}\n` });
    const marker = join(dir.path, "a-file-that-is-not-there");
    const sleeper = ["--command", process.execPath, "--arg", "-e", "--arg", `setInterval(() => "${marker}", 1e6)`];
    expect(await run(built("mcpctl"), ["create", "server", "sleeper", ...sleeper], { env })).toMatchObject({
      exitCode: 0,
    });
    await eventually(async () => (await processesNaming(marker)).length > 0, "the server runs");
    await mcpd.end("SIGKILL");
    await eventually(async () => (await processesNaming(dir.path)).length === 0, "every process is gone");
  });
});
