import { type ErrorCode, McpctlError } from "@mcpctl/shared/errors.ts";
import type { Severity } from "./check.ts";
import type { Endpoint } from "./endpoint.ts";

export type Status = "ok" | "warn" | "fail" | "skip";

/** One check, as every form of the report shows it. */
export interface CheckResult {
  id: string;
  scope: string;
  title: string;
  status: Status;
  severity: Severity;
  /** Where the rule is written. */
  reference: string;
  /** What the server did, or why nothing was found out. */
  seen?: string | undefined;
  durationMs: number;
  /** What a failure is to scripts. */
  code?: ErrorCode | undefined;
}

/** Everything that was found out about one address. */
export interface TestReport {
  url: string;
  /** Revisions that were tested, newest first. */
  revisions: string[];
  server: { name: string; version?: string } | undefined;
  summary: Record<Status, number>;
  checks: readonly CheckResult[];
}

export function createReport(endpoint: Endpoint, checks: readonly CheckResult[]): TestReport {
  const { modern, legacy, settings } = endpoint;
  const peers = [modern, legacy].filter((peer) => peer !== undefined);
  const info = peers.find(({ serverInfo }) => serverInfo)?.serverInfo;
  const { name, version } = info ?? {};
  const count = (status: Status) => checks.filter((check) => check.status === status).length;
  return {
    url: settings.url.href,
    revisions: peers.map(({ protocolVersion }) => protocolVersion),
    server: typeof name === "string" ? { name, ...(typeof version === "string" && { version }) } : undefined,
    summary: { ok: count("ok"), warn: count("warn"), fail: count("fail"), skip: count("skip") },
    checks,
  };
}

/** What a script learns when several checks failed: the first of these. */
const PRECEDENCE: readonly ErrorCode[] = [
  "unreachable",
  "unauthenticated",
  "forbidden",
  "protocol-violation",
  "tool-error",
  "conformance-unavailable",
];

const HINTS: Partial<Record<ErrorCode, string>> = {
  unreachable: "Check the address, and that the server runs",
  unauthenticated: "Give a token that the endpoint admits with: --token-file FILE",
  forbidden: "The token is valid, and does not open this endpoint",
};

/** The error that a test ends with, or undefined when it has passed. */
export function findFailure({ url, checks, summary }: TestReport): McpctlError | undefined {
  const failing = checks.filter(({ status }) => status === "fail");
  const code = PRECEDENCE.find((candidate) => failing.some((check) => check.code === candidate));
  if (code === undefined) return undefined;
  const named = failing.map(({ id }) => id);
  const total = checks.length - summary.skip;
  return new McpctlError(code, `${failing.length} of ${total} checks failed at ${url}: ${shortened(named)}`, {
    hint: HINTS[code],
  });
}

const MAX_NAMED = 5;

function shortened(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  return names.slice(0, MAX_NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
