import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockDataDir } from "../../src/repositories/data-dir-lock.ts";
import { ownIdentity, type ProcessIdentity } from "../../src/repositories/process-identity.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "mcpctl-lock-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** The lock of somebody else. */
function writeLock(change: Partial<ProcessIdentity>): string {
  const file = join(dir, `mcpd-${change.pid ?? process.pid}-deadbeef.lock`);
  writeFileSync(file, JSON.stringify({ ...ownIdentity(), ...change }));
  return file;
}

async function endedPid(): Promise<number> {
  const child = spawn("true");
  await once(child, "exit");
  return child.pid ?? 0;
}

async function expectTakeover(): Promise<void> {
  const { release } = await lockDataDir(dir);
  expect(readdirSync(dir)).toHaveLength(1);
  release();
  expect(readdirSync(dir)).toEqual([]);
}

describe("lockDataDir", () => {
  it("holds until it is released", async () => {
    const { release } = await lockDataDir(dir);
    const [file = ""] = readdirSync(dir);
    expect(JSON.parse(readFileSync(join(dir, file), "utf8"))).toEqual(ownIdentity());
    await expect(lockDataDir(dir)).rejects.toMatchObject({ code: "data-dir-locked" });
    release();
    await expectTakeover();
  });

  it("lets at most one of many have it", async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lockDataDir(dir)));
    const locks = outcomes.filter((outcome) => outcome.status === "fulfilled").map(({ value }) => value);
    expect(locks.length).toBeLessThanOrEqual(1);
    for (const { release } of locks) release();
    await expectTakeover();
  });

  it("takes over from a process that has ended", async () => {
    writeLock({ pid: await endedPid() });
    await expectTakeover();
  });

  it("takes over when the pid was given to another process", async () => {
    writeLock({ startTime: "1" });
    await expectTakeover();
  });

  it("takes over what was locked before the machine started anew", async () => {
    writeLock({ bootId: "another" });
    await expectTakeover();
  });

  it("takes over a file that is no lock", async () => {
    writeFileSync(join(dir, "mcpd-1-torn.lock"), '{"pid":');
    await expectTakeover();
  });

  it("names the process that lives and its file", async () => {
    const file = writeLock({});
    await expect(lockDataDir(dir)).rejects.toMatchObject({
      code: "data-dir-locked",
      message: `The data directory ${dir} is in use by process ${process.pid}`,
      hint: expect.stringContaining(file),
    });
    expect(readdirSync(dir)).toHaveLength(1);
  });

  it("respects a holder in another container while its lock is kept fresh", async () => {
    const file = writeLock({ pid: 1, pidNamespace: "pid:[1]" });
    const heartbeat = setInterval(() => utimesSync(file, new Date(), new Date()), 100);
    await expect(lockDataDir(dir)).rejects.toMatchObject({ code: "data-dir-locked" });
    clearInterval(heartbeat);
  });

  it("takes over from a container whose lock stands still", { timeout: 15_000 }, async () => {
    writeLock({ pid: 1, pidNamespace: "pid:[1]" });
    await expectTakeover();
  });
});
