import { principalName } from "@mcpctl/shared/rbac/principal.ts";
import type { AuditEventRow } from "../repositories/interfaces.ts";
import type { HookScope } from "./kind-hooks.ts";

type Consequence = Pick<AuditEventRow, "verb" | "resource" | "name" | "project" | "tokenName" | "tokenSha">;

/** Records what a write brings about beside what was asked for, in the transaction of the write. */
export async function recordConsequence(
  { repositories, context }: Pick<HookScope, "repositories" | "context">,
  consequence: Consequence,
  why: string,
): Promise<void> {
  await repositories.auditEvents.insert({
    requestId: context.requestId,
    principal: principalName(context.principal),
    ...consequence,
    decision: "allow",
    decidedBy: `${why}; ${context.decidedBy}`,
    outcome: "success",
  });
}
