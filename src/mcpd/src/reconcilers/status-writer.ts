import { isProcessServer, type Server } from "@mcpctl/shared/kinds/servers.ts";
import type { Logger } from "@mcpctl/shared/log.ts";
import type { InstanceState } from "../orchestrators/orchestrator.ts";
import type { Database, Repositories } from "../repositories/interfaces.ts";
import type { EventRecorder } from "../services/event.service.ts";
import type { SecretFault } from "../services/secret-refs.ts";
import { createDueBatches } from "./due-batches.ts";
import { instanceName } from "./launch.ts";
import { instanceStatus, serverStatus } from "./server-status.ts";

interface StatusWriterDeps {
  database: Pick<Database, "transact" | "read">;
  events: EventRecorder;
  log: Logger;
}

/** A process changes its state several times in a moment; one write tells the last of them. */
const SETTLE_MS = 50;
/** A start goes through several states, and what matters is how it ends; many at once would keep the database busy. */
const SETTLE_STARTING_MS = 500;
const RETRY_MS = 2_000;

/** Commits that follow each other closer make every caller's rights be looked up anew, just when many servers start. */
const PAUSE_MS = 250;
/** Whoever else writes waits for so many at most. */
const MAX_AT_ONCE = 10;

/** What is known of a server by its name. */
interface Observations {
  states(server: string): readonly InstanceState[];
  /** Why it lacks a secret. */
  fault(server: string): SecretFault | undefined;
}

/** Writes what instances do into the status of their server, their own resources and events. */
export function createStatusWriter(deps: StatusWriterDeps, { states: statesOf, fault: faultOf }: Observations) {
  const batches = createDueBatches(writeAll, { pauseMs: PAUSE_MS, togetherMs: SETTLE_MS, maxAtOnce: MAX_AT_ONCE });

  async function writeAll(names: readonly string[]): Promise<void> {
    await write(names).catch(async (err: unknown) => {
      if (names.length === 1) return writeLater(names, err);
      // What is wrong with one of them must not keep the others from being told.
      for (const name of names) await write([name]).catch((reason: unknown) => writeLater([name], reason));
    });
  }

  function writeLater(names: readonly string[], err: unknown): void {
    deps.log.warn({ err, servers: names }, "writing the status of a server failed; it will be tried again");
    for (const name of names) batches.scheduleIn(name, RETRY_MS);
  }

  async function write(names: readonly string[]): Promise<void> {
    const states = names.map((name) => [name, statesOf(name)] as const);
    const declared = await deps.database.transact(async (repositories) => {
      const found = new Set<string>();
      const now = await repositories.now();
      for (const [name, instances] of states) {
        if (await writeServer(repositories, { name, instances, fault: faultOf(name), now })) found.add(name);
      }
      return found;
    });
    for (const [name, instances] of states) {
      if (declared.has(name)) await recordFailures(deps.events, name, instances);
    }
  }

  return {
    schedule(name: string): void {
      batches.scheduleIn(name, isStarting(statesOf(name)) ? SETTLE_STARTING_MS : SETTLE_MS);
    },
    /**
     * Instances of an earlier life: none of them runs any more. Nor does what their servers' status says hold: gateways
     * would take a server that was stopped then for faulty now.
     */
    async forgetInstances(): Promise<void> {
      await batches.occupy(deps.database.transact(forget));
    },
    close: () => batches.close(),
  };
}

async function forget({ resources, now }: Repositories): Promise<void> {
  for (const { metadata } of await resources.list({ plural: "instances" })) {
    await resources.delete({ plural: "instances", project: "", name: metadata.name });
  }
  const at = await now();
  for (const server of await resources.list<Server>({ plural: "servers" })) {
    if (!server.status || !isProcessServer(server.spec)) continue;
    const ref = { plural: "servers", project: "", name: server.metadata.name };
    await resources.replaceStatus(ref, serverStatus(server, { instances: [], now: at }));
  }
}

interface ServerWrite {
  name: string;
  instances: readonly InstanceState[];
  fault: SecretFault | undefined;
  now: string;
}

/** @returns whether the server is declared. */
async function writeServer(repositories: Repositories, { name, ...observed }: ServerWrite): Promise<boolean> {
  const ref = { plural: "servers", project: "", name };
  const server = await repositories.resources.find<Server>(ref);
  await writeInstances(repositories, name, server ? observed.instances : []);
  if (server) await repositories.resources.replaceStatus(ref, serverStatus(server, observed));
  return server !== undefined;
}

function isStarting(states: readonly InstanceState[]): boolean {
  return states.length > 0 && states.every(({ phase }) => phase === "Pending" || phase === "Starting");
}

async function writeInstances(
  { resources }: Repositories,
  server: string,
  states: readonly InstanceState[],
): Promise<void> {
  const wanted = new Set(states.map((_, index) => instanceName(server, index)));
  const existing = await resources.list({ plural: "instances", labels: { server } });
  for (const { metadata } of existing) {
    if (wanted.has(metadata.name)) continue;
    await resources.delete({ plural: "instances", project: "", name: metadata.name });
  }
  for (const [index, state] of states.entries()) {
    const ref = { plural: "instances", project: "", name: instanceName(server, index) };
    const status = instanceStatus(state);
    if (await resources.replaceStatus(ref, status)) continue;
    const content = { labels: { server }, annotations: {}, managedFields: [], spec: { server, index } };
    await resources.insert(ref, "Instance", content, status);
  }
}

async function recordFailures(events: EventRecorder, server: string, states: readonly InstanceState[]): Promise<void> {
  const failed = states.find(({ phase }) => phase === "CrashLoopBackOff" || phase === "Failed");
  if (!failed) return;
  await events.record({
    regarding: { kind: "Server", name: server },
    type: "Warning",
    reason: failed.phase,
    message: failed.message ?? "The process failed",
  });
}
