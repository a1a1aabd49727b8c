import type { HookScope } from "./kind-hooks.ts";
import { recordConsequence } from "./record-consequence.ts";
import { deleteTokenDefinition } from "./token-definition.ts";

/**
 * Deletes the tokens of a project or a creator before it goes, each with an audit row of its own. The database would
 * drop their hashes by itself; this is what leaves a trace and tells the gateways.
 */
export async function deleteTokensOf(
  scope: HookScope,
  owner: { projectUid: string } | { creatorUid: string },
): Promise<void> {
  const { mcpTokens, resources } = scope.repositories;
  for (const token of await mcpTokens.listByOwner(owner)) {
    const { name, project } = token.metadata;
    await deleteTokenDefinition(scope, token);
    await resources.delete({ plural: "mcptokens", project: project ?? "", name });
    const deed = { verb: "delete", resource: "mcptokens", name, project };
    await recordConsequence(scope, { ...deed, tokenName: name, tokenSha: token.status?.sha }, "its owner was deleted");
  }
}
