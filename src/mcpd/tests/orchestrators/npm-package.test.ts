import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createNpmPackages, type NpmPackagesDeps } from "../../src/orchestrators/npm-package.ts";
import { callTool, createRig, processesOf } from "./rig.ts";

const WORKSPACE = join(import.meta.dirname, "../../../up");
/** Nothing may be downloaded: the registry refuses connections. */
const OFFLINE = { ...process.env, npm_config_registry: "http://127.0.0.1:9", npm_config_fetch_retries: "0" };

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "mcpd-npm-"));
});
afterEach(() => rm(dataDir, { recursive: true }));

function packages(deps: Partial<NpmPackagesDeps> = {}) {
  return createNpmPackages({ dataDir, packageRoots: [], installEnv: OFFLINE, ...deps });
}

async function writePackage(directory: string, manifest: object): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "package.json"), JSON.stringify({ name: "tool", version: "1.2.3", ...manifest }));
}

it("tells of an installation that takes more than a second", async () => {
  const npm = join(dataDir, "bin", "npm");
  await mkdir(join(dataDir, "bin"));
  await writeFile(npm, "#!/bin/sh\nsleep 1.5\nexit 1\n", { mode: 0o755 });
  const said: string[] = [];
  const slow = packages({
    installEnv: { PATH: `${join(dataDir, "bin")}:${process.env["PATH"]}` },
    onSlowStep: (what) => said.push(what),
  });
  await expect(slow.resolve({ npm: "tool", version: "1.2.3" })).rejects.toMatchObject({ code: "upstream-unavailable" });
  expect(said).toEqual(["Installing tool@1.2.3"]);
});

describe("a package that is there already", () => {
  it.each([
    { npm: "@modelcontextprotocol/server-everything", args: [], call: ["echo", { message: "hi" }], answer: "Echo: hi" },
    {
      npm: "@modelcontextprotocol/server-filesystem",
      args: [import.meta.dirname],
      call: ["list_directory", { path: import.meta.dirname }],
      answer: "[FILE] rig.ts",
    },
  ] as const)(
    "is run from a package root without a network: $npm",
    async ({ npm, args, call: [tool, toolArgs], answer }) => {
      const program = await packages({ packageRoots: [dataDir, WORKSPACE] }).resolve({ npm, version: "2026.8.31" });
      expect(program.command).toBe(process.execPath);
      await using rig = createRig();
      const instance = await rig.run("echo", { ...program, args: [...program.args, ...args] });
      expect(instance.state.identity).toMatchObject({ era: "legacy", protocolVersion: "2025-11-25" });
      expect(instance.state.toolCount).toBeGreaterThan(5);
      expect(await callTool(instance.upstream, tool, toolArgs)).toContain(answer);
    },
  );

  it("is found behind links and behind exports that hide its package.json", async () => {
    await writePackage(join(dataDir, "store/tool"), { bin: "cli.js", exports: { ".": "./index.js" } });
    await mkdir(join(dataDir, "root/deep/node_modules"), { recursive: true });
    await mkdir(join(dataDir, "root/node_modules"), { recursive: true });
    await symlink(join(dataDir, "store/tool"), join(dataDir, "root/node_modules/tool"));
    const found = await packages({ packageRoots: [join(dataDir, "root/deep")] }).resolve({
      npm: "tool",
      version: "1.2.3",
    });
    expect(found.args).toEqual([join(dataDir, "root/node_modules/tool/cli.js")]);
  });

  it("is not taken in another version", async () => {
    await writePackage(join(dataDir, "node_modules/tool"), { bin: "cli.js" });
    await expect(
      packages({ packageRoots: [dataDir] }).resolve({ npm: "tool", version: "1.2.4" }),
    ).rejects.toMatchObject({
      code: "upstream-unavailable",
    });
  });

  it("is taken from where it was installed before", async () => {
    await writePackage(join(dataDir, "packages/tool@1.2.3/node_modules/tool"), { bin: { tool: "cli.js" } });
    const program = await packages().resolve({ npm: "tool", version: "1.2.3" });
    expect(program.args).toEqual([join(dataDir, "packages/tool@1.2.3/node_modules/tool/cli.js")]);
  });
});

describe("the executable", () => {
  async function executableOf(name: string, bin: unknown): Promise<string | undefined> {
    await writePackage(join(dataDir, "node_modules", name), { name, bin });
    const { args } = await packages({ packageRoots: [dataDir] }).resolve({ npm: name, version: "1.2.3" });
    return args[0]?.slice(join(dataDir, "node_modules", name).length);
  }

  it.each([
    ["tool", "a.js", "/a.js"],
    ["tool", { other: "./a.js" }, "/a.js"],
    ["tool", { other: "a.js", tool: "b.js" }, "/b.js"],
    ["@scope/tool", { other: "a.js", tool: "b.js" }, "/b.js"],
  ])("of %s with %j is %s", async (name, bin, path) => {
    expect(await executableOf(name, bin)).toBe(path);
  });

  it("must be clear", async () => {
    await expect(executableOf("tool", { a: "a.js", b: "b.js" })).rejects.toMatchObject({
      code: "invalid",
      message: "Package tool@1.2.3 has several executables: a, b",
    });
    await expect(executableOf("tool", undefined)).rejects.toMatchObject({
      message: "Package tool@1.2.3 has no executable",
    });
  });
});

describe("an installation", () => {
  it("happens once for all who ask at the same time, and never again", async () => {
    const npm = packages({ installEnv: process.env });
    const wanted = { npm: "semver", version: "7.6.3" };
    const [first, second] = await Promise.all([npm.resolve(wanted), npm.resolve(wanted)]);
    expect(second).toBe(first);
    const program = join(dataDir, "packages/semver@7.6.3/node_modules/semver/bin/semver.js");
    expect(first.args).toEqual([program]);
    expect(await readdir(join(dataDir, "packages"))).toEqual(["semver@7.6.3"]);
    expect(await packages().resolve(wanted)).toEqual(first);
  }, 60_000);

  it("that fails says why, and leaves nothing", async () => {
    await mkdir(join(dataDir, "packages/.installing-old"), { recursive: true });
    await expect(packages().resolve({ npm: "semver", version: "7.6.3" })).rejects.toMatchObject({
      code: "upstream-unavailable",
      message: expect.stringMatching(/^Cannot install semver@7\.6\.3: npm ended with \d+\n[^]*ECONNREFUSED/),
      hint: expect.stringContaining("npm view semver@7.6.3"),
    });
    expect(await readdir(join(dataDir, "packages"))).toEqual([]);
  });

  it("without npm says so", async () => {
    await expect(
      packages({ installEnv: { PATH: dataDir } }).resolve({ npm: "tool", version: "1.2.3" }),
    ).rejects.toThrow("Cannot install tool@1.2.3: there is no npm in PATH");
  });

  it("ends after its time, and when mcpd closes, with everything that it started", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const registry = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const installEnv = { ...process.env, npm_config_registry: registry };
    const hasty = packages({ installEnv, installTimeoutSeconds: 1 });
    await expect(hasty.resolve({ npm: "tool", version: "1.2.3" })).rejects.toThrow("npm did not finish within 1 s");
    const closing = packages({ installEnv });
    const waiting = closing.resolve({ npm: "tool", version: "1.2.3" });
    closing.close();
    await expect(waiting).rejects.toThrow("npm ended with a signal");
    silent.closeAllConnections();
    silent.close();
    expect(processesOf(dataDir)).toEqual([]);
    expect(await readdir(join(dataDir, "packages"))).toEqual([]);
  });
});
