import { principalName } from "@mcpctl/shared/rbac/principal.ts";
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
    await repositories.auditEvents.insert({
      requestId: context.requestId,
      principal: principalName(context.principal),
      verb: "delete",
      resource: "mcptokens",
      name: metadata.name,
      project: metadata.project,
      tokenName: metadata.name,
      tokenSha: status?.sha,
      decision: "allow",
      decidedBy: `its owner was deleted; ${context.decidedBy}`,
      outcome: "success",
    });
  }
}
