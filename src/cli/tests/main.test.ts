import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { FAKE_TOKEN, startFakeApi } from "./fakes/fake-api.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const TRACE = new URL("fakes/trace-modules.mjs", import.meta.url).href;

interface Started {
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  node?: readonly string[];
}

function start({ args, env = {}, node = [] }: Started) {
  const { PATH = "" } = process.env;
  return spawn(process.execPath, [...node, MAIN, ...args], {
    env: { PATH, MCPCTL_CONFIG_DIR: "/nonexistent/mcpctl", ...env },
  });
}

async function run(started: Started, stdin = "") {
  const child = start(started);
  child.stdin.end(stdin);
  const [out, err, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { out, err, code: code as number | null, signal: signal as string | null };
}

describe("the program", () => {
  it.each([[["--help"]], [["--version"]], [["gte"]], [["create", "--help"]], [["test", "mcp", "--help"]]])(
    "loads nothing heavy for %s",
    async (args) => {
      const { err } = await run({ args, node: ["--import", TRACE] });
      const loaded = JSON.parse(err.slice(err.indexOf("["))) as string[];
      expect(loaded.some((url) => url.includes("/commander/"))).toBe(true);
      const heavy =
        /\/(zod|yaml|ajv|mcp-test)\/|\/kinds\/|\/api\/client|undici|\/@?mcpctl\/up\/|\/up\/src\/|\/mcpd\/|\/mcplocal\//;
      expect(loaded.filter((url) => heavy.test(url))).toEqual([]);
    },
  );

  it("prints undecorated text with the right exit codes", async () => {
    const version = await run({ args: ["--version"] });
    expect(version).toEqual({ out: "mcpctl 0.1.0\n", err: "", code: 0, signal: null });
    const usage = await run({ args: ["get", "servrs"], env: { FORCE_COLOR: "1" } });
    expect(usage).toMatchObject({
      out: "",
      code: 2,
      err: 'Error (invalid): Unknown kind "servrs"\nHint: Did you mean "Server"?\n',
    });
    expect(`${version.out}${usage.err}`).not.toContain("\u001b");
  });

  it("talks to a server, and reads manifests from a pipe", async () => {
    await using api = await startFakeApi();
    const env = { MCPCTL_SERVER: api.url, MCPCTL_TOKEN: FAKE_TOKEN };
    const manifest = "kind: Server\nmetadata: { name: files }\nspec: { command: node }\n";
    expect(await run({ args: ["apply", "-f", "-"], env }, manifest)).toMatchObject({
      out: "server/files created\n",
      code: 0,
    });
    expect(await run({ args: ["get", "servers", "-o", "name"], env })).toMatchObject({
      out: "server/files\n",
      err: "",
      code: 0,
    });
  });

  it("is quiet when its reader goes away", async () => {
    await using api = await startFakeApi();
    for (let at = 0; at < 3_000; at += 1)
      api.put("servers", { metadata: { name: `server-${at}` }, spec: { command: "node" } });
    const child = start({ args: ["get", "servers"], env: { MCPCTL_SERVER: api.url, MCPCTL_TOKEN: FAKE_TOKEN } });
    child.stdout.once("data", () => child.stdout.destroy());
    const [err, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);
    expect({ err, code }).toEqual({ err: "", code: 0 });
  });

  it.each(["SIGINT", "SIGTERM"] as const)("ends with 130 on %s, without a word", async (signal) => {
    let asked: () => void;
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    const server = createServer(() => asked()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const child = start({ args: ["get", "servers"], env: { MCPCTL_SERVER: url, MCPCTL_TOKEN: FAKE_TOKEN } });
    await isAsked;
    child.kill(signal);
    const [err, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);
    expect({ err, code }).toEqual({ err: "", code: 130 });
    server.closeAllConnections();
    server.close();
  });
});
