import { join } from "node:path";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Logger } from "@mcpctl/shared/log.ts";
import { createBackOff } from "./back-off.ts";
import { readDataDirId } from "./data-dir-id.ts";
import { openEraMemory } from "./era-memory.ts";
import type { InstanceLaunch, InstanceState, Orchestrator, RunningInstance } from "./orchestrator.ts";
import { ProcessInstance } from "./process-instance.ts";
import { PROCESS_LIMITS, type ProcessLimits } from "./process-limits.ts";
import { createReaper } from "./reaper.ts";
import { createSpawnTurns } from "./spawn-turns.ts";
import { createStartSlots } from "./start-slots.ts";
import { endMarkedProcesses, INSTANCE_MARKER } from "./stray-processes.ts";

export interface ProcessOrchestratorDeps {
  /** The directory that only this mcpd uses: its processes are known by it. */
  dataDir: string;
  /** All that servers get of the environment of mcpd. */
  inheritedEnv: { readonly PATH: string; readonly HOME: string };
  limits?: Partial<ProcessLimits>;
  log: Pick<Logger, "warn">;
}

/**
 * Runs servers as child processes, each in a group of its own. Nothing of them outlives mcpd: it stops them when it
 * closes, the reaper ends them when it dies, and `sweep` finds at the next start what escaped both.
 */
export function createProcessOrchestrator(deps: ProcessOrchestratorDeps): Orchestrator {
  const { dataDir, inheritedEnv, limits, log } = deps;
  const dataDirId = readDataDirId(dataDir);
  const allLimits = { ...PROCESS_LIMITS, ...limits };
  const instances = new Map<string, ProcessInstance>();
  const reaper = createReaper(dataDirId, inheritedEnv.PATH);
  const slots = createStartSlots(allLimits.parallelStarts, allLimits.startSlotMs);
  const spawnInTurn = createSpawnTurns();
  const eras = openEraMemory({
    file: join(dataDir, "server-eras.json"),
    owner: dataDirId,
    now: Date.now,
    onFault: (what, err) => log.warn({ err }, what),
  });
  const idPrefix = `${dataDirId}/`;
  let isClosing = false;

  async function endStrays(name: string): Promise<void> {
    // One sweep at the end is cheaper than one per instance.
    if (!isClosing) await endMarkedProcesses((id) => id === idPrefix + name);
  }

  async function sweep(): Promise<number> {
    const isStray = (id: string) => id.startsWith(idPrefix) && !instances.has(id.slice(idPrefix.length));
    return endMarkedProcesses(isStray);
  }

  function start(launch: InstanceLaunch, onState: (state: InstanceState) => void): RunningInstance {
    const { name } = launch;
    if (isClosing) throw new McpctlError("unavailable", "mcpd is stopping and starts no more servers");
    if (instances.has(name)) throw new McpctlError("conflict", `Instance "${name}" runs already`);
    const instance = new ProcessInstance(launch, {
      env: { ...inheritedEnv, ...launch.env, [INSTANCE_MARKER]: idPrefix + name },
      reaper,
      slots,
      spawnInTurn,
      eras,
      backOff: createBackOff(Math.random),
      limits: allLimits,
      onState,
      endStrays: () => endStrays(name),
      onStopped: () => instances.delete(name),
    });
    instances.set(name, instance);
    return instance;
  }

  return {
    start,
    sweep,
    async [Symbol.asyncDispose]() {
      isClosing = true;
      await Promise.all([...instances.values()].map((instance) => instance.stop()));
      await sweep();
      await eras.close();
      await reaper.close();
    },
  };
}
