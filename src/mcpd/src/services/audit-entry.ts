import { randomUUID } from "node:crypto";
import { principalName } from "@mcpctl/shared/rbac/principal.ts";
import { redactTokens } from "@mcpctl/shared/tokens/index.ts";
import type { AuditEntry } from "../repositories/audit-interfaces.ts";
import type { RequestContext } from "./request-context.ts";

/** What was done or tried, as an audit row tells it. */
export interface Deed {
  verb: string;
  resource: string;
  name?: string | undefined;
  project?: string | undefined;
}

const MAX_TEXT = 1_000;

/**
 * What is written down of a deed that was allowed and done. Names come from whoever asks, who may write anything: no
 * text of theirs keeps the row from being stored, and no bearer gets into it.
 */
export function toAuditEntry(context: RequestContext, deed: Deed): AuditEntry {
  const { principal, requestId, decidedBy, source, requestBytes } = context;
  return {
    id: randomUUID(),
    requestId: text(requestId),
    source,
    principal: text(principalName(principal)),
    ...(principal.kind === "User" && { user: text(principal.name) }),
    ...(principal.kind === "McpToken" && {
      user: principal.creator.name,
      tokenName: principal.name,
      tokenSha: principal.sha,
    }),
    verb: deed.verb,
    resource: deed.resource,
    ...(deed.name !== undefined && { name: text(deed.name) }),
    ...(deed.project !== undefined && { project: text(deed.project) }),
    decision: "allow",
    decidedBy: text(decidedBy),
    outcome: "success",
    count: 1,
    requestBytes,
  };
}

function text(given: string): string {
  return redactTokens(given).slice(0, MAX_TEXT).replaceAll("\u0000", "\ufffd").toWellFormed();
}
