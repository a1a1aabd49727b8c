#!/usr/bin/env node
import { setFlagsFromString } from "node:v8";
import { ERROR_CODES, failureLines, McpctlError } from "@mcpctl/shared/errors.ts";
import { HEAP_FLAGS } from "@mcpctl/shared/heap-flags.ts";
import { VERSION } from "@mcpctl/shared/version.ts";
import { configHelp, loadConfig } from "./config.ts";
import { openConfiguredDatabase } from "./configured-database.ts";

setFlagsFromString(HEAP_FLAGS);
const argv = process.argv.slice(2);
if (argv.includes("--version")) process.stdout.write(`${VERSION}\n`);
else if (argv.includes("--help")) process.stdout.write(`${configHelp()}\n`);
else await run();

async function run(): Promise<void> {
  try {
    const config = loadConfig(argv);
    const onSlowStep = (what: string) => void process.stderr.write(`${what} ...\n`);
    const database = openConfiguredDatabase(config, onSlowStep);
    const { startMcpd } = await import("./mcpd.ts");
    const mcpd = await startMcpd(config, {
      database,
      onSlowStep,
      onFirstAdmin({ user, password }) {
        const how = password === undefined ? "the password of the settings" : `password ${password} (shown this once)`;
        process.stderr.write(`First start: made administrator "${user}" with ${how}\n`);
      },
    });
    process.stdout.write(`mcpd listens on ${mcpd.url}\n`);
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop(mcpd));
  } catch (error) {
    fail(error);
  }
}

async function stop(mcpd: AsyncDisposable): Promise<void> {
  // A second signal means: now.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  await mcpd[Symbol.asyncDispose]();
  process.exit(0);
}

function fail(error: unknown): never {
  if (error instanceof McpctlError) {
    process.stderr.write(`${failureLines(error).join("\n")}\n`);
    process.exit(ERROR_CODES[error.code].exit);
  }
  process.stderr.write(`Unexpected error: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
