import { spawn } from "node:child_process";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { signalGroup } from "./process-group.ts";
import { createStderrTail } from "./stderr-tail.ts";

interface NpmInstallOptions {
  /** An empty directory to install into. */
  directory: string;
  env: Readonly<Record<string, string | undefined>>;
  timeoutSeconds: number;
  signal: AbortSignal;
}

const FLAGS = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--omit=dev", "--loglevel=error"];
const OUTPUT_BYTES = 16_384;
const OUTPUT_LINES = 12;

/**
 * Installs one package, given as NAME@VERSION, with npm, without running any script of it or of what it needs.
 *
 * @throws {McpctlError} `upstream-unavailable`, with the end of what npm said.
 */
export async function installNpmPackage(wanted: string, options: NpmInstallOptions): Promise<void> {
  const { directory, signal, timeoutSeconds } = options;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1000)]);
  const args = ["install", ...FLAGS, "--prefix", directory, "--", wanted];
  const { failure, output } = await runNpm(args, { ...options, signal: limit });
  if (failure === undefined) return;
  const isLate = limit.aborted && !signal.aborted;
  const why = isLate ? `npm did not finish within ${timeoutSeconds} s` : failure;
  throw new McpctlError("upstream-unavailable", `Cannot install ${wanted}: ${why}${output && `\n${output}`}`, {
    hint: `Check the name, the version and the registry on the host of mcpd: npm view ${wanted}`,
  });
}

interface NpmOutcome {
  failure: string | undefined;
  output: string;
}

async function runNpm(args: string[], { directory, env, signal }: NpmInstallOptions): Promise<NpmOutcome> {
  const output = createStderrTail(OUTPUT_BYTES);
  // A group of its own, so that what npm starts ends with it.
  const child = spawn("npm", args, { cwd: directory, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.on("data", output.push);
  child.stderr.on("data", output.push);
  const kill = () => void (child.pid !== undefined && signalGroup(child.pid, "SIGKILL"));
  if (signal.aborted) kill();
  signal.addEventListener("abort", kill);
  const failure = await new Promise<string | undefined>((resolve) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code === "ENOENT" ? "there is no npm in PATH" : error.message);
    });
    child.on("close", (code) => resolve(code === 0 ? undefined : `npm ended with ${code ?? "a signal"}`));
  });
  signal.removeEventListener("abort", kill);
  return { failure, output: output.readSinceMark(OUTPUT_LINES) };
}
