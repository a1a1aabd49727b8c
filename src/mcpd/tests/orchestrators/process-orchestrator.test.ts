import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callTool, createRig, INHERITED_ENV, isAlive, type Rig, until } from "./rig.ts";

let rig: Rig;
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "mcpd-scratch-"));
  rig = createRig({ stdinGraceMs: 300, termGraceMs: 300 });
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true });
});

function phasesOf(name: string): string[] {
  const phases = rig.statesOf(name).map(({ phase }) => phase);
  return phases.filter((phase, index) => phase !== phases[index - 1]);
}

describe("starting", () => {
  it("goes from Pending through Starting to Running, and tells what it found", async () => {
    const instance = await rig.run("echo", { name: "life" });
    expect(phasesOf("life")).toEqual(["Starting", "Running"]);
    expect(instance.state).toMatchObject({
      phase: "Running",
      restarts: 0,
      identity: { era: "legacy", serverInfo: { name: "stdio-echo" } },
      toolCount: expect.any(Number),
      startedAt: expect.stringMatching(/^\d{4}-/),
    });
    expect(await callTool(instance.upstream, "pid")).toBe(instance.state.pid);
  });

  it("counts the tools of all pages, and again when they change", async () => {
    const instance = await rig.run("echo", { name: "tools" });
    const count = instance.state.toolCount ?? 0;
    expect(count).toBeGreaterThan(10);
    await callTool(instance.upstream, "grow");
    await until(() => instance.state.toolCount === count + 1);
  });

  it("gives the process PATH, HOME, what is declared and the marker, and nothing else", async () => {
    process.env["STDIO_LEAK"] = "must not be inherited";
    const instance = await rig.run("echo", { name: "env", env: { LOG_LEVEL: "info", MCPCTL_INSTANCE_ID: "forged" } });
    delete process.env["STDIO_LEAK"];
    const env = await callTool(instance.upstream, "env");
    expect(env).toEqual({
      ...INHERITED_ENV,
      LOG_LEVEL: "info",
      MCPCTL_INSTANCE_ID: expect.stringMatching(/^[0-9a-f]{24}\/env$/),
    });
  });

  it("gives arguments as they are, without a shell", async () => {
    const args = ["-e", "console.error(JSON.stringify(process.argv.slice(1)))", "$HOME; `id`", "a b", "*"];
    const instance = rig.start("echo", { name: "args", args });
    await until(() => instance.state.phase === "CrashLoopBackOff");
    expect(JSON.parse(instance.stderrTail().split("\n")[0] ?? "")).toEqual(["$HOME; `id`", "a b", "*"]);
    await instance.stop();
  });

  it("starts no more than eight at the same time, and all in the end", async () => {
    await using many = createRig({ parallelStarts: 2 });
    const instances = Array.from({ length: 6 }, () => many.start("echo"));
    let most = 0;
    await until(() => {
      most = Math.max(most, instances.filter(({ state }) => state.phase === "Starting").length);
      return instances.every(({ state }) => state.phase === "Running");
    });
    expect(most).toBe(2);
  });

  it("lets a call wait for a start that is under way", async () => {
    const instance = rig.start("echo", { name: "early" });
    expect(await callTool(instance.upstream, "echo", { text: "early" })).toBe("early");
  });

  it("refuses a second instance of the same name", () => {
    rig.start("echo", { name: "twin" });
    expect(() => rig.start("echo", { name: "twin" })).toThrow(/runs already/);
  });
});

describe("a server that ends when it is probed", () => {
  it("is started again and initialized, and not probed at later starts", async () => {
    const log = join(scratch, "probe.log");
    const instance = await rig.run("exits-on-probe", { name: "probe", env: { STDIO_LOG: log } });
    const handshake = ["start", "initialize", "notifications/initialized", "tools/list"];
    expect((await readFile(log, "utf8")).trim().split("\n")).toEqual(["start", "server/discover", ...handshake]);
    expect(instance.state.restarts).toBe(0);
    await instance.restart();
    await until(() => instance.state.phase === "Running");
    expect((await readFile(log, "utf8")).trim().split("\n").slice(6)).toEqual(handshake);
  });
});

describe("a server that cannot start", () => {
  it("says that there is no such program", async () => {
    const instance = rig.start("echo", { name: "missing", server: "missing", command: "no-such-program-anywhere" });
    await until(() => instance.state.phase === "Failed");
    expect(instance.state.message).toMatch(
      /^Cannot run "no-such-program-anywhere": there is no such program in PATH .* Starts again in 1|2 s/,
    );
    expect(instance.state.pid).toBeUndefined();
    await expect(callTool(instance.upstream, "echo")).rejects.toMatchObject({
      code: "upstream-unavailable",
      hint: "See why with: mcpctl describe server missing",
    });
    await until(() => instance.state.restarts > 0);
    await instance.stop();
  });

  it.each([
    ["a folder", "/", "it is not executable"],
    ["a NUL in it", "a\0b", "null bytes"],
  ])("says so of a command that is %s", async (name, command, why) => {
    const instance = rig.start("echo", { name: `bad-${name}`, command });
    await until(() => instance.state.phase === "Failed");
    expect(instance.state.message).toContain(why);
    await instance.stop();
  });

  it("backs off visibly, with its last exit and the end of stderr, cleaned and without secrets", async () => {
    const instance = rig.start("fails", {
      name: "exits",
      args: [...argsOf("fails"), "exit"],
      env: { STDIO_SECRET: "hunter2-hunter2" },
      secretValues: ["hunter2-hunter2"],
    });
    await until(() => instance.state.phase === "CrashLoopBackOff");
    expect(instance.state).toMatchObject({ lastExit: { code: 7, signal: null, exitedAt: expect.any(String) } });
    const [first, ...rest] = instance.state.message?.split("\n") ?? [];
    expect(first).toMatch(/^Server "fails" exited with code 7\. Starts again in [12] s$/);
    expect(rest).toEqual(["cannot read config", "token [redacted]"]);
    expect(instance.stderrTail()).not.toContain("hunter2");
    await until(() => instance.state.restarts === 1 && instance.state.phase === "CrashLoopBackOff");
    await instance.stop();
  });

  it("is killed when it does not shake hands in time, and says what it printed instead", async () => {
    const instance = rig.start("fails", {
      name: "chatty",
      args: [...argsOf("fails"), "chatty"],
      startTimeoutSeconds: 1,
    });
    await until(() => instance.state.pid !== undefined);
    const { pid = 0 } = instance.state;
    await until(() => instance.state.phase === "CrashLoopBackOff");
    expect(instance.state.message).toMatch(
      /did not complete the MCP handshake within 1 s\. Starts again in \d s\. Lines on stdout that are no MCP messages: 2, the last: listening on nothing$/,
    );
    await until(() => !isAlive(pid));
    await instance.stop();
  });
});

describe("a server that crashes", () => {
  it("fails the call at once, is back soon, and answers again over the same connection", async () => {
    const instance = await rig.run("echo", { name: "crashes" });
    const waiting = callTool(instance.upstream, "hang").catch((error: unknown) => error);
    await sleep(50);
    const startedAt = performance.now();
    await expect(callTool(instance.upstream, "crash")).rejects.toMatchObject({
      code: "upstream-unavailable",
      message: 'Server "echo" exited with code 1',
      hint: "See why with: mcpctl describe server echo",
    });
    expect(await waiting).toMatchObject({ code: "upstream-unavailable" });
    const failedAfter = performance.now() - startedAt;
    expect(await callTool(instance.upstream, "echo", { text: "back" })).toBe("back");
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    // 100 ms on a quiet machine; most of it is the process writing its last words.
    expect(failedAfter).toBeLessThan(400);
    expect(instance.state).toMatchObject({ phase: "Running", restarts: 1, lastExit: { code: 1 } });
  });

  it("does not wait at the first crash, and does at the second", async () => {
    const instance = await rig.run("echo", { name: "crashes-twice" });
    await callTool(instance.upstream, "crash").catch(() => {});
    await until(() => instance.state.phase === "Running" && instance.state.restarts === 1);
    await callTool(instance.upstream, "crash").catch(() => {});
    await until(() => instance.state.phase === "CrashLoopBackOff");
    expect(instance.state.message).toContain("The server exited with code 1. Starts again in");
    await expect(callTool(instance.upstream, "echo")).rejects.toMatchObject({ code: "upstream-unavailable" });
    await until(() => instance.state.phase === "Running" && instance.state.restarts === 2);
  });

  it("begins its back-off anew when it ran well for long enough", async () => {
    await using healthy = createRig({ healthyMs: 0 });
    const instance = await healthy.run("echo", { name: "healthy" });
    for (const restarts of [1, 2, 3]) {
      await callTool(instance.upstream, "crash").catch(() => {});
      await until(() => instance.state.phase === "Running" && instance.state.restarts === restarts);
    }
    expect(healthy.statesOf("healthy").map(({ phase }) => phase)).not.toContain("CrashLoopBackOff");
  });

  it("gives the answer that it wrote before it ended", async () => {
    const instance = await rig.run("echo", { name: "last-words" });
    expect(await callTool(instance.upstream, "last-words")).toBe("goodbye");
  });

  it("says that all it offers may have changed", async () => {
    const instance = await rig.run("echo", { name: "changes" });
    const changes: string[] = [];
    instance.upstream.onChange(({ kind }) => changes.push(kind));
    await callTool(instance.upstream, "crash").catch(() => {});
    await until(() => instance.state.phase === "Running" && instance.state.restarts === 1);
    expect(changes).toEqual(["tools", "prompts", "resources"]);
  });

  it("takes along what it started", async () => {
    const instance = await rig.run("stubborn", { name: "crash-family", env: { STDIO_STRAY: "1" } });
    const { child, stray } = await callTool(instance.upstream, "pids");
    await callTool(instance.upstream, "crash").catch(() => {});
    await until(() => !isAlive(child) && !isAlive(stray));
    await instance.stop();
  });
});

describe("a server that lives but does not answer", () => {
  const liveness = { periodSeconds: 0.05, timeoutSeconds: 0.2, failureThreshold: 2 };

  it("is restarted after some looks in a row, which is said", async () => {
    const instance = await rig.run("echo", { name: "deaf", liveness });
    const { pid } = instance.state;
    await callTool(instance.upstream, "deaf");
    await until(() => instance.state.phase === "Running" && instance.state.restarts === 1);
    expect(instance.state.pid).not.toBe(pid);
    expect(rig.statesOf("deaf").map(({ message }) => message)).toContain(
      "The server did not answer tools/list within 0.2 s, 2 times in a row",
    );
    expect(await callTool(instance.upstream, "echo", { text: "alive" })).toBe("alive");
  });

  it("is left alone as long as a call is under way that is not late", async () => {
    const instance = await rig.run("echo", { name: "busy", liveness });
    const busy = instance.upstream.request(
      "tools/call",
      { name: "hang", arguments: {} },
      { signal: AbortSignal.timeout(1_500) },
    );
    await callTool(instance.upstream, "deaf");
    await expect(busy).rejects.toThrow();
    expect(instance.state).toMatchObject({ phase: "Running", restarts: 0 });
    await until(() => instance.state.restarts === 1);
  });

  it("is not looked at when that is not wanted", async () => {
    const instance = await rig.run("echo", { name: "unwatched", liveness: { ...liveness, periodSeconds: 0 } });
    await callTool(instance.upstream, "deaf");
    await sleep(1_000);
    expect(instance.state).toMatchObject({ phase: "Running", restarts: 0 });
  });
});

describe("stderr", () => {
  it("is kept, at its end", async () => {
    const instance = await rig.run("echo", { name: "talks" });
    await callTool(instance.upstream, "stderr", { text: "one\ntwo\n" });
    await until(() => instance.stderrTail() === "one\ntwo\n");
    await callTool(instance.upstream, "stderr", { text: "y".repeat(1_000).concat("\n").repeat(100) });
    await until(() => instance.stderrTail().length > 60_000 && !instance.stderrTail().includes("one"));
    expect(instance.stderrTail().length).toBeLessThanOrEqual(65_536);
  });

  it("may be flooded without harm to others", async () => {
    const quiet = await rig.run("echo", { name: "quiet" });
    const flood = rig.start("fails", { name: "flood", args: [...argsOf("fails"), "flood"], startTimeoutSeconds: 60 });
    await until(() => flood.stderrTail().length > 0);
    const before = process.memoryUsage().rss;
    const startedAt = performance.now();
    for (let n = 0; n < 50; n += 1) await callTool(quiet.upstream, "echo", { text: "x" });
    expect((performance.now() - startedAt) / 50).toBeLessThan(50);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
    await flood.stop();
  });
});

function argsOf(fixture: string): string[] {
  return [join(import.meta.dirname, `../../../../tests/fixtures/stdio-${fixture}.mjs`)];
}
