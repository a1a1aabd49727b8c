import { setTimeout as sleep } from "node:timers/promises";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { type Server, type ServerSpec, servers } from "@mcpctl/shared/kinds/servers.ts";
import { createLogger } from "@mcpctl/shared/log.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { InstanceLaunch, InstanceState, Orchestrator } from "../../src/orchestrators/orchestrator.ts";
import type { PackageResolver } from "../../src/reconcilers/launch.ts";
import { createServerReconciler, type ServerReconciler } from "../../src/reconcilers/server.reconciler.ts";
import { openDatabase } from "../../src/repositories/database.ts";
import type { Database } from "../../src/repositories/interfaces.ts";
import { createEventRecorder } from "../../src/services/event.service.ts";
import { openKeyRing } from "../../src/services/key-ring.ts";
import { createKnownSecrets } from "../../src/services/known-secrets.ts";
import { createRecentReads } from "../../src/services/recent-reads.ts";
import { createSecretRefs, type SecretRefs } from "../../src/services/secret-refs.ts";
import { createWatchService } from "../../src/services/watch.service.ts";

const answering: Upstream = {
  identity: undefined,
  connect: async () => ({ era: "modern", protocolVersion: "2026-07-28", capabilities: {} }),
  request: async () => ({ kind: "result", json: new Uint8Array() }),
  onChange: () => () => {},
  subscribe: () => () => {},
  close: async () => {},
};

/** Runs nothing, but remembers what it was asked to run. */
function createFakeOrchestrator() {
  const running = new Map<string, InstanceLaunch>();
  const started: string[] = [];
  const orchestrator: Orchestrator = {
    start(launch, onState) {
      if (running.has(launch.name)) throw new Error(`${launch.name} runs already`);
      running.set(launch.name, launch);
      started.push(launch.name);
      const state: InstanceState = { phase: "Running", restarts: 0, toolCount: 1 };
      setTimeout(() => onState(state), 5);
      return {
        name: launch.name,
        state,
        load: { requestsInFlight: 0, unsentBytes: 0, timeouts: 0, restarts: 0 },
        upstream: answering,
        stderrTail: () => "",
        restart: async () => {},
        stop: async () => void running.delete(launch.name),
      };
    },
    sweep: async () => 0,
    [Symbol.asyncDispose]: async () => {},
  };
  return { orchestrator, running, started };
}

describe("the server reconciler", () => {
  let database: Database;
  let reconciler: ServerReconciler;
  let fake: ReturnType<typeof createFakeOrchestrator>;
  let secretRefs: SecretRefs;
  const resolvePackage = vi.fn<PackageResolver>();
  const ref = (name: string) => ({ plural: "servers", project: "", name });

  beforeEach(async () => {
    database = await openDatabase({});
    fake = createFakeOrchestrator();
    resolvePackage.mockReset();
    const log = createLogger({ program: "test", level: "silent", write: () => {} });
    const deps = { watch: createWatchService(database), events: createEventRecorder(database), log };
    const keys = await openKeyRing({ configured: "", dataDir: "/nonexistent", canMake: false, neededIds: [] });
    secretRefs = createSecretRefs({ database, reads: createRecentReads(database), keys, known: createKnownSecrets() });
    const { orchestrator } = fake;
    reconciler = createServerReconciler({ database, ...deps, orchestrator, resolvePackage, secretRefs });
    await reconciler.start();
  });
  afterEach(async () => {
    await reconciler.close();
    await database[Symbol.asyncDispose]();
  });

  async function declare(name: string, spec: Partial<ServerSpec>): Promise<void> {
    const content = { labels: {}, annotations: {}, managedFields: [], spec: servers.spec.parse(spec) };
    await database.transact(async ({ resources }) => {
      const current = await resources.find<Server>(ref(name));
      if (current) await resources.replace(ref(name), content, current.metadata.resourceVersion);
      else await resources.insert(ref(name), "Server", content);
    });
  }
  const find = (name: string) => database.read.resources.find<Server>(ref(name));
  const soon = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 5_000, interval: 20 });

  it("starts what is declared, says so in the status, and stops what is deleted", async () => {
    await declare("a", { command: "x", replicas: 2 });
    await soon(async () => expect((await find("a"))?.status).toMatchObject({ replicas: 2, readyReplicas: 2 }));
    expect([...fake.running.keys()]).toEqual(["a-0", "a-1"]);
    await database.transact(({ resources }) => resources.delete(ref("a")));
    await soon(() => expect(fake.running.size).toBe(0));
    await soon(async () => expect(await database.read.resources.list({ plural: "instances" })).toEqual([]));
  });

  it("replaces processes only when what runs has changed", async () => {
    await declare("a", { command: "x" });
    await soon(() => expect(fake.started).toEqual(["a-0"]));
    await declare("a", { command: "x", tools: { deny: ["y"] } });
    await declare("a", { command: "x", tools: { deny: ["z"] } });
    await declare("a", { command: "other" });
    await soon(() => expect(fake.running.get("a-0")?.command).toBe("other"));
    expect(fake.started).toEqual(["a-0", "a-0"]);
  });

  it("scales without touching the copies that stay", async () => {
    await declare("a", { command: "x", replicas: 1 });
    await soon(() => expect(fake.started).toEqual(["a-0"]));
    await declare("a", { command: "x", replicas: 3 });
    await soon(() => expect(fake.started).toEqual(["a-0", "a-1", "a-2"]));
    await declare("a", { command: "x", replicas: 1 });
    await soon(() => expect([...fake.running.keys()]).toEqual(["a-0"]));
  });

  it("finds a server that was declared a moment ago, before it has heard of it", async () => {
    await declare("a", { command: "x" });
    const upstream = reconciler.openUpstream("a");
    await expect(upstream.connect(AbortSignal.timeout(1_000))).resolves.toMatchObject({ era: "modern" });
    expect(fake.started).toEqual(["a-0"]);
  });

  it("takes no server for faulty because of what an earlier life left in its status", async () => {
    await reconciler.close();
    await declare("a", { package: { npm: "slow-to-install", version: "1.0.0" } });
    const stopped = {
      type: "Ready",
      status: "False",
      reason: "Stopping",
      message: "x",
      lastTransitionAt: "2026-01-01",
    };
    await database.transact(({ resources }) => resources.replaceStatus(ref("a"), { conditions: [stopped] }));
    const installing = Promise.withResolvers<never>();
    resolvePackage.mockImplementation(() => installing.promise);
    const log = createLogger({ program: "test", level: "silent", write: () => {} });
    const deps = { watch: createWatchService(database), events: createEventRecorder(database), log };
    const { orchestrator } = fake;
    const next = createServerReconciler({ database, ...deps, orchestrator, resolvePackage, secretRefs });
    await next.start();
    expect((await find("a"))?.status?.conditions).toMatchObject([{ status: "False", reason: "Pending" }]);
    installing.reject(new McpctlError("upstream-unavailable", "mcpd is stopping"));
    await next.close();
  });

  it("does not try again at once when a package cannot be had, whatever its status says", async () => {
    let tries = 0;
    resolvePackage.mockImplementation(async () => {
      tries += 1;
      throw new McpctlError("upstream-unavailable", `Cannot install it, see log ${tries}`);
    });
    await declare("a", { package: { npm: "nothing", version: "1.0.0" } });
    await soon(async () => expect((await find("a"))?.status?.conditions[0]?.message).toContain("Cannot install it"));
    await sleep(500);
    expect(tries).toBe(1);
    await expect(reconciler.openUpstream("a").connect(AbortSignal.timeout(1_000))).rejects.toMatchObject({
      code: "upstream-unavailable",
      message: expect.stringContaining("Cannot install it"),
    });
  });

  it("tells of many servers that come up together in a few transactions", async () => {
    await reconciler.close();
    const names = [...Array(12).keys()].map((at) => `burst-${at}`);
    for (const name of names) await declare(name, { command: "x" });
    let transactions = 0;
    const transact: Database["transact"] = (work) => {
      transactions += 1;
      return database.transact(work);
    };
    const log = createLogger({ program: "test", level: "silent", write: () => {} });
    const deps = { watch: createWatchService(database), events: createEventRecorder(database), log };
    const counted = { ...database, transact };
    reconciler = createServerReconciler({
      database: counted,
      ...deps,
      orchestrator: fake.orchestrator,
      resolvePackage,
      secretRefs,
    });
    await reconciler.start();
    await soon(async () => {
      for (const name of names) expect((await find(name))?.status?.readyReplicas).toBe(1);
    });
    expect(transactions).toBeLessThan(names.length / 2);
  });
});
