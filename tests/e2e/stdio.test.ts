import { once } from "node:events";
import { spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { descendantsOf, eventually, living } from "../support/processes.ts";
import { built, cleanEnv, remember, start } from "../support/programs.ts";
import { ERAS, textOf } from "./support/client.ts";
import { type LoneControlPlane, startControlPlane } from "./support/control-plane.ts";
import { type Command, connectOnStdio, type RawClient, startRaw } from "./support/stdio-client.ts";
import { verifies } from "./support/verifies.ts";

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};
const WITHIN_MS = 2_000;

describe("on STDIO", () => {
  let controlPlane: LoneControlPlane;
  beforeAll(async () => {
    controlPlane = await startControlPlane();
    // The server takes a moment to start.
    await using client = startRaw(mcpctl());
    await client.initialize();
    await eventually(() => echoes(client, "ready"), "the server answers", 30_000);
  });
  afterAll(() => controlPlane?.[Symbol.asyncDispose]());

  const mcpctl = (): Command => ({ script: built("mcpctl"), args: ["mcp", "-p", "demo"], env: controlPlane.env });

  /** The program by itself knows where mcpd is from the login. */
  const mcplocal = (): Command => {
    const { MCPCTL_SERVER: _server, ...env } = controlPlane.env;
    return { script: built("mcplocal"), args: ["--project", "demo"], env };
  };

  let calls = 0;
  async function echoes(client: RawClient, text: string): Promise<boolean> {
    calls += 1;
    const answer = await client.ask(`call-${calls}`, "tools/call", { name: "echo__echo", arguments: { text } });
    return answer.result?.content[0].text === text;
  }

  verifies("stdio:both-eras", async () => {
    for (const command of [mcpctl(), mcplocal()]) {
      for (const era of ERAS) {
        await using client = await connectOnStdio(command, era);
        expect((await client.listTools()).tools.map(({ name }) => name)).toContain("echo__echo");
        const result = await client.callTool({ name: "echo__echo", arguments: { text: `hello ${era}` } });
        expect(textOf(result)).toBe(`hello ${era}`);
      }
    }
  });

  verifies("stdio:handshakes", async () => {
    const discover = (client: RawClient) => client.ask("discover", "server/discover", { _meta: META });
    await using modern = startRaw(mcpctl());
    expect((await discover(modern)).result.supportedVersions).toContain("2026-07-28");
    expect((await modern.ask("list", "tools/list", { _meta: META })).result.resultType).toBe("complete");

    await using both = startRaw(mcpctl());
    expect((await discover(both)).result.resultType).toBe("complete");
    expect((await both.initialize()).result.protocolVersion).toBe("2025-11-25");
    both.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
    expect((await both.ask("list", "tools/list")).result).not.toHaveProperty("resultType");
    expect(await echoes(both, "after both")).toBe(true);

    await using legacy = startRaw(mcpctl());
    expect((await legacy.initialize()).result.protocolVersion).toBe("2025-11-25");
    expect(await echoes(legacy, "without a probe")).toBe(true);
  });

  verifies("stdio:pure", async () => {
    await using client = startRaw(mcpctl());
    client.write('what?\n[]\n{"jsonrpc":"2.0","id":1}\n\u0000\n');
    client.write(`${"x".repeat(5_000_000)}\n`);
    expect((await client.initialize()).result).toBeDefined();
    expect(await echoes(client, "line\nfeeds")).toBe(true);
    const codes = client.lines.slice(0, 5).map((line) => JSON.parse(line).error.code);
    expect(codes).toEqual([-32700, -32600, -32600, -32700, -32600]);
    for (const line of client.lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: "2.0" });
    client.closeInput();
    expect(await client.ended).toBe(0);
  });

  verifies("stdio:same-list", async () => {
    const { stdout: token } = await controlPlane.mcpctl(["create", "mcptoken", "lister", "-p", "demo"]);
    const overHttp = async (): Promise<string> => {
      await using gateway = start(built("mcplocal-serve"), ["--listen", "127.0.0.1:0", "--mcpd-url", controlPlane.api]);
      const [url] = /http:\/\/\S+/.exec(await gateway.line((line) => line.includes("http://"))) ?? [];
      const response = await fetch(`${url}/mcp`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${token.trim()}`,
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          "mcp-protocol-version": "2026-07-28",
          "mcp-method": "tools/list",
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: { _meta: META } }),
      });
      return toolsIn(await response.text());
    };
    const overStdio = async (command: Command): Promise<string> => {
      await using client = startRaw(command);
      await client.ask(1, "tools/list", { _meta: META });
      return toolsIn(client.lines.at(-1));
    };
    const lists = [await overStdio(mcpctl()), await overStdio(mcplocal()), await overHttp(), await overHttp()];
    expect(lists[0]).toContain("echo__echo");
    expect(new Set(lists).size).toBe(1);
  });

  verifies("stdio:end", async () => {
    const endsSoon = async (client: RawClient, end: () => void): Promise<void> => {
      await client.initialize();
      expect(await echoes(client, "alive")).toBe(true);
      // Under way when the end comes.
      client.write(callOf("hang"));
      expect(await descendantsOf(client.pid)).toEqual([]);
      const startedAt = performance.now();
      end();
      expect(await client.ended).toBe(0);
      expect(performance.now() - startedAt).toBeLessThan(WITHIN_MS);
      expect(await living([client.pid])).toEqual([]);
    };
    for (const command of [mcpctl(), mcplocal()]) {
      await using atEof = startRaw(command);
      await endsSoon(atEof, () => atEof.closeInput());
      await using bySignal = startRaw(command);
      await endsSoon(bySignal, () => bySignal.kill("SIGTERM"));
      await expectEndWithParent(command);
    }
    await using deaf = startRaw(mcpctl());
    await deaf.initialize();
    expect(await echoes(deaf, "alive")).toBe(true);
    deaf.stopReading();
    const params = { name: "echo__large", arguments: { bytes: 3_000_000 } };
    deaf.write(`${JSON.stringify({ jsonrpc: "2.0", id: "unread", method: "tools/call", params })}\n`);
    await sleep(500);
    deaf.write(callOf("echo"));
    const startedAt = performance.now();
    deaf.closeInput();
    expect(await deaf.exited).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(WITHIN_MS);
  });

  verifies("stdio:audit", async () => {
    {
      await using client = startRaw(mcpctl());
      await client.initialize();
      expect(await echoes(client, "recorded")).toBe(true);
      // Written down, but not yet brought to mcpd.
      await sleep(300);
      client.kill("SIGKILL");
      await client.ended;
    }
    await using next = startRaw(mcpctl());
    await next.initialize();
    const recorded = async () => (await trailOf("admin")).filter(({ verb }) => verb === "tools/call");
    await eventually(async () => (await recorded()).length >= calls, "every call is in the trail");
    const [row] = await recorded();
    expect(row).toMatchObject({ principal: "User:admin", user: "admin", project: "demo", server: "echo" });
  });

  verifies("stdio:rights", async () => {
    const stdin = "a long enough password\n";
    const home = {
      MCPCTL_CONFIG_DIR: join(controlPlane.dir, "alice"),
      MCPCTL_STATE_DIR: join(controlPlane.dir, "kept"),
    };
    await controlPlane.mcpctl(["create", "user", "alice", "--password-stdin"], { stdin });
    const grant = ["create", "rbac", "alice", "--subject", "User:alice", "--roleBindings"];
    await controlPlane.mcpctl([...grant, "role:run,resource:projects,name:demo"]);
    await controlPlane.mcpctl(["create", "project", "other", "--server", "echo"]);
    const login = await controlPlane.mcpctl(["login", "--user", "alice", "--password-stdin"], { stdin, env: home });
    expect(login).toMatchObject({ exitCode: 0 });
    const ofAlice = (project: string): Command => ({
      ...mcpctl(),
      args: ["mcp", "-p", project],
      env: { ...controlPlane.env, ...home },
    });
    {
      await using client = startRaw(ofAlice("demo"));
      await client.initialize();
      expect(await echoes(client, "allowed")).toBe(true);
      await sleep(1_500);
      client.closeInput();
      expect(await client.ended).toBe(0);
    }
    expect(await trailOf("alice")).toEqual([]);
    expect(await everythingIn(home.MCPCTL_STATE_DIR)).toContain('"user":"alice"');
    await using stranger = startRaw(ofAlice("other"));
    expect((await stranger.initialize()).error.data.code).toBe("not-found");
    expect(await trailOf("alice")).toMatchObject([{ decision: "deny", verb: "use", project: "other" }]);
  });

  verifies("stdio:login", async () => {
    await controlPlane.mcpctl(["logout"]);
    await using client = startRaw(mcpctl());
    const refused = await client.initialize();
    expect(refused.error.data).toEqual({ code: "unauthenticated", hint: "Log in with: mcpctl login" });
    await controlPlane.login();
    expect((await client.ask("again", "tools/list", { _meta: META })).result.tools).not.toEqual([]);
    const wrong = startRaw({ ...mcpctl(), args: ["mcp"] });
    expect(await wrong.ended).toBe(2);
    expect(wrong.stderr()).toContain("No project is given");
    expect(wrong.lines).toEqual([]);
    const noDirectory = { ...mcpctl().env, MCPCTL_STATE_DIR: process.execPath };
    const nowhere = startRaw({ ...mcpctl(), env: noDirectory });
    expect(await nowhere.ended).toBe(2);
    expect(nowhere.stderr()).toContain("MCPCTL_STATE_DIR");
  });

  verifies("stdio:restart", async () => {
    await using client = startRaw(mcpctl());
    await client.initialize();
    expect(await echoes(client, "before")).toBe(true);
    await controlPlane.kill();
    await controlPlane.startAgain();
    // Who has looked at the server in between believes for some seconds that it is away.
    await eventually(() => echoes(client, "next"), "the next calls are answered", 10_000);
    await controlPlane.kill();
    const meanwhile = await client.ask("meanwhile", "tools/call", { name: "echo__echo", arguments: {} });
    expect(meanwhile.error.data.code).toMatch(/^(upstream-)?unavailable$/);
    await controlPlane.startAgain();
    await eventually(() => echoes(client, "after"), "the server answers again", 30_000);
    client.closeInput();
    expect(await client.ended).toBe(0);
  });

  verifies("stdio:offline", async () => {
    const listed = async (client: RawClient, id: string) => (await client.ask(id, "tools/list")).result;
    let known;
    {
      await using client = startRaw(mcpctl());
      await client.initialize();
      await eventually(() => echoes(client, "ready"), "the server answers", 30_000);
      known = await listed(client, "list");
      client.closeInput();
      await client.ended;
    }
    await controlPlane.kill();
    await using client = startRaw(mcpctl());
    expect((await client.initialize()).result.instructions).toContain("mcpd cannot be reached");
    const offline = await listed(client, "offline");
    expect(offline.tools).toEqual(known.tools);
    expect(offline._meta["mcpctl.io/conditions"]).toMatchObject([{ server: "mcpd", code: "unavailable" }]);
    const refused = await client.ask("refused", "tools/call", { name: "echo__echo", arguments: {} });
    expect(refused.error.data.code).toBe("unavailable");
    await controlPlane.startAgain();
    await eventually(() => echoes(client, "back"), "calls are answered", 30_000);
    await eventually(async () => {
      calls += 1;
      return (await listed(client, `online-${calls}`))._meta === undefined;
    }, "nothing is missing any more");
    expect((await listed(client, "online")).tools).toEqual(known.tools);
  });

  /** Except what everybody does in order to be there. */
  async function trailOf(user: string): Promise<{ verb: string }[]> {
    const { stdout } = await controlPlane.mcpctl(["get", "audit", "--user", user, "-o", "json"]);
    const { items } = JSON.parse(stdout) as { items: { verb: string }[] };
    return items.filter(({ verb }) => verb !== "login");
  }

  /** The pipe stays open when the parent dies: whoever has started that holds the other end. */
  async function expectEndWithParent({ script, args, env }: Command): Promise<void> {
    const program = `
      const { spawn } = require("node:child_process");
      const child = spawn(process.execPath, process.argv.slice(1), { stdio: "inherit" });
      process.stderr.write("child " + child.pid + "\\n");
    `;
    const parent = remember(
      spawn(process.execPath, ["-e", program, script, ...args], {
        env: cleanEnv(env),
        stdio: ["pipe", "pipe", "pipe"],
      }),
    );
    parent.stdout.resume();
    parent.stdin.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
    const [said] = await once(parent.stderr, "data");
    const pid = Number(/child (\d+)/.exec(String(said))?.[1]);
    await once(parent.stdout, "data");
    expect(await living([pid])).toEqual([pid]);
    parent.kill("SIGKILL");
    await eventually(async () => (await living([pid])).length === 0, "it ends with its parent", 4_000);
    parent.stdin.destroy();
  }
});

async function everythingIn(directory: string): Promise<string> {
  const names = await readdir(directory, { recursive: true });
  const files = names.filter((name) => name.endsWith(".jsonl"));
  return (await Promise.all(files.map((name) => readFile(join(directory, name), "utf8")))).join("");
}

function callOf(name: string): string {
  const params = { name: `echo__${name}`, arguments: {} };
  return `${JSON.stringify({ jsonrpc: "2.0", id: name, method: "tools/call", params })}\n`;
}

function toolsIn(line: string | undefined): string {
  return /"tools":(\[.*\])[,}]/.exec(line ?? "")?.[1] ?? "";
}
