import { randomUUID } from "node:crypto";
import { principalName } from "@mcpctl/shared/rbac/principal.ts";
import type { AuditEntry } from "../repositories/audit-interfaces.ts";
import type { RequestContext } from "./request-context.ts";

/** What was done or tried, as an audit row tells it. */
export interface Deed {
  verb: string;
  resource: string;
  name?: string | undefined;
  project?: string | undefined;
}

/** What is written down of a deed that was allowed and done. */
export function toAuditEntry(context: RequestContext, deed: Deed): AuditEntry {
  const { principal, requestId, decidedBy, source, requestBytes } = context;
  return {
    id: randomUUID(),
    requestId,
    source,
    principal: principalName(principal),
    ...(principal.kind === "User" && { user: principal.name }),
    ...(principal.kind === "McpToken" && {
      user: principal.creator.name,
      tokenName: principal.name,
      tokenSha: principal.sha,
    }),
    ...deed,
    decision: "allow",
    decidedBy,
    outcome: "success",
    count: 1,
    requestBytes,
  };
}
