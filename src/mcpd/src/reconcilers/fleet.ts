import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Server } from "@mcpctl/shared/kinds/servers.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import type { InstanceLoad, InstanceState, Orchestrator, RunningInstance } from "../orchestrators/orchestrator.ts";
import type { ResolvedValues } from "../services/secret-refs.ts";
import { launchKey, type PackageResolver, toLaunch } from "./launch.ts";

export interface FleetDeps {
  orchestrator: Orchestrator;
  resolvePackage: PackageResolver;
  /** Its whole declared environment. */
  env: ResolvedValues;
  /** Called whenever a copy of the server changes its state. */
  onState(server: string): void;
  /** Called when launching should be tried again. */
  onRetry(server: string): void;
}

/** The copies of one server that this process runs. */
export interface Fleet {
  /** What the copies were launched from; another spec needs another fleet. */
  readonly key: string;
  /** Starts and stops copies until there are as many as the spec wants. */
  scale(server: Server): Promise<void>;
  states(): InstanceState[];
  /** Of all copies together. */
  load(): InstanceLoad;
  /**
   * The connection to a copy that answers, each in its turn, or else to one that is about to: calls wait for it.
   *
   * @returns undefined when there is neither.
   */
  next(): Upstream | undefined;
  stop(): Promise<void>;
}

const RETRY_LAUNCH_MS = 15_000;

export function createFleet(server: Server, deps: FleetDeps): Fleet {
  const { name } = server.metadata;
  const copies: (RunningInstance | undefined)[] = [];
  /** Why a copy could not even be launched, by index. */
  const faults: (string | undefined)[] = [];
  let turn = 0;
  let retry: NodeJS.Timeout | undefined;

  async function launch(wanted: Server, index: number): Promise<void> {
    try {
      const program = await toLaunch(wanted, index, deps);
      faults[index] = undefined;
      copies[index] = deps.orchestrator.start(program, () => deps.onState(name));
    } catch (error) {
      if (!(error instanceof McpctlError)) throw error;
      faults[index] = error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
      clearTimeout(retry);
      retry = setTimeout(() => deps.onRetry(name), RETRY_LAUNCH_MS).unref();
    }
  }

  return {
    key: launchKey(server, deps.env),
    async scale(wanted) {
      faults.splice(wanted.spec.replicas);
      await stopAll(copies.splice(wanted.spec.replicas));
      for (let index = 0; index < wanted.spec.replicas; index += 1) {
        if (!copies[index]) await launch(wanted, index);
      }
    },
    states() {
      const indexes = [...Array(Math.max(copies.length, faults.length)).keys()];
      return indexes.map((index) => copies[index]?.state ?? notLaunched(faults[index]));
    },
    load() {
      const total = { requestsInFlight: 0, unsentBytes: 0, timeouts: 0, restarts: 0 };
      for (const copy of copies) {
        if (!copy) continue;
        const { requestsInFlight, unsentBytes, timeouts, restarts } = copy.load;
        total.requestsInFlight += requestsInFlight;
        total.unsentBytes += unsentBytes;
        total.timeouts += timeouts;
        total.restarts += restarts;
      }
      return total;
    },
    next() {
      const running = copies.filter((copy) => copy?.state.phase === "Running");
      turn = (turn + 1) % Math.max(running.length, 1);
      return (running[turn] ?? copies.find(isAboutToRun))?.upstream;
    },
    async stop() {
      clearTimeout(retry);
      await stopAll(copies);
    },
  };
}

function isAboutToRun(copy: RunningInstance | undefined): boolean {
  return copy?.state.phase === "Pending" || copy?.state.phase === "Starting";
}

function notLaunched(fault: string | undefined): InstanceState {
  return { phase: "Failed", restarts: 0, message: fault ?? "The process is about to start" };
}

async function stopAll(copies: readonly (RunningInstance | undefined)[]): Promise<void> {
  await Promise.all(copies.map(async (copy) => copy?.stop()));
}
