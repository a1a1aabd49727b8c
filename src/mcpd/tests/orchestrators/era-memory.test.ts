import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openEraMemory } from "../../src/orchestrators/era-memory.ts";
import { createRig, fixturePath, until } from "./rig.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const program = { command: "node", args: ["server.js"], env: { TOKEN: "s3cret" } };

let dir: string;
let now: number;
let faults: string[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "mcpd-eras-"));
  now = 1_000_000;
  faults = [];
});
afterEach(() => rm(dir, { recursive: true }));

function open(owner = "mine") {
  const onFault = (what: string) => void faults.push(what);
  return openEraMemory({ file: join(dir, "eras.json"), owner, now: () => now, onFault });
}

/** A memory of an earlier life that knows the program. */
async function leaveMemory(): Promise<void> {
  const memory = open();
  memory.set(program, "legacy");
  await memory.close();
}

describe("the memory of eras", () => {
  it("outlives mcpd, without telling arguments and variables to whoever reads the file", async () => {
    await leaveMemory();
    expect(open().find(program)).toBe("legacy");
    expect(await readFile(join(dir, "eras.json"), "utf8")).not.toMatch(/s3cret|server\.js/);
    expect((await stat(join(dir, "eras.json"))).mode & 0o777).toBe(0o600);
    expect(faults).toEqual([]);
  });

  it("does not take one program for another", async () => {
    await leaveMemory();
    expect(open().find({ ...program, args: ["server.js", "--modern"] })).toBeUndefined();
    expect(open().find({ ...program, env: {} })).toBeUndefined();
  });

  it("forgets for good what turned out to be wrong", async () => {
    await leaveMemory();
    const memory = open();
    memory.forget(program);
    await memory.close();
    expect(open().find(program)).toBeUndefined();
  });

  it("does not believe a verdict for longer than a day, nor one of a time that is still to come", async () => {
    await leaveMemory();
    now += DAY_MS;
    expect(open().find(program)).toBeUndefined();
    now -= DAY_MS + 1;
    expect(open().find(program)).toBeUndefined();
  });

  it.each(["", "{", '{"owner":"mine","verdicts":{"a":{"era":"stone","foundAt":1}}}'])(
    "says so of a file that holds %j, and replaces it",
    async (content) => {
      await writeFile(join(dir, "eras.json"), content);
      await leaveMemory();
      expect(faults).toEqual(["what servers speak is found out again: the file cannot be read"]);
      expect(open().find(program)).toBe("legacy");
    },
  );

  it("ignores a file of another data directory, and says so", async () => {
    await leaveMemory();
    expect(open("other").find(program)).toBeUndefined();
    expect(faults).toEqual(["what servers speak is found out again: the file is of another data directory"]);
  });

  it("goes on when the file cannot be written", async () => {
    const onFault = (what: string) => void faults.push(what);
    const memory = openEraMemory({ file: join(dir, "missing", "eras.json"), owner: "mine", now: () => now, onFault });
    memory.set(program, "modern");
    await memory.close();
    expect(memory.find(program)).toBe("modern");
    expect(faults).toEqual(["what servers speak cannot be remembered"]);
  });
});

describe("a server that an earlier mcpd has met", () => {
  const server = () => join(dir, "server.mjs");
  const launch = () => ({ name: "met", args: [server()], env: { STDIO_LOG: join(dir, "log") } });

  async function install(fixture: string): Promise<void> {
    await copyFile(fixturePath("stdio-lines.mjs"), join(dir, "stdio-lines.mjs"));
    await copyFile(fixturePath(fixture), server());
  }

  it("is not probed by the next one", async () => {
    await install("stdio-exits-on-probe.mjs");
    for (let life = 1; life <= 2; life += 1) {
      await using rig = createRig({ stdinGraceMs: 300 }, dir);
      await rig.run("echo", launch());
    }
    const probes = (await readFile(join(dir, "log"), "utf8")).split("\n").filter((line) => line === "server/discover");
    expect(probes).toHaveLength(1);
  });

  it("is met anew when an upgrade changed what it speaks", async () => {
    await install("stdio-exits-on-probe.mjs");
    {
      await using rig = createRig({ stdinGraceMs: 300 }, dir);
      expect((await rig.run("echo", launch())).state.identity?.era).toBe("legacy");
    }
    await install("stdio-modern.mjs");
    await using rig = createRig({ stdinGraceMs: 300 }, dir);
    const instance = rig.start("echo", launch());
    await until(() => instance.state.phase === "Running");
    expect(instance.state.identity?.era).toBe("modern");
  });
});
