import { type ConformingOptions, startConformingServer, TOKEN } from "./conforming-server.ts";
import { type Ran, runMcpctl, type RunOptions } from "./run-mcpctl.ts";

/** One check as `-o json` shows it. */
export interface ShownCheck {
  id: string;
  status: "ok" | "warn" | "fail" | "skip";
  seen?: string;
}

export interface Tested extends Ran {
  checks: ShownCheck[];
  /** Ids of what warned or failed. */
  bad: string[];
}

/** Runs `mcpctl test mcp URL -o json`, with the right token unless told otherwise. */
export async function testUrl(url: string, flags: readonly string[] = [], options: RunOptions = {}): Promise<Tested> {
  const argv = ["test", "mcp", url, "-o", "json", ...flags];
  const ran = await runMcpctl(argv, { mcpToken: TOKEN, ...options });
  const { checks = [] } = (ran.out.length > 0 ? JSON.parse(ran.out.join("\n")) : {}) as { checks?: ShownCheck[] };
  const bad = checks.filter(({ status }) => status === "warn" || status === "fail").map(({ id }) => id);
  return { ...ran, checks, bad };
}

/** The same against a server that breaks no rule, apart from the one that is planted. */
export async function testServer(
  server: ConformingOptions,
  flags: readonly string[] = [],
  options: RunOptions = {},
): Promise<Tested> {
  const { url, close } = await startConformingServer(server);
  try {
    return await testUrl(url, flags, options);
  } finally {
    await close();
  }
}
