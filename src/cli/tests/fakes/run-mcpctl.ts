import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CliDeps } from "../../src/command-context.ts";
import { runCli } from "../../src/run-cli.ts";
import { FAKE_TOKEN } from "./fake-api.ts";
import { createTestIo, type TestIoOptions } from "./test-io.ts";

export interface RunOptions extends TestIoOptions {
  /** MCPCTL_SERVER. */
  server?: string | undefined;
  /** MCPCTL_TOKEN; a valid one by default. */
  token?: string | undefined;
  /** MCPCTL_MCP_TOKEN. */
  mcpToken?: string | undefined;
  /** Environment of programs that are started; an empty one by default. */
  childEnvironment?: CliDeps["config"]["childEnvironment"];
  project?: string | undefined;
  directory?: string | undefined;
  signal?: AbortSignal;
  loadUp?: CliDeps["loadUp"];
  runMcp?: CliDeps["runMcp"];
  /** No browser opens when absent. */
  openBrowser?: (url: string) => void;
}

export interface Ran {
  code: number;
  out: string[];
  err: string[];
  /** Both streams and the exit code as golden files show them. */
  transcript: string;
}

/** An hour past the day on which the fake API created everything. */
const NOW = "2026-01-02T01:00:00.000Z";

/** Runs one command line as a user types it; words with spaces are given as an array. */
export async function runMcpctl(line: string | readonly string[], options: RunOptions = {}): Promise<Ran> {
  const argv = typeof line === "string" ? line.split(" ").filter((word) => word !== "") : line;
  const { io, out, err } = createTestIo(options);
  const { server, project, directory = "/nonexistent/mcpctl", token = FAKE_TOKEN } = options;
  const code = await runCli(argv, {
    io,
    config: {
      server,
      token: "token" in options ? options.token : token,
      mcpToken: options.mcpToken,
      project,
      directory,
      stateDirectory: "/nonexistent/state",
      cliCommand: "mcpctl",
      childEnvironment: options.childEnvironment ?? {},
    },
    now: () => new Date(NOW),
    signal: options.signal ?? new AbortController().signal,
    loadUp: options.loadUp ?? (() => Promise.reject(new Error("up is not part of this test"))),
    runMcp: options.runMcp ?? (() => Promise.reject(new Error("mcp is not part of this test"))),
    openBrowser: async (url) => options.openBrowser?.(url),
  });
  const shown = [
    `$ mcpctl ${argv.map(quoted).join(" ")}`,
    ...out,
    ...err.map((text) => `stderr: ${text}`),
    `exit ${code}`,
  ];
  return { code, out, err, transcript: `${shown.map((text) => text.trimEnd()).join("\n")}\n` };
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`;
}

/** A directory that is gone when its scope ends. */
export async function temporaryDirectory(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "mcpctl-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
