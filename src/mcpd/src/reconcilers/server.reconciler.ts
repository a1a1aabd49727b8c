import { McpctlError } from "@mcpctl/shared/errors.ts";
import { isProcessServer, type Server } from "@mcpctl/shared/kinds/servers.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import { waitFor } from "@mcpctl/shared/wait-for.ts";
import type { Logger } from "@mcpctl/shared/log.ts";
import type { InstanceLoad, InstanceState, Orchestrator } from "../orchestrators/orchestrator.ts";
import type { Database } from "../repositories/interfaces.ts";
import type { EventRecorder } from "../services/event.service.ts";
import type { SecretFault, SecretRefs } from "../services/secret-refs.ts";
import type { WatchService } from "../services/watch.service.ts";
import { createFleet, type Fleet } from "./fleet.ts";
import { launchKey, type PackageResolver } from "./launch.ts";
import { followServers } from "./server-follower.ts";
import { createStatusWriter } from "./status-writer.ts";
import { createUpstreamHandle } from "./upstream-handle.ts";

export interface ServerReconcilerDeps {
  database: Pick<Database, "read" | "transact">;
  watch: WatchService;
  orchestrator: Orchestrator;
  resolvePackage: PackageResolver;
  secretRefs: Pick<SecretRefs, "resolve">;
  events: EventRecorder;
  log: Logger;
}

export interface ServerReconciler {
  /** Cleans up after an earlier life, starts every declared server, and follows changes from then on. */
  start(): Promise<void>;
  /**
   * A handle on a server's process, whether it runs now or not. Requests go to running copies in turn, and fail with
   * `upstream-unavailable`, saying why, while there are none.
   */
  openUpstream(server: string): Upstream;
  /** What the processes of each server have to do now. */
  loads(): ReadonlyMap<string, InstanceLoad>;
  close(): Promise<void>;
}

const RETRY_MS = 5_000;

/** Moves running processes towards the declared servers. */
export function createServerReconciler(deps: ServerReconcilerDeps): ServerReconciler {
  const { database, watch, orchestrator, resolvePackage, secretRefs, log } = deps;
  const fleets = new Map<string, Fleet>();
  const closing = new AbortController();
  /** Why servers lack a secret, by their name. */
  const faults = new Map<string, SecretFault>();
  const writer = createStatusWriter(deps, {
    states: (name) => fleets.get(name)?.states() ?? [],
    fault: (name) => faults.get(name),
  });
  const queue = createQueue(async (name, declared) => {
    if (!closing.signal.aborted) await reconcile(name, declared ?? (await findServer(database, name)));
  }, log);

  async function reconcile(name: string, server: Server | undefined): Promise<void> {
    const wanted = server && isProcessServer(server.spec) ? server : undefined;
    const env = await secretRefs.resolve(wanted?.spec.env ?? []);
    const { fault } = server && !wanted ? await secretRefs.resolve(server.spec.headers) : env;
    if (fault) faults.set(name, fault);
    else faults.delete(name);
    let fleet = fleets.get(name);
    if (fleet && fleet.key !== (wanted && launchKey(wanted, env))) {
      fleets.delete(name);
      await fleet.stop();
      fleet = undefined;
    }
    if (wanted) {
      const onRetry = (retried: string) => void queue.add(retried);
      fleet ??= createFleet(wanted, { orchestrator, resolvePackage, env, onState: writer.schedule, onRetry });
      fleets.set(name, fleet);
      await fleet.scale(wanted);
    }
    writer.schedule(name);
  }

  /** A server that was declared a moment ago may not have been heard of yet; it is worth a look, and waiting for. */
  async function launched(name: string, signal: AbortSignal): Promise<Upstream> {
    await waitFor(fleets.has(name) ? queue.settled(name) : queue.add(name), signal);
    const fleet = fleets.get(name);
    return fleet?.next() ?? Promise.reject(doesNotRun(name, fleet?.states()[0]));
  }

  return {
    async start() {
      // Not while servers start: each statement would wait behind the spawning of some.
      const [swept] = await Promise.all([orchestrator.sweep(), writer.forgetInstances()]);
      if (swept > 0) log.warn({ swept }, "ended processes that an earlier life left behind");
      const onNews = (name: string, declared?: Server) => void queue.add(name, declared);
      await followServers({ database, watch, known: () => fleets.keys(), onNews, log, signal: closing.signal });
    },
    openUpstream: (name) =>
      createUpstreamHandle(
        () => fleets.get(name)?.next(),
        (signal) => launched(name, signal),
      ),
    loads: () => new Map([...fleets].map(([name, fleet]) => [name, fleet.load()])),
    async close() {
      closing.abort();
      await queue.allSettled();
      await Promise.all([...fleets.values()].map((fleet) => fleet.stop()));
      await writer.close();
    },
  };
}

function findServer({ read }: Pick<Database, "read">, name: string): Promise<Server | undefined> {
  return read.resources.find<Server>({ plural: "servers", project: "", name });
}

function doesNotRun(name: string, state: InstanceState | undefined): McpctlError {
  const why = state?.message ?? state?.phase ?? "it is not started";
  return new McpctlError("upstream-unavailable", `Server "${name}" does not run: ${why}`, {
    hint: `See why with: mcpctl describe server ${name}`,
  });
}

/** Works on one server at a time for each name, so that two changes in a row cannot start it twice. */
function createQueue(work: (name: string, declared?: Server) => Promise<void>, log: Logger) {
  const tails = new Map<string, Promise<void>>();

  /** @param declared - the server as it is now; what waits behind other work is read when its turn comes. */
  function add(name: string, declared?: Server): Promise<void> {
    const before = tails.get(name);
    const tail = (before ?? Promise.resolve())
      .then(() => work(name, before ? undefined : declared))
      .catch((err: unknown) => {
        log.error({ err, server: name }, "reconciling a server failed; it will be tried again");
        setTimeout(() => void add(name), RETRY_MS).unref();
      })
      .finally(() => {
        if (tails.get(name) === tail) tails.delete(name);
      });
    tails.set(name, tail);
    return tail;
  }

  return {
    add,
    async settled(name: string): Promise<void> {
      await tails.get(name);
    },
    async allSettled(): Promise<void> {
      await Promise.all(tails.values());
    },
  };
}
