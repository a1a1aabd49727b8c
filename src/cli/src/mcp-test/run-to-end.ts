import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Environment } from "../config.ts";

/** How long a program may take to end when it is told to. */
const GRACE_MS = 5_000;

interface ProgramOptions {
  args: readonly string[];
  cwd: string;
  environment: Environment;
  /** Ends the program. */
  signal: AbortSignal;
}

interface Ended {
  output: string;
  errors: string;
}

/**
 * Runs a program to its end, whatever its exit code. Returns only when it is gone, and whatever it started too.
 *
 * @throws {McpctlError} `conformance-unavailable` when it does not start, or had to be ended.
 */
export async function runToEnd(program: string, { args, cwd, environment, signal }: ProgramOptions): Promise<Ended> {
  // A group of its own: npx does not always hand on what ends it.
  const child = spawn(program, args, {
    cwd,
    env: { ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const kill = (how: NodeJS.Signals) => child.pid !== undefined && killGroup(child.pid, how);
  let timer: NodeJS.Timeout | undefined;
  const end = () => {
    kill("SIGTERM");
    timer = setTimeout(() => kill("SIGKILL"), GRACE_MS);
  };
  const killAtExit = () => kill("SIGKILL");
  signal.addEventListener("abort", end);
  process.once("exit", killAtExit);
  try {
    if (signal.aborted) end();
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    if (!signal.aborted) return { output, errors };
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? String(cause.code) : "it failed";
    throw new McpctlError("conformance-unavailable", `${program} did not run: ${why}`, { cause });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    process.off("exit", killAtExit);
  }
  throw new McpctlError("conformance-unavailable", `${program} took too long`);
}

function killGroup(pid: number, how: NodeJS.Signals): void {
  try {
    process.kill(-pid, how);
  } catch {
    // It is gone already.
  }
}
