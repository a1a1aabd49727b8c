import { toAuditEntry } from "../services/audit-entry.ts";
import type { HookScope } from "./kind-hooks.ts";

/**
 * Deletes the tokens of a project or a creator before it goes, each with an audit row of its own. The database would
 * drop their hashes by itself; this is what leaves a trace and tells the gateways.
 */
export async function deleteTokensOf(
  { repositories, context }: HookScope,
  owner: { projectUid: string } | { creatorUid: string },
): Promise<void> {
  for (const { metadata, status } of await repositories.mcpTokens.listByOwner(owner)) {
    await repositories.resources.delete({ plural: "mcptokens", project: metadata.project ?? "", name: metadata.name });
    const deed = { verb: "delete", resource: "mcptokens", name: metadata.name, project: metadata.project };
    const decidedBy = `its owner was deleted; ${context.decidedBy}`;
    const entry = toAuditEntry({ ...context, decidedBy }, deed);
    await repositories.auditEvents.append([{ ...entry, tokenName: metadata.name, tokenSha: status?.sha }]);
  }
}
