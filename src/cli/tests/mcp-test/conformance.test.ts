import { chmod, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { eventually, processesNaming } from "../../../../tests/support/processes.ts";
import { temporaryDirectory } from "../fakes/run-mcpctl.ts";
import { testServer } from "../fakes/test-mcp.ts";

/** Stands for npx and the suite: asks the endpoint that it is given, without a token, and writes what it saw. */
const SUITE = `#!/usr/bin/env node
import { mkdirSync, writeFileSync } from "node:fs";
const args = process.argv.slice(2);
const after = (flag) => args[args.indexOf(flag) + 1];
if (!args.some((word) => /^@modelcontextprotocol\\/conformance@\\d/.test(word))) throw new Error("not pinned");
const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
const clientInfo = { name: "suite", version: "1" };
const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo };
const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params });
const { status } = await fetch(after("--url"), { method: "POST", headers, body });
const foreign = await fetch(after("--url"), { method: "POST", headers: { ...headers, origin: "http://evil.example" }, body });
const write = (name, second, checks) => {
  const folder = after("-o") + "/server-" + name + "-2026-01-01T00-00-0" + second + "-000Z";
  mkdirSync(folder, { recursive: true });
  writeFileSync(folder + "/checks.json", JSON.stringify(checks));
};
write("initialize", 2, [{ id: "status", status: status === 200 ? "SUCCESS" : "FAILURE", errorMessage: "got " + status }]);
write("dns-rebinding", 1, [{ id: "origin", status: foreign.status === 403 ? "SUCCESS" : "FAILURE" }]);
write("tools-list", 3, [{ id: "tools", status: "FAILURE", errorMessage: "no tools\\u001b[2J" }, { id: "x", status: "SUCCESS" }]);
write("tasks", 4, [{ id: "tasks", status: "FAILURE", errorMessage: "none" }]);
console.log("Total: ...\\n\\nNot scored for " + after("--requirements") + ": 1 scenario(s) run.\\n  \\u2717 tasks (extension)");
`;
const BROKEN = `#!/usr/bin/env node
console.error("npm error code E404\\nnpm error 404 Not Found");
process.exitCode = 1;
`;

async function leftovers(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith("mcpctl-test-suite-"));
}

/** Runs until it is ended, with a child that nobody tells. */
const ENDLESS = `#!/usr/bin/env node
import { spawn } from "node:child_process";
spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
setInterval(() => {}, 1000);
`;

async function writeNpx(directory: string, program: string): Promise<void> {
  const path = join(directory, "npx");
  await writeFile(path, program);
  await chmod(path, 0o755);
  await writeFile(join(directory, "package.json"), '{"type":"module"}');
}

async function runSuite(program: string | undefined, flags: readonly string[] = []) {
  await using directory = await temporaryDirectory();
  if (program !== undefined) await writeNpx(directory.path, program);
  // Beside Node there is a real npx.
  const beside = program === undefined ? [] : [dirname(process.execPath)];
  const childEnvironment = { PATH: [directory.path, ...beside].join(delimiter) };
  return await testServer({}, ["--conformance", ...flags], { childEnvironment });
}

function ofSuite({ checks }: Awaited<ReturnType<typeof testServer>>) {
  return checks.filter(({ id }) => id.startsWith("conformance.")).map(({ id, status, seen }) => ({ id, status, seen }));
}

describe("--conformance", () => {
  it("runs the suite for each era through a proxy that adds the token, and reports its scenarios in their order", async () => {
    const tested = await runSuite(SUITE, ["--era", "legacy"]);
    const id = (scenario: string) => `conformance.2025-11-25.${scenario}`;
    expect(ofSuite(tested)).toEqual([
      { id: id("dns-rebinding"), status: "ok" },
      { id: id("initialize"), status: "ok" },
      { id: id("tools-list"), status: "fail", seen: "1 of 2 failed; tools: no tools\u001b[2J" },
      { id: id("tasks"), status: "skip", seen: "not part of the revision (extension); 1 of 1 failed; tasks: none" },
    ]);
    expect(tested.code).toBe(9);
    expect(tested.out.join("\n")).not.toContain("\u001b");
    const revisions = new Set(ofSuite(await runSuite(SUITE)).map(({ id: of }) => of.split(".")[1]));
    expect([...revisions]).toEqual(["2026-07-28", "2025-11-25"]);
  });

  it("leaves no file behind", async () => {
    const before = await leftovers();
    await runSuite(SUITE, ["--era", "modern"]);
    await runSuite(BROKEN, ["--era", "modern"]);
    expect(await leftovers()).toEqual(before);
  });

  it("ends the suite, and what it started, on Ctrl-C", async () => {
    await using directory = await temporaryDirectory();
    await writeNpx(directory.path, ENDLESS);
    const childEnvironment = { PATH: `${directory.path}${delimiter}${dirname(process.execPath)}` };
    const controller = new AbortController();
    const tested = testServer({}, ["--conformance"], { childEnvironment, signal: controller.signal });
    await eventually(async () => (await processesNaming(directory.path)).length === 2, "the suite and its child run");
    controller.abort(new DOMException("Interrupted", "AbortError"));
    expect(await tested).toMatchObject({ code: 130, out: [] });
    await eventually(async () => (await processesNaming(directory.path)).length === 0, "nothing is left");
  });

  it.each([
    ["cannot be fetched", BROKEN, "npm error 404 Not Found"],
    ["cannot be started", undefined, "npx did not run: ENOENT"],
  ])("says with a code that the suite %s, and tests the rest", async (_, program, why) => {
    const tested = await runSuite(program);
    expect(tested.code).toBe(1);
    expect(tested.bad).toEqual(["conformance.suite"]);
    expect(ofSuite(tested)[0]?.seen).toContain(why);
    expect(JSON.parse(tested.err.join("\n"))).toMatchObject({ error: { code: "conformance-unavailable" } });
    expect(tested.checks.length).toBeGreaterThan(50);
  });
});
