import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readDataDirId } from "../../src/orchestrators/data-dir-id.ts";
import { createProcessOrchestrator } from "../../src/orchestrators/process.orchestrator.ts";
import {
  callTool,
  createRig,
  fixturePath,
  INHERITED_ENV,
  isAlive,
  processesOf,
  reapersOf,
  until,
  QUIET,
} from "./rig.ts";

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "mcpd-end-"));
});
afterEach(() => rm(dataDir, { recursive: true }));

function startOwner(...args: string[]): ChildProcess {
  const stdio = ["ignore", "pipe", "inherit", "ipc"] as const;
  return spawn(process.execPath, [fixturePath("stdio-owner.mjs"), dataDir, ...args], { stdio: [...stdio] });
}

async function pidsOf(owner: ChildProcess): Promise<Record<"leader" | "child" | "stray", number>> {
  const [line] = await once(owner.stdout ?? owner, "data");
  return JSON.parse(String(line));
}

describe("mcpd", () => {
  it("killed with -9, leaves nothing within 3 s, though nothing of it listens to SIGTERM", async () => {
    const owner = startOwner("stdio-stubborn.mjs", "stray");
    const { leader, child, stray } = await pidsOf(owner);
    expect([leader, child, stray].map(isAlive)).toEqual([true, true, true]);
    expect(reapersOf(dataDir)).toHaveLength(1);
    owner.kill("SIGKILL");
    const killedAt = performance.now();
    await until(() => ![leader, child, stray].some(isAlive));
    expect(performance.now() - killedAt).toBeLessThan(3_000);
    await until(() => reapersOf(dataDir).length === 0);
    expect(processesOf(dataDir)).toEqual([]);
  });

  it("killed at any moment of a start, leaves nothing", async () => {
    for (const delayMs of [100, 150, 200]) {
      const owner = startOwner("stdio-stubborn.mjs", "stray");
      await sleep(delayMs);
      owner.kill("SIGKILL");
    }
    await once(startOwner("stdio-stubborn.mjs", "stray", "dies-at-spawn"), "exit");
    await until(() => processesOf(dataDir).length === 0 && reapersOf(dataDir).length === 0);
  });

  it("closing in order, stops everything first and lets the reaper go", async () => {
    const owner = startOwner("stdio-stubborn.mjs", "stray");
    const { leader, child, stray } = await pidsOf(owner);
    owner.send("close");
    const [code] = await once(owner, "exit");
    expect(code).toBe(0);
    expect([leader, child, stray].map(isAlive)).toEqual([false, false, false]);
    expect([...processesOf(dataDir), ...reapersOf(dataDir)]).toEqual([]);
  });
});

describe("the reaper", () => {
  it("is replaced when somebody ends it", async () => {
    await using rig = createRig();
    await rig.run("echo");
    const [first = 0] = reapersOf(rig.dataDir);
    await sleep(1_100);
    process.kill(first, "SIGKILL");
    await until(() => reapersOf(rig.dataDir).some((pid) => pid !== first));
  });

  it("shrugs off what ends its neighbours", async () => {
    await using rig = createRig();
    await rig.run("echo");
    const [reaper = 0] = reapersOf(rig.dataDir);
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.kill(reaper, signal);
    await sleep(100);
    expect(isAlive(reaper)).toBe(true);
  });
});

describe("sweep", () => {
  function startStray(id: string): ChildProcess {
    const env = { ...INHERITED_ENV, MCPCTL_INSTANCE_ID: id };
    return spawn(process.execPath, ["-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"], {
      env,
      stdio: "ignore",
    });
  }

  it("ends what carries the mark of this data directory, and nothing else", async () => {
    await using orchestrator = createProcessOrchestrator({ dataDir, inheritedEnv: INHERITED_ENV, log: QUIET });
    const id = readDataDirId(dataDir);
    const [mine, copy, foreign] = [startStray(`${id}/old-0`), startStray(`${id}0/old-0`), startStray("another/old-0")];
    await until(() => processesOf(dataDir).length === 1);
    await sleep(300);
    expect(await orchestrator.sweep()).toBe(1);
    await until(() => !isAlive(mine.pid ?? 0));
    expect([copy, foreign].map(({ pid }) => isAlive(pid ?? 0))).toEqual([true, true]);
    expect(await orchestrator.sweep()).toBe(0);
    for (const stray of [copy, foreign]) stray.kill("SIGKILL");
  });

  it("spares what runs now", async () => {
    await using rig = createRig();
    const instance = await rig.run("echo");
    expect(await rig.orchestrator.sweep()).toBe(0);
    expect(await callTool(instance.upstream, "echo", { text: "still here" })).toBe("still here");
  });

  it("takes neither a copy of a data directory nor another one for its own", async () => {
    const copy = await mkdtemp(join(tmpdir(), "mcpd-copy-"));
    const id = readDataDirId(dataDir);
    expect(readDataDirId(dataDir)).toBe(id);
    await cp(dataDir, copy, { recursive: true });
    expect(readDataDirId(copy)).not.toBe(id);
    await rm(copy, { recursive: true });
  });
});

describe("stop", () => {
  it("lets a server leave by itself when its input ends", async () => {
    await using rig = createRig();
    const instance = await rig.run("echo", { name: "polite" });
    await instance.stop();
    expect(instance.state).toMatchObject({ phase: "Stopping", lastExit: { code: 0, signal: null } });
    expect(instance.state.pid).toBeUndefined();
    await expect(callTool(instance.upstream, "echo")).rejects.toMatchObject({ code: "upstream-unavailable" });
  });

  it("closes the input, then sends SIGTERM, then SIGKILL, to the whole group", async () => {
    await using rig = createRig();
    const instance = await rig.run("stubborn", { name: "stubborn" });
    const pids = Object.values<number>(await callTool(instance.upstream, "pids"));
    const startedAt = performance.now();
    await instance.stop();
    const seconds = (performance.now() - startedAt) / 1000;
    expect(seconds).toBeGreaterThan(4.9);
    expect(seconds).toBeLessThan(8);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(instance.state.lastExit).toMatchObject({ code: null, signal: "SIGKILL" });
  });

  it("fails the calls that wait, at once", async () => {
    await using rig = createRig({ stdinGraceMs: 200, termGraceMs: 200 });
    const instance = await rig.run("echo");
    const waiting = callTool(instance.upstream, "hang").catch((error: unknown) => error);
    await sleep(50);
    void instance.stop();
    expect(await waiting).toMatchObject({ code: "upstream-unavailable", message: 'Server "echo" was stopped' });
  });

  it("ends a wait for the next start, and may be called twice", async () => {
    await using rig = createRig();
    const instance = rig.start("echo", { command: "no-such-program-anywhere" });
    await until(() => instance.state.phase === "Failed");
    await Promise.all([instance.stop(), instance.stop()]);
    expect(instance.state.phase).toBe("Stopping");
    await expect(callTool(instance.upstream, "echo")).rejects.toMatchObject({
      message: expect.stringContaining("was stopped"),
    });
  });
});

describe("restart", () => {
  it("replaces the process under the same connection, and lets calls wait for it", async () => {
    await using rig = createRig();
    const instance = await rig.run("echo", { name: "again" });
    const before = await callTool(instance.upstream, "pid");
    await instance.restart();
    const after = await callTool(instance.upstream, "pid");
    expect(after).not.toBe(before);
    expect(isAlive(before)).toBe(false);
    expect(instance.state).toMatchObject({ phase: "Running", restarts: 1, message: undefined });
  });

  it("does not wait for the back-off", async () => {
    await using rig = createRig();
    const instance = rig.start("fails", { args: [fixturePath("stdio-fails.mjs"), "exit"] });
    await until(() => instance.state.restarts === 2 && instance.state.phase === "CrashLoopBackOff");
    await instance.restart();
    expect(instance.state.restarts).toBe(3);
  });
});
