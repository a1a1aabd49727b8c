#!/usr/bin/env node
import { readConfig } from "./config.ts";
import { INTERRUPTED } from "./print-error.ts";
import { createProcessIo } from "./process-io.ts";
import { runCli } from "./run-cli.ts";

const { argv, stdin, stdout, stderr } = process;
const controller = new AbortController();

/** The first one asks the command to stop, the second does not ask. */
function interrupt(): void {
  if (controller.signal.aborted) process.exit(INTERRUPTED);
  controller.abort(new DOMException("Interrupted", "AbortError"));
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);

process.exitCode = await runCli(argv.slice(2), {
  io: createProcessIo({ stdin, stdout, stderr, signal: controller.signal, interrupt }),
  config: readConfig(argv[1] ?? "mcpctl"),
  now: () => new Date(),
  signal: controller.signal,
  loadUp: () => import("@mcpctl/up/up.ts"),
  async runMcp(options) {
    const { runStdio } = await import("@mcpctl/up/stdio.ts");
    const streams = { stdin, stdout, stderr };
    const code = await runStdio({ ...options, streams, parentPid: () => process.ppid, signal: controller.signal });
    // Whatever could not be closed in time must not keep it alive.
    return process.exit(code);
  },
  openBrowser: async (url) => (await import("./open-browser.ts")).openBrowser(url),
});
