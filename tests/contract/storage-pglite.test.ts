import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/mcpd/src/repositories/database.ts";
import type { Database } from "../../src/mcpd/src/repositories/interfaces.ts";
import { packCluster } from "../../src/mcpd/src/repositories/prepared-cluster.ts";
import { insertServer, serverRef } from "./repositories-fixtures.ts";

let dir: string;
const opened: Database[] = [];
const children: ChildProcess[] = [];

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "mcpctl-pglite-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await Promise.all(opened.splice(0).map((database) => database[Symbol.asyncDispose]()));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function open(dataDir: string): Promise<Database> {
  const database = await openDatabase({ dataDir });
  opened.push(database);
  return database;
}

function lockFiles(dataDir: string): string[] {
  return readdirSync(dataDir).filter((name) => name.includes(".lock"));
}

/**
 * A process of its own that writes one server after the other and prints the name of each when it is committed. When a
 * write fails, it prints the codes of this failure and of a read after it.
 */
function spawnWriter(dataDir: string, [shell = "", ...shellArgs]: string[] = []): ChildProcess {
  const url = new URL("../../src/mcpd/src/repositories/database.ts", import.meta.url);
  const program = `
    const { randomBytes } = await import("node:crypto");
    const { openDatabase } = await import(${JSON.stringify(url)});
    const { read } = await openDatabase({ dataDir: ${JSON.stringify(dataDir)} });
    const content = { labels: {}, annotations: {}, managedFields: [] };
    try {
      for (let index = 0; ; index++) {
        const name = "written-" + process.pid + "-" + index;
        const spec = { noise: randomBytes(20_000).toString("hex") };
        await read.resources.insert({ plural: "servers", project: "", name }, "Server", { ...content, spec });
        process.stdout.write(name + "\\n");
      }
    } catch (fault) {
      const later = await read.now().catch((thrown) => thrown);
      process.stdout.write(fault.code + "\\n" + later.code + "\\n");
      process.kill(process.pid, "SIGKILL");
    }`;
  const command = [process.execPath, "--input-type=module", "-e", program];
  const [file = "", ...args] = shell ? [shell, ...shellArgs, ...command] : command;
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  return child;
}

/** @returns the names it has printed so far, once there are enough; the list goes on growing. */
async function waitForNames(child: ChildProcess, count: number): Promise<string[]> {
  const names: string[] = [];
  if (child.stdout) createInterface(child.stdout).on("line", (name) => names.push(name));
  while (names.length < count) {
    if (child.exitCode !== null) throw new Error("The writer ended by itself");
    await sleep(5);
  }
  return names;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "close");
}

describe("an embedded database in a directory", () => {
  it("finds its data again", async () => {
    const dataDir = join(dir, "deep", "data");
    const ref = serverRef();
    const first = await open(dataDir);
    const stored = await insertServer(first.read, ref);
    await first[Symbol.asyncDispose]();
    expect(lockFiles(dataDir)).toEqual([]);
    const second = await open(dataDir);
    expect(await second.read.resources.find(ref)).toStrictEqual(stored);
    expect(await second.read.changes.latestVersion()).toBe(stored.metadata.resourceVersion);
    expect(second.engine).toBe("pglite");
  });

  it("keeps a second one out, and says who has it", async () => {
    const dataDir = join(dir, "deep", "data");
    await open(dataDir);
    await expect(openDatabase({ dataDir })).rejects.toMatchObject({
      code: "data-dir-locked",
      message: expect.stringContaining(`process ${process.pid}`),
      hint: expect.stringContaining("another data directory"),
    });
    expect(lockFiles(dataDir)).toHaveLength(1);
  });

  it("lost to kill -9 is taken over with everything that was committed", async () => {
    const dataDir = join(dir, "deep", "data");
    const child = spawnWriter(dataDir);
    const names = await waitForNames(child, 20);
    await kill(child);
    expect(lockFiles(dataDir)).toHaveLength(1);
    const { read } = await open(dataDir);
    const found = await read.resources.list({ plural: "servers", names: new Set(names) });
    expect(found.map(({ metadata }) => metadata.name).toSorted()).toEqual(names.toSorted());
    expect(lockFiles(dataDir)).toHaveLength(1);
  });

  it("is out of reach while another process lives", async () => {
    const dataDir = join(dir, "deep", "data");
    const child = spawnWriter(dataDir);
    await waitForNames(child, 1);
    await expect(openDatabase({ dataDir })).rejects.toMatchObject({
      code: "data-dir-locked",
      message: expect.stringContaining(`process ${child.pid}`),
    });
    await kill(child);
    await expect((await open(dataDir)).ping()).resolves.toBeUndefined();
  });

  it("says so when it cannot write any more, and has everything that was committed when it can again", async () => {
    const dataDir = join(dir, "deep", "data");
    // No file may grow beyond 8 MiB, which the write-ahead log does: to the engine it is like a full disk.
    const child = spawnWriter(dataDir, ["sh", "-c", 'ulimit -f 16384; exec "$0" "$@"']);
    const lines = await waitForNames(child, 1);
    await once(child, "close");
    expect(lines.slice(-2)).toEqual(["database-unavailable", "database-unavailable"]);
    const names = lines.slice(0, -2);
    const found = await (await open(dataDir)).read.resources.list({ plural: "servers", names: new Set(names) });
    expect(found).toHaveLength(names.length);
  });

  it("throws away what an interrupted first start has left", async () => {
    const dataDir = join(dir, "interrupted");
    mkdirSync(join(dataDir, "postgresql.new"), { recursive: true });
    writeFileSync(join(dataDir, "postgresql.new", "PG_VERSION"), "18\n");
    await expect(insertServer((await open(dataDir)).read)).resolves.toBeDefined();
    expect(readdirSync(dataDir)).toContain("postgresql");
    expect(readdirSync(dataDir)).not.toContain("postgresql.new");
  });

  describe("with a prepared cluster", () => {
    let prepared: string;
    beforeAll(async () => {
      const first = await openDatabase({ dataDir: join(dir, "prepared") });
      await first[Symbol.asyncDispose]();
      prepared = join(dir, "prepared.zst");
      writeFileSync(prepared, packCluster(join(dir, "prepared", "postgresql")));
    });

    /** @returns what a person was told, and the database. */
    async function openWith(preparedCluster: string, dataDir: string) {
      const said: string[] = [];
      const onSlowStep = (what: string) => void said.push(what);
      const database = await openDatabase({ dataDir, preparedCluster, onSlowStep });
      opened.push(database);
      return { database, said: said.filter((what) => what.startsWith("Making")) };
    }

    it("uses it for a new directory, and brings its tables up to date", async () => {
      const { database, said } = await openWith(prepared, join(dir, "from-prepared"));
      expect(said).toEqual([]);
      await expect(insertServer(database.read)).resolves.toBeDefined();
    });

    it("keeps two databases that were made of it apart", async () => {
      const ref = serverRef();
      const one = await openWith(prepared, join(dir, "apart-1"));
      await insertServer(one.database.read, ref);
      const other = await openWith(prepared, join(dir, "apart-2"));
      expect(await other.database.read.resources.find(ref)).toBeUndefined();
    });

    it("makes its files itself, and says so, when the prepared one is damaged", async () => {
      const damaged = join(dir, "damaged.zst");
      writeFileSync(damaged, readFileSync(prepared).subarray(0, 1_000));
      const { database, said } = await openWith(damaged, join(dir, "from-damaged"));
      expect(said).toHaveLength(1);
      await expect(insertServer(database.read)).resolves.toBeDefined();
    });

    it("starts over when unpacking it was interrupted", async () => {
      const dataDir = join(dir, "half-unpacked");
      mkdirSync(join(dataDir, "postgresql.new", "base"), { recursive: true });
      writeFileSync(join(dataDir, "postgresql.new", "PG_VERSION"), "18\n");
      const { database } = await openWith(prepared, dataDir);
      await expect(insertServer(database.read)).resolves.toBeDefined();
      expect(readdirSync(dataDir)).not.toContain("postgresql.new");
    });
  });

  it("is not opened when it belongs to another version, and the lock is given back", async () => {
    const dataDir = join(dir, "other-version");
    mkdirSync(join(dataDir, "postgresql"), { recursive: true });
    writeFileSync(join(dataDir, "postgresql", "PG_VERSION"), "9\n");
    await expect(openDatabase({ dataDir })).rejects.toMatchObject({
      code: "database-unavailable",
      hint: expect.stringContaining("data directory"),
    });
    expect(lockFiles(dataDir)).toEqual([]);
  });

  it("cannot be where there is no directory to be had", async () => {
    const file = join(dir, "file");
    writeFileSync(file, "");
    await expect(openDatabase({ dataDir: join(file, "data") })).rejects.toMatchObject({
      code: "database-unavailable",
      hint: expect.any(String),
    });
  });
});
