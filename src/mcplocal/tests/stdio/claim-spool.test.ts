import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { claimSpool } from "../../src/stdio/claim-spool.ts";

async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "mcplocal-spools-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function leave(parent: string, name: string): Promise<void> {
  await mkdir(join(parent, name), { recursive: true });
  await writeFile(join(parent, name, "calls.jsonl"), name);
}

const isAlive = (pid: number): boolean => pid < 100;

it("gives each process a spool of its own", async () => {
  const parent = join(await temporaryDirectory(), "not", "there");
  await leave(parent, "here.7");
  const spool = await claimSpool(parent, { host: "here", pid: 8, isAlive });
  expect(spool).toBe(join(parent, "here.8"));
  expect(await readdir(parent)).toEqual(["here.7"]);
});

it("takes over what a process has left that is no more", async () => {
  const parent = await temporaryDirectory();
  await leave(parent, "here.500");
  const spool = await claimSpool(parent, { host: "here", pid: 8, isAlive });
  expect(await readFile(join(spool, "calls.jsonl"), "utf8")).toBe("here.500");
  expect(await readdir(parent)).toEqual(["here.8"]);
});

it("leaves alone what belongs to another machine, and whatever else is there", async () => {
  const parent = await temporaryDirectory();
  await leave(parent, "there.500");
  await leave(parent, "here.x");
  await claimSpool(parent, { host: "here", pid: 8, isAlive });
  expect((await readdir(parent)).toSorted()).toEqual(["here.x", "there.500"]);
});

it("gives what was left to one of many that start together", async () => {
  const parent = await temporaryDirectory();
  await leave(parent, "here.500");
  const pids = Array.from({ length: 20 }, (_, at) => at + 1);
  await Promise.all(pids.map((pid) => claimSpool(parent, { host: "here", pid, isAlive })));
  const names = await readdir(parent);
  expect(names).toHaveLength(1);
  expect(await readFile(join(parent, names[0] ?? "", "calls.jsonl"), "utf8")).toBe("here.500");
});
