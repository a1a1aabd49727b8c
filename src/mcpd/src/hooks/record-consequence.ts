import type { AuditEntry } from "../repositories/audit-interfaces.ts";
import { type Deed, toAuditEntry } from "../services/audit-entry.ts";
import type { HookScope } from "./kind-hooks.ts";

type Consequence = Deed & Pick<AuditEntry, "tokenName" | "tokenSha">;

/** Records what a write brings about beside what was asked for, in the transaction of the write. */
export async function recordConsequence(
  { repositories, context }: Pick<HookScope, "repositories" | "context">,
  { tokenName, tokenSha, ...deed }: Consequence,
  why: string,
): Promise<void> {
  const entry = toAuditEntry({ ...context, decidedBy: `${why}; ${context.decidedBy}` }, deed);
  await repositories.auditEvents.append([{ ...entry, tokenName, tokenSha }]);
}
