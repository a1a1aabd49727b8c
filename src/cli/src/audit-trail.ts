import { AUDIT_DECISIONS, type AuditEvent } from "@mcpctl/shared/api/audit.ts";
import { parseTtl } from "@mcpctl/shared/duration.ts";
import { API_VERSION } from "@mcpctl/shared/kinds/kind.ts";
import { usageError } from "./args.ts";
import type { FlagSpec } from "./command.ts";
import type { CommandContext } from "./command-context.ts";
import { toAge } from "./printers/age.ts";
import { toJson, toYaml } from "./printers/objects.ts";
import { formatTable } from "./printers/table.ts";

/** What stands where `get` has a kind. The trail is none: nobody creates, names or deletes a row of it. */
export const AUDIT_WORD = "audit";
const DEFAULT_LIMIT = 50;

/** Flags of `get` that are about the audit trail alone. */
export const auditFlags = {
  token: { type: "string", placeholder: "NAME|SHA", description: "Audit: only of this token, by name or hash." },
  user: { type: "string", placeholder: "USER", description: "Audit: only of this user, or of their tokens." },
  since: { type: "string", placeholder: "1h|TIME", description: "Audit: only from this time on." },
  decision: { type: "choice", choices: AUDIT_DECISIONS, description: "Audit: only what was allowed, or denied." },
  limit: {
    type: "integer",
    placeholder: "ROWS",
    minimum: 1,
    description: `Audit: at most so many rows (default: ${DEFAULT_LIMIT}).`,
  },
} as const satisfies Record<string, FlagSpec>;

type AuditFlags = {
  [Key in Exclude<keyof typeof auditFlags, "limit" | "decision">]: string | undefined;
} & { limit: number | undefined; decision: (typeof AUDIT_DECISIONS)[number] | undefined };

interface AuditInput extends AuditFlags {
  project: string | undefined;
  output: "table" | "wide" | "json" | "yaml" | "name";
  hasHeaders: boolean;
}

/** @throws {McpctlError} `invalid` */
export function requireNoAuditFlags(flags: AuditFlags): void {
  const [given] = Object.entries(flags).find(([, value]) => value !== undefined) ?? [];
  if (given !== undefined) throw usageError(`--${given} is about the audit trail`, `See it with: mcpctl get audit`);
}

export function notOfAudit() {
  return usageError(
    "Rows of the audit trail have neither names nor labels",
    "See it with: mcpctl get audit --since 1h",
  );
}

/** Shows the newest rows of the audit trail. */
export async function showAudit(context: CommandContext, input: AuditInput): Promise<void> {
  const { io, now } = context;
  const { output, hasHeaders, since, limit = DEFAULT_LIMIT, token, user, project, decision } = input;
  const filter = { token, user, project, decision, since: since === undefined ? undefined : parseSince(since, now()) };
  const api = await context.api();
  const items = await api.listAudit(filter, limit);
  const list = { apiVersion: API_VERSION, kind: "AuditEventList", items };
  if (output === "json") return io.out(toJson(list));
  if (output === "yaml") return io.out(toYaml(list));
  if (items.length === 0) return io.err("No audit events found");
  for (const line of formatAudit(items, { isWide: output === "wide", hasHeaders, now: now() })) io.out(line);
}

function parseSince(text: string, now: Date): string {
  try {
    const time = parseTtl(text);
    if (time !== "never")
      return "at" in time ? time.at : new Date(now.getTime() - time.afterSeconds * 1_000).toISOString();
  } catch {
    // What it cannot be is said below, in the words of this flag.
  }
  throw usageError(
    `--since "${text}" is neither a duration nor a time`,
    "Write for example 1h, 7d or 2027-01-31T00:00:00Z",
  );
}

interface Style {
  isWide: boolean;
  hasHeaders: boolean;
  now: Date;
}

function formatAudit(events: readonly AuditEvent[], { isWide, hasHeaders, now }: Style): string[] {
  const usual = ["Age", "Who", "Verb", "What", "Decision", "Outcome", "Count"];
  const wide = ["Row", "Time", "Project", "Took", "Decided by", "Recorded by"];
  return formatTable({
    headers: isWide ? [...usual, ...wide] : usual,
    rows: events.map((event) => {
      const { time, principal, verb, decision, outcome, code, count } = event;
      const how = code === undefined ? outcome : `${outcome}: ${code}`;
      const cells = [toAge(time, now), principal, verb, whatOf(event), decision, how, String(count)];
      return isWide ? [...cells, ...wideCells(event)] : cells;
    }),
    hasHeaders,
  });
}

function wideCells({ seq, time, project, durationMs, decidedBy, source }: AuditEvent): (string | undefined)[] {
  return [String(seq), time, project, durationMs === undefined ? undefined : `${durationMs}ms`, decidedBy, source];
}

function whatOf({ resource, name, server, tool }: AuditEvent): string {
  const words = tool === undefined ? [resource, name] : [server, tool];
  return words.filter((word) => word !== undefined).join("/");
}
