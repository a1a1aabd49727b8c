#!/usr/bin/env node
import { ERROR_CODES, failureLines, McpctlError } from "@mcpctl/shared/errors.ts";
import { VERSION } from "@mcpctl/shared/version.ts";
import { readStdioConfig, stdioHelpText } from "./config.ts";
import { readLogins, readSession } from "./stdio/read-login.ts";
import { runStdio } from "./stdio/run-stdio.ts";
import type { StdioConfig } from "./stdio/stdio-settings.ts";

const DEFAULT_MCPD = "http://127.0.0.1:7400";

const argv = process.argv.slice(2);
try {
  if (argv.includes("--help") || argv.includes("-h")) process.stdout.write(stdioHelpText());
  else if (argv.includes("--version")) process.stdout.write(`${VERSION}\n`);
  else process.exit(await serve(readStdioConfig({ argv })));
} catch (thrown) {
  if (!(thrown instanceof McpctlError)) throw thrown;
  process.stderr.write(`${failureLines(thrown).join("\n")}\n`);
  process.exitCode = ERROR_CODES[thrown.code].exit;
}

async function serve({ mcpdUrl: given, credential, configDir, project, ...rest }: StdioConfig): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const mcpdUrl = given ?? (await readLogins(configDir)).current ?? DEFAULT_MCPD;
  return runStdio({
    ...rest,
    mcpdUrl,
    project,
    credential: async () => credential ?? readSession(configDir, mcpdUrl),
    streams: { stdin, stdout, stderr },
    parentPid: () => process.ppid,
    signal: untilStopped(),
  });
}

/** Aborted by the first signal. The second one does not wait for anything. */
function untilStopped(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => (controller.signal.aborted ? process.exit(130) : controller.abort()));
  }
  return controller.signal;
}
