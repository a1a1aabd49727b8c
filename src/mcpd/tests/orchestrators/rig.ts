import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createLogger } from "@mcpctl/shared/log.ts";
import type { Upstream, UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import { readDataDirId } from "../../src/orchestrators/data-dir-id.ts";
import type {
  InstanceLaunch,
  InstanceState,
  Orchestrator,
  RunningInstance,
} from "../../src/orchestrators/orchestrator.ts";
import { createProcessOrchestrator } from "../../src/orchestrators/process.orchestrator.ts";
import type { ProcessLimits } from "../../src/orchestrators/process-limits.ts";

export const INHERITED_ENV = { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent" };
export const QUIET = createLogger({ program: "test", level: "silent", write: () => {} });
const WAIT_MS = 20_000;

export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../../../../tests/fixtures/${name}`, import.meta.url));
}

export interface Rig extends AsyncDisposable {
  dataDir: string;
  orchestrator: Orchestrator;
  /** Starts a fixture without waiting for it. */
  start(fixture: string, launch?: Partial<InstanceLaunch>): RunningInstance;
  /** Starts a fixture and waits until it runs. */
  run(fixture: string, launch?: Partial<InstanceLaunch>): Promise<RunningInstance>;
  /** Every state that an instance went through. */
  statesOf(name: string): InstanceState[];
}

/** @param keptDir - a data directory that is there, and outlives the rig. */
export function createRig(limits: Partial<ProcessLimits> = {}, keptDir?: string): Rig {
  const dataDir = keptDir ?? mkdtempSync(join(tmpdir(), "mcpd-orchestrator-"));
  const orchestrator = createProcessOrchestrator({ dataDir, inheritedEnv: INHERITED_ENV, limits, log: QUIET });
  const states = new Map<string, InstanceState[]>();
  const start = (fixture: string, launch: Partial<InstanceLaunch> = {}) => {
    const name = launch.name ?? `i${states.size}`;
    const seen: InstanceState[] = [];
    states.set(name, seen);
    return orchestrator.start({ ...launchOf(fixture), name, ...launch }, (state) => seen.push(state));
  };
  return {
    dataDir,
    orchestrator,
    start,
    statesOf: (name) => states.get(name) ?? [],
    async run(fixture, launch) {
      const instance = start(fixture, launch);
      await until(
        () => instance.state.phase === "Running",
        () => JSON.stringify(instance.state),
      );
      return instance;
    },
    async [Symbol.asyncDispose]() {
      await orchestrator[Symbol.asyncDispose]();
      if (keptDir === undefined) await rm(dataDir, { recursive: true });
    },
  };
}

function launchOf(fixture: string): InstanceLaunch {
  return {
    name: fixture,
    server: fixture,
    command: process.execPath,
    args: [fixturePath(`stdio-${fixture}.mjs`)],
    env: {},
    startTimeoutSeconds: 20,
    timeoutSeconds: 20,
  };
}

export async function until(isTrue: () => boolean, describe: () => string = () => ""): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error(`Waited in vain. ${describe()}`);
    await sleep(10);
  }
}

/** Calls a tool and gives the text of its result, parsed when it is JSON. */
export async function callTool(upstream: Upstream, name: string, args: object = {}) {
  const reply = await upstream.request(
    "tools/call",
    { name, arguments: args },
    { signal: new AbortController().signal },
  );
  return textOf(reply);
}

export function textOf(reply: UpstreamReply) {
  const value = valueOf(reply);
  const text = value.content?.[0]?.text ?? value;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function valueOf({ json }: UpstreamReply) {
  return JSON.parse(Buffer.from(json).toString());
}

/** A zombie is dead: it only waits for its parent to take note. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Processes on this host whose environment names this data directory. */
export function processesOf(dataDir: string): number[] {
  const marker = `MCPCTL_INSTANCE_ID=${readDataDirId(dataDir)}/`;
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  return pids.map(Number).filter((pid) => readProc(`/proc/${pid}/environ`).includes(marker));
}

/** The reaper that guards this data directory. */
export function reapersOf(dataDir: string): number[] {
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  return pids.map(Number).filter((pid) => {
    const words = readProc(`/proc/${pid}/cmdline`);
    return words.includes("mcpctl-reaper") && words.includes(readDataDirId(dataDir));
  });
}

function readProc(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
