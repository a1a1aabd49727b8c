import { hasCode, McpctlError } from "@mcpctl/shared/errors.ts";
import type { Era } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamIdentity } from "@mcpctl/shared/mcp/upstream.ts";
import type { EraMemory } from "./era-memory.ts";
import type { InstanceLaunch } from "./orchestrator.ts";
import {
  type EndLimits,
  type ProcessExit,
  type ServerProcess,
  startServerProcess,
  type ServerProcessOptions,
} from "./server-process.ts";
import { type StdioLimits, StdioUpstream } from "./stdio-upstream.ts";
import { countTools } from "./tool-count.ts";

export interface ServerStartOptions extends Pick<ServerProcessOptions, "env" | "reaper" | "spawnInTurn" | "onStderr"> {
  launch: InstanceLaunch;
  limits: EndLimits & { stdio: StdioLimits };
  eras: EraMemory;
  /** Aborts the start; the process that runs by then is the caller's to end. */
  signal: AbortSignal;
  /** Called for each process of the start: a server that ends when it is probed gets a second one. */
  onSpawn(spawned: SpawnedServer): void;
}

export interface SpawnedServer {
  process: ServerProcess;
  upstream: StdioUpstream;
}

export interface StartedServer extends SpawnedServer {
  identity: UpstreamIdentity;
  /** Undefined when it has tools but cannot list them. */
  toolCount: number | undefined;
}

/**
 * Spawns a server and shakes hands with it.
 *
 * @throws {McpctlError} `upstream-unavailable`, `upstream-protocol`, `upstream-timeout`; the signal's reason.
 */
export async function startServer(options: ServerStartOptions): Promise<StartedServer> {
  const { launch, eras, signal } = options;
  const knownEra = eras.find(launch);
  const spawned = await spawnServer(options, knownEra);
  const started = await meet(spawned, signal).catch(async (error: unknown) => {
    const endedOnProbe = knownEra === undefined && !signal.aborted && (await hasExited(spawned.process));
    // Should the verdict be out of date, the next start finds out.
    eras.forget(launch);
    if (!endedOnProbe) throw error;
    await spawned.process.kill();
    // Some servers end at a message that they do not know; the oldest greeting is known to all.
    return meet(await spawnServer(options, "legacy"), signal);
  });
  // Its date stays that of the probe, so that a program that restarts often is probed again some day.
  if (started.identity.era !== knownEra) eras.set(launch, started.identity.era);
  return started;
}

async function spawnServer(options: ServerStartOptions, knownEra: Era | undefined): Promise<SpawnedServer> {
  const { launch, limits, onSpawn } = options;
  const process = await startServerProcess({ ...options, command: launch.command, args: launch.args });
  const upstream = new StdioUpstream({
    server: launch.server,
    stdin: process.stdin,
    stdout: process.stdout,
    startTimeoutSeconds: launch.startTimeoutSeconds,
    timeoutSeconds: launch.timeoutSeconds,
    knownEra,
    limits: limits.stdio,
    onBroken: process.expectExit,
  });
  void process.exited.then((exit) => upstream.fail(describeExit(exit)));
  onSpawn({ process, upstream });
  return { process, upstream };
}

async function meet(spawned: SpawnedServer, signal: AbortSignal): Promise<StartedServer> {
  const identity = await spawned.upstream.connect(signal);
  const toolCount = await countTools(spawned.upstream, identity, signal).catch((error: unknown) => {
    // It may still be worth something without its tools.
    if (hasCode(error, "upstream-protocol")) return undefined;
    throw error;
  });
  return { ...spawned, identity, toolCount };
}

/** Asks after the connection failed, which it does when the process is gone. */
async function hasExited({ exited }: ServerProcess): Promise<boolean> {
  return (await Promise.race([exited, Promise.resolve(undefined)])) !== undefined;
}

export function describeExit({ code, signal }: ProcessExit): string {
  return signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
}

/** What to say of a start that failed. */
export function describeStartFailure(error: unknown, startTimeoutSeconds: number): string {
  const isTimeout = error instanceof DOMException && error.name === "TimeoutError";
  if (isTimeout) return `The server did not complete the MCP handshake within ${startTimeoutSeconds} s`;
  if (error instanceof McpctlError) return error.message;
  // Our own bug: one server shows it, the others go on.
  return `Unexpected error: ${error instanceof Error ? error.message : String(error)}`;
}
