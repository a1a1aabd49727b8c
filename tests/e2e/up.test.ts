import { execFile } from "node:child_process";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect } from "vitest";
import { connect, ERAS, textOf } from "./support/client.ts";
import { descendantsOf, eventually, living, processesNaming } from "../support/processes.ts";
import { built, run, start } from "../support/programs.ts";
import { startStack, temporaryDir, upArgs } from "./support/stack.ts";
import { verifies } from "./support/verifies.ts";

const shell = promisify(execFile);

describe("mcpctl up", () => {
  verifies("up:json", async () => {
    await using stack = await startStack();
    expect(stack.up).toEqual({
      api: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      gateway: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/(projects\/demo\/)?mcp$/),
      project: "demo",
      token: expect.stringMatching(/^mcpctl_pat_[0-9A-Za-z]{43}$/),
      session: expect.stringMatching(/^mcpctl_ses_[0-9A-Za-z]{43}$/),
    });
    expect(stack.program.output().stdout.split("\n")).toHaveLength(1);
  });

  verifies("up:text", async () => {
    await using dir = await temporaryDir();
    await using program = start(built("mcpctl"), upArgs(dir.path));
    await program.line((line) => line.includes("Press Ctrl-C"));
    const { stdout } = program.output();
    expect(program.output().stderr).toMatch(/Administrator admin, password \S{20,}/);

    const curl = stdout.slice(stdout.indexOf("  curl -s"), stdout.indexOf("Give it to an MCP client"));
    const { stdout: listed } = await shell("sh", ["-c", curl]);
    const tools = (JSON.parse(listed) as { result: { tools: { name: string }[] } }).result.tools.map(
      ({ name }) => name,
    );
    expect(tools).toEqual(expect.arrayContaining(["everything__echo", "files__read_text_file"]));

    const config = stdout.slice(stdout.indexOf('  {\n    "mcpServers"'), stdout.indexOf("Try next"));
    const { demo } = (
      JSON.parse(config) as { mcpServers: Record<string, { url: string; headers: { Authorization: string } }> }
    ).mcpServers;
    await using client = await connect(demo?.url ?? "", demo?.headers.Authorization.replace("Bearer ", ""), "modern");
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(tools);

    const exports = Object.fromEntries(
      [...stdout.matchAll(/export (MCPCTL_\w+)=(\S+)/g)].map(([, name, value]) => [name, value]),
    );
    const env = { ...exports, MCPCTL_CONFIG_DIR: join(dir.path, "config") } as Record<string, string>;
    const commands = [
      ...stdout.matchAll(/^ {2}\S.* (get servers|describe server everything|create mcptoken my-agent .*)$/gm),
    ];
    expect(commands).toHaveLength(3);
    for (const [, args = ""] of commands) {
      expect(await run(built("mcpctl"), args.trim().split(" "), { env })).toMatchObject({ exitCode: 0 });
    }
  });

  verifies("up:again", async () => {
    await using dir = await temporaryDir();
    const first = await startStack({ dir: dir.path });
    const created = await first.mcpctl(["create", "project", "kept", "--server", "files"]);
    expect(created).toMatchObject({ exitCode: 0 });
    await first[Symbol.asyncDispose]();

    await using second = await startStack({ dir: dir.path });
    expect(await second.mcpctl(["get", "project", "kept", "-o", "name"])).toMatchObject({
      exitCode: 0,
      stdout: "project/kept\n",
    });
    expect(second.up.token).not.toBe(first.up.token);
    await expect(connect(second.up.gateway, first.up.token, "modern")).rejects.toThrow();
    const env = { MCPCTL_TOKEN: first.up.session };
    expect(await second.mcpctl(["get", "servers"], { env })).toMatchObject({ exitCode: 3 });
  });

  verifies("up:ctrl-c", async () => {
    await using stack = await startStack();
    const started = await descendantsOf(stack.program.pid);
    expect(started.length).toBeGreaterThanOrEqual(3);
    expect(await stack.program.end("SIGINT")).toBe(0);
    await eventually(async () => (await living(started)).length === 0, "every process is gone", 5_000);
  });

  verifies("up:kill", async () => {
    await using stack = await startStack();
    const started = await descendantsOf(stack.program.pid);
    expect(started.length).toBeGreaterThanOrEqual(3);
    await stack.program.end("SIGKILL");
    await eventually(async () => (await living(started)).length === 0, "every process is gone", 10_000);
  });

  verifies("up:port-in-use", async () => {
    await using dir = await temporaryDir();
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    const args = [
      "up",
      "--data-dir",
      join(dir.path, "data"),
      "--listen",
      `127.0.0.1:${port}`,
      "--gateway-listen",
      "127.0.0.1:0",
    ];
    const failed = await run(built("mcpctl"), args);
    taken.close();
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toContain(`Error (port-in-use): 127.0.0.1:${port} is in use`);
    expect(failed.stderr).toContain("Hint: ");
    // The administrator is made by then, and its password must not be lost with the failed start.
    expect(failed.stderr).toMatch(/Administrator admin, password \S{20,}/);
    expect(await processesNaming(dir.path)).toEqual([]);
  });

  verifies("up:data-dir-locked", async () => {
    await using stack = await startStack();
    const failed = await run(built("mcpctl"), upArgs(stack.dir));
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toContain("Error (data-dir-locked): ");
    expect(failed.stderr).toContain("Hint: ");
    await using client = await connect(stack.up.gateway, stack.up.token, ERAS[0]);
    const result = await client.callTool({ name: "everything__echo", arguments: { message: "still there" } });
    expect(textOf(result)).toContain("still there");
  });
});
