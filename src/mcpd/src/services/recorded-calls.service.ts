import { type ShippedEvent, shippedEvent, type ShipResponse } from "@mcpctl/shared/api/audit.ts";
import { fieldErrors } from "@mcpctl/shared/validate.ts";
import type { AuditEntry } from "../repositories/audit-interfaces.ts";
import type { Database } from "../repositories/interfaces.ts";

export type RecordedCallsService = ReturnType<typeof createRecordedCallsService>;

/** Takes tool calls that gateways recorded into the trail. */
export function createRecordedCallsService(database: Pick<Database, "transact">) {
  return {
    /**
     * Adds a batch to the end of the trail. What is there already is left as it is, so that a gateway may send again
     * whatever it does not know to be stored.
     *
     * @param source - the gateway in words; what it sends is what it says, and the row shows that.
     */
    async store(source: string, events: readonly unknown[]): Promise<ShipResponse> {
      const { entries, rejected } = parseAll(source, events);
      const ids = [...entries.keys()];
      if (ids.length === 0) return { stored: 0, duplicates: 0, rejected };
      const duplicates = await database.transact(async (repositories) => {
        await repositories.lockWrites();
        const known = await repositories.auditEvents.findIds(ids);
        await repositories.auditEvents.append([...entries.values()].filter(({ id }) => !known.has(id)));
        return known.size;
      });
      return { stored: ids.length, duplicates, rejected };
    },
  };
}

interface Parsed {
  /** By id: one that comes twice in a batch is one. */
  entries: Map<string, AuditEntry>;
  rejected: ShipResponse["rejected"];
}

function parseAll(source: string, events: readonly unknown[]): Parsed {
  const parsed: Parsed = { entries: new Map(), rejected: [] };
  for (const [at, event] of events.entries()) {
    const { data, error } = shippedEvent.safeParse(event);
    if (data) parsed.entries.set(data.id, parsed.entries.get(data.id) ?? toEntry(source, data));
    else {
      const [first] = fieldErrors(error, shippedEvent);
      parsed.rejected.push({ at, message: `${first?.path ?? "it"}: ${first?.message ?? "is no event"}` });
    }
  }
  return parsed;
}

function toEntry(source: string, event: ShippedEvent): AuditEntry {
  const { id, time, tokenName, tokenSha, user, project, verb, server, tool } = event;
  const { outcome, code, durationMs, requestBytes, replyBytes } = event;
  const isAllowed = server !== undefined && code !== "forbidden";
  const hasToken = tokenName !== "";
  const decider = hasToken ? "the project of the token" : "the project";
  return {
    id,
    at: time,
    source,
    principal: hasToken ? `McpToken:${project}/${tokenName}` : `User:${user}`,
    user,
    ...(hasToken && { tokenName }),
    ...(tokenSha !== "" && { tokenSha }),
    project,
    verb,
    resource: "tools",
    server,
    tool,
    decision: isAllowed ? "allow" : "deny",
    decidedBy: isAllowed ? decider : `${decider} shows no such tool`,
    outcome: outcome === "ok" ? "success" : outcome === "cancelled" ? "cancelled" : "failure",
    code: code ?? (outcome === "tool-error" ? "tool-error" : undefined),
    count: 1,
    durationMs,
    requestBytes,
    replyBytes,
  };
}
