import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const dist = join(root, "dist");
const manifest: { version: string; engines: { node: string }; bin: Record<string, string> } = JSON.parse(
  readFileSync(join(dist, "package.json"), "utf8"),
);
const oldestNode = /\d+\.\d+/.exec(manifest.engines.node)?.[0];
const programs = Object.keys(manifest.bin);

describe("the built programs", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "mcpctl-bundle-"));
    cpSync(dist, folder, { recursive: true });
    const install = ["install", "--no-audit", "--no-fund", "--loglevel=error", `node@${oldestNode}`];
    execFileSync("npm", install, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function runOnOldestNode(...args: string[]): string {
    const env = { PATH: join(folder, "node_modules", ".bin"), HOME: folder };
    return execFileSync("node", args, { cwd: folder, env, encoding: "utf8", timeout: 60_000 });
  }

  it("run on the oldest Node that engines allows", () => {
    expect(runOnOldestNode("--version")).toMatch(new RegExp(`^v${oldestNode}\\.`));
  });

  it("hold nothing that the oldest Node cannot parse", () => {
    for (const file of globSync("*.js", { cwd: folder })) expect(runOnOldestNode("--check", file)).toBe("");
  });

  it.each(programs)("%s tells its version, with only its declared dependencies installed", (name) => {
    expect(runOnOldestNode(`${name}.js`, "--version")).toContain(manifest.version);
  });

  it.each(programs)("%s explains itself", (name) => {
    expect(runOnOldestNode(`${name}.js`, "--help")).toMatch(/usage/i);
  });

  it("bring up a whole stack that answers, and stop it", async () => {
    const listen = ["--listen", "127.0.0.1:0", "--gateway-listen", "127.0.0.1:0", "--data-dir", join(folder, "data")];
    const env = { PATH: `${join(folder, "node_modules", ".bin")}:/usr/bin:/bin`, HOME: folder };
    const node = join(folder, "node_modules", ".bin", "node");
    const up = spawn(node, [join(folder, "mcpctl.js"), "up", "-o", "json", ...listen], { env, cwd: folder });
    let stderr = "";
    up.stderr.on("data", (text) => (stderr += text));
    const ended = once(up, "exit");
    try {
      const line = await Promise.race([once(createInterface({ input: up.stdout }), "line"), ended]);
      expect(stderr).not.toMatch(/error/i);
      expect(JSON.parse(String(line[0]))).toMatchObject({
        project: "demo",
        token: expect.stringMatching(/^mcpctl_pat_/),
      });
    } finally {
      up.kill("SIGINT");
      await ended;
    }
    expect(up.exitCode).toBe(0);
  });

  it("are the same when they are built again", () => {
    const before = hashFiles(dist);
    execFileSync(process.execPath, [join(root, "scripts", "build.ts")], { stdio: "ignore" });
    expect(hashFiles(dist)).toEqual(before);
  });
});

function hashFiles(directory: string): Record<string, string> {
  const names = globSync("*", { cwd: directory });
  const hash = (name: string) =>
    createHash("sha256")
      .update(readFileSync(join(directory, name)))
      .digest("hex");
  return Object.fromEntries(names.map((name) => [name, hash(name)]));
}
