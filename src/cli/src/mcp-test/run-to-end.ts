import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Environment } from "../config.ts";

interface ProgramOptions {
  args: readonly string[];
  cwd: string;
  environment: Environment;
  /** Ends the program. */
  signal: AbortSignal;
}

/** Runs a program to its end, whatever its exit code. @throws {McpctlError} `conformance-unavailable` without it. */
export async function runToEnd(
  program: string,
  { args, cwd, environment, signal }: ProgramOptions,
): Promise<{ output: string; errors: string }> {
  const child = spawn(program, args, { cwd, env: { ...environment }, stdio: ["ignore", "pipe", "pipe"], signal });
  try {
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { output, errors };
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? String(cause.code) : "it failed";
    throw new McpctlError("conformance-unavailable", `${program} did not run: ${why}`, { cause });
  }
}
