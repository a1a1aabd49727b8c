import { isProcessServer, type Server } from "@mcpctl/shared/kinds/servers.ts";
import type { Logger } from "@mcpctl/shared/log.ts";
import type { InstanceState } from "../orchestrators/orchestrator.ts";
import type { Database, Repositories } from "../repositories/interfaces.ts";
import type { EventRecorder } from "../services/event.service.ts";
import type { SecretFault } from "../services/secret-refs.ts";
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

/** What is known of a server by its name. */
interface Observations {
  states(server: string): readonly InstanceState[];
  /** Why it lacks a secret. */
  fault(server: string): SecretFault | undefined;
}

/** Writes what instances do into the status of their server, their own resources and events. */
export function createStatusWriter(deps: StatusWriterDeps, { states: statesOf, fault: faultOf }: Observations) {
  const due = new Map<string, { timer: NodeJS.Timeout; at: number }>();
  let writing = Promise.resolve();
  let isClosed = false;

  function schedule(name: string): void {
    scheduleIn(name, isStarting(statesOf(name)) ? SETTLE_STARTING_MS : SETTLE_MS);
  }

  /** The earlier of two dates holds. */
  function scheduleIn(name: string, delay: number): void {
    const at = performance.now() + delay;
    const known = due.get(name);
    if (isClosed || (known && known.at <= at)) return;
    clearTimeout(known?.timer);
    due.set(name, { timer: setTimeout(() => flush(name), delay), at });
  }

  function flush(name: string): void {
    due.delete(name);
    writing = writing
      .then(() => write(name))
      .catch((err: unknown) => {
        deps.log.warn({ err, server: name }, "writing the status of a server failed; it will be tried again");
        scheduleIn(name, RETRY_MS);
      });
  }

  async function write(name: string): Promise<void> {
    const states = statesOf(name);
    const server = await deps.database.transact(async (repositories) => {
      const ref = { plural: "servers", project: "", name };
      const found = await repositories.resources.find<Server>(ref);
      await writeInstances(repositories, name, found ? states : []);
      if (!found) return undefined;
      const observed = { instances: states, fault: faultOf(name), now: await repositories.now() };
      await repositories.resources.replaceStatus(ref, serverStatus(found, observed));
      return found;
    });
    if (server) await recordFailures(deps.events, name, states);
  }

  return {
    schedule,
    /**
     * Instances of an earlier life: none of them runs any more. Nor does what their servers' status says hold: gateways
     * would take a server that was stopped then for faulty now.
     */
    async forgetInstances(): Promise<void> {
      await deps.database.transact(async ({ resources, now }) => {
        for (const { metadata } of await resources.list({ plural: "instances" })) {
          await resources.delete({ plural: "instances", project: "", name: metadata.name });
        }
        const at = await now();
        for (const server of await resources.list<Server>({ plural: "servers" })) {
          if (!server.status || !isProcessServer(server.spec)) continue;
          const ref = { plural: "servers", project: "", name: server.metadata.name };
          await resources.replaceStatus(ref, serverStatus(server, { instances: [], now: at }));
        }
      });
    },
    async close(): Promise<void> {
      isClosed = true;
      for (const { timer } of due.values()) clearTimeout(timer);
      due.clear();
      await writing;
    },
  };
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
