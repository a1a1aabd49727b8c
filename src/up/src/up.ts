import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { configSchema } from "@mcpctl/mcpd/config.ts";
import { openConfiguredDatabase } from "@mcpctl/mcpd/configured-database.ts";
import type { Mcpd } from "@mcpctl/mcpd/mcpd.ts";
import { Cleanup } from "@mcpctl/shared/cleanup.ts";
import { HEAP_FLAGS } from "@mcpctl/shared/heap-flags.ts";
import { failureLines, McpctlError } from "@mcpctl/shared/errors.ts";
import { listenAddress } from "@mcpctl/shared/settings.ts";
import { watchStep } from "@mcpctl/shared/slow-step.ts";
import { hashToken } from "@mcpctl/shared/tokens/index.ts";
import { applyDemo, DEMO_PROJECT, demoFilesDir, mintDemoToken } from "./demo.ts";
import { readLastStart, writeLastStart } from "./last-start.ts";
import { proveToolCall } from "./proof.ts";
import { formatReport, type UpReport } from "./report.ts";

export interface UpOptions {
  dataDir?: string | undefined;
  /** HOST:PORT of the REST API. */
  listen?: string | undefined;
  /** HOST:PORT of the gateway. */
  gatewayListen?: string | undefined;
  databaseUrl?: string | undefined;
  output: "text" | "json";
  io: { out(line: string): void; err(line: string): void; isTty: boolean };
  /** Ends it. */
  signal: AbortSignal;
  /** How this user calls mcpctl, for the commands that are printed. */
  cliCommand: string;
}

const DEFAULT_GATEWAY_LISTEN = "127.0.0.1:7420";
const ADMIN = "admin";
const DEMO_CONTEXT = {
  principal: { kind: "User", name: ADMIN, groups: [] },
  requestId: "up",
  decidedBy: "mcpctl up",
} as const;
const SYSTEM = { principal: { kind: "System", name: "up" }, requestId: "up", decidedBy: "mcpctl up" } as const;

/**
 * Starts control plane and gateway in this process, with a demo project, and runs until the signal aborts.
 *
 * @returns the exit code.
 * @throws {McpctlError} `port-in-use`, `data-dir-locked`, `database-unavailable`, `config-invalid`.
 */
export async function runUp(options: UpOptions): Promise<number> {
  setFlagsFromString(HEAP_FLAGS);
  const { io, signal, output, cliCommand } = options;
  await using cleanup = new Cleanup();
  const config = toConfig(options);
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const onSlowStep = (what: string) => io.err(`${what} ...`);
  const database = openConfiguredDatabase(config, onSlowStep);
  // The rest is loaded while the database opens.
  const [{ startMcpd }, { startGateway }] = await Promise.all([import("@mcpctl/mcpd/mcpd.ts"), import("./gateway.ts")]);
  const mcpd = cleanup.use(
    await startMcpd(config, {
      database,
      onSlowStep,
      onFirstAdmin: ({ user, password }) => io.err(`Administrator ${user}, password ${password} (shown this once)`),
    }),
  );
  const session = await openAdminSession(mcpd.inProcess, config.dataDir);
  const token = await watchStep("Making the demo project", makeDemo(mcpd, config.dataDir), onSlowStep);
  const gateway = cleanup.use(
    await startGateway(mcpd, {
      listen: listenAddress.parse(options.gatewayListen ?? DEFAULT_GATEWAY_LISTEN),
      auditDir: join(config.dataDir, "audit"),
      cacheDir: join(config.dataDir, "known-projects"),
    }),
  );
  const proving = prove(gateway.mcpUrl, token, { mcpd, io, signal });
  const isProven = await watchStep("Waiting for the first tool call", proving, onSlowStep);
  const report: UpReport = { api: mcpd.url, gateway: gateway.mcpUrl, project: DEMO_PROJECT, token, session };
  if (output === "json") io.out(JSON.stringify(report));
  else {
    const isElsewhere = options.listen !== undefined;
    const lines = formatReport({
      ...report,
      isProven,
      dataDir: config.dataDir,
      cliCommand,
      isElsewhere,
    });
    for (const line of lines) io.out(line);
  }
  await untilAborted(signal);
  io.err("Stopping ...");
  return 0;
}

/** @returns the token of the demo. */
async function makeDemo({ inProcess }: Mcpd, dataDir: string): Promise<string> {
  const maker = { inProcess, context: DEMO_CONTEXT };
  await applyDemo(maker, await demoFilesDir(dataDir));
  return mintDemoToken(maker);
}

/** Whoever changed the demo later may have changed the tool that proves it; their own servers run all the same. */
async function prove(
  mcpUrl: string,
  token: string,
  { mcpd, io, signal }: Pick<UpOptions, "io" | "signal"> & { mcpd: Mcpd },
): Promise<boolean> {
  try {
    await proveToolCall(mcpUrl, token, signal);
    return true;
  } catch (error) {
    if (mcpd.isFirstStart || !(error instanceof McpctlError)) throw error;
    for (const line of failureLines(error)) io.err(line);
    return false;
  }
}

function toConfig({ dataDir, listen, databaseUrl }: UpOptions) {
  const parsed = configSchema.safeParse({
    ...(dataDir !== undefined && { dataDir }),
    ...(listen !== undefined && { listen }),
    ...(databaseUrl !== undefined && { databaseUrl }),
    adminUser: ADMIN,
    packageRoots: fileURLToPath(new URL(".", import.meta.url)),
    logLevel: "warn",
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const flag = `--${String(issue?.path[0]).replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw new McpctlError("config-invalid", `${flag}: ${issue?.message ?? "is invalid"}`, {
    hint: "See: mcpctl up --help",
  });
}

/** A new session for the administrator; the one of the last start ends, because nobody should find two. */
async function openAdminSession({ sessions }: Mcpd["inProcess"], dataDir: string): Promise<string> {
  const last = await readLastStart(dataDir);
  if (last) await sessions.end(SYSTEM, last.sessionSha);
  const { token } = await sessions.openFor(SYSTEM, ADMIN);
  await writeLastStart(dataDir, { sessionSha: hashToken(token) });
  return token;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
