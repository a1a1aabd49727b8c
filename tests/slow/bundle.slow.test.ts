import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
