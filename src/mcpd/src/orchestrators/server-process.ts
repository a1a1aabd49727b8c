import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { endGroup, killGroup, signalGroup } from "./process-group.ts";
import type { Reaper } from "./reaper.ts";
import type { SpawnInTurn } from "./spawn-turns.ts";

export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface EndLimits {
  /** How long a server has to leave by itself when its stdin is closed. */
  stdinGraceMs: number;
  /** How long its group has to leave after SIGTERM. */
  termGraceMs: number;
}

export interface ServerProcessOptions {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  onStderr(chunk: Buffer): void;
  reaper: Reaper;
  spawnInTurn: SpawnInTurn;
  limits: EndLimits;
}

/** The process of a server, with everything that it starts in its group. */
export interface ServerProcess {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Settles when the process itself is gone and its last output is read. Never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** Asks it to leave, then makes it; returns when nothing is left of its group. */
  end(): Promise<void>;
  /** Ends at once what is left of its group. */
  kill(): Promise<void>;
  /** Says that its pipes have ended: it should be gone in a moment, and is made to, unless it is being ended anyway. */
  expectExit(): void;
}

/** What a server wrote before it ended is read within this time; a process of another group may hold the pipe longer. */
const DRAIN_MS = 50;
const EXIT_MS = 50;

/**
 * Starts a program, never through a shell, in a session and group of its own.
 *
 * @throws {McpctlError} `upstream-unavailable` when it cannot be run.
 */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { reaper, limits } = options;
  const { child, pid } = await spawnRegistered(options);
  let isEnding = false;
  let isGone = false;
  const exited = exitOf(child).then(async (exit) => {
    // What a crashed server started holds its ports and files, which the next one needs.
    if (!isEnding) signalGroup(pid, "SIGKILL");
    await drained(child.stdout);
    return exit;
  });

  /** Once nothing is left, the number of the group may come to mean another one. */
  async function finish(end: () => Promise<void>): Promise<void> {
    if (!isGone) await end();
    isGone = true;
    reaper.remove(pid);
    await exited;
  }

  return {
    pid,
    stdin: child.stdin,
    stdout: child.stdout,
    exited,
    async end() {
      isEnding = true;
      child.stdin.end();
      await Promise.race([exited, sleep(limits.stdinGraceMs)]);
      await finish(() => endGroup(pid, limits.termGraceMs));
    },
    kill: () => finish(() => killGroup(pid)),
    expectExit() {
      void Promise.race([exited, sleep(EXIT_MS)]).then((exit) => {
        if (!exit && !isEnding) signalGroup(pid, "SIGKILL");
      });
    },
  };
}

interface SpawnedChild {
  child: ChildProcessWithoutNullStreams;
  pid: number;
}

async function spawnRegistered(options: ServerProcessOptions): Promise<SpawnedChild> {
  const { command, args, env, reaper, spawnInTurn } = options;
  try {
    const { child, pid, running } = await spawnInTurn(() => {
      reaper.start();
      const started = spawn(command, args, { detached: true, env, shell: false, stdio: "pipe" });
      if (started.pid !== undefined) reaper.add(started.pid);
      return { child: started, pid: started.pid, running: untilSpawned(started) };
    });
    await running;
    if (pid === undefined) throw new Error("it has no process id");
    child.on("error", () => {});
    child.stderr.on("data", options.onStderr).on("error", () => {});
    return { child, pid };
  } catch (cause) {
    throw cannotRun(options, cause);
  }
}

function untilSpawned(child: ChildProcessWithoutNullStreams): Promise<void> {
  return new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such program",
  EACCES: "it is not executable",
  ENOEXEC: "it is no program",
  EMFILE: "mcpd has too many open files",
  E2BIG: "its arguments and variables are too long",
};

function cannotRun({ command, env }: ServerProcessOptions, cause: unknown): McpctlError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const why = REASONS[code] ?? (cause instanceof Error ? cause.message : String(cause));
  const where = code === "ENOENT" && !command.includes("/") ? ` in PATH (${env["PATH"] ?? ""})` : "";
  return new McpctlError("upstream-unavailable", `Cannot run "${command}": ${why}${where}`, {
    hint: "Install it on the host of mcpd, or give its full path in spec.command",
    cause,
  });
}

function exitOf(child: ChildProcessWithoutNullStreams): Promise<ProcessExit> {
  return new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
}

async function drained(stdout: Readable): Promise<void> {
  if (stdout.closed) return;
  await Promise.race([new Promise((resolve) => stdout.once("close", resolve)), sleep(DRAIN_MS)]);
}
