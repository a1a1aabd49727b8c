import { hasCode, McpctlError } from "@mcpctl/shared/errors.ts";
import type { McpToken } from "@mcpctl/shared/kinds/mcp-tokens.ts";
import type { RbacDefinition, RoleBinding } from "@mcpctl/shared/kinds/rbac-definitions.ts";
import type { HookScope } from "./kind-hooks.ts";
import { recordConsequence } from "./record-consequence.ts";

type Scope = Pick<HookScope, "repositories" | "context">;

interface NewToken {
  definition: string;
  project: string;
  name: string;
  sha: string;
}

/** Name of the RbacDefinition that holds the bindings of a token; undefined for a token without any. */
export function definitionName(
  { project, name }: { project: string; name: string },
  bindings: readonly RoleBinding[],
): string | undefined {
  return bindings.length === 0 ? undefined : `mcptoken.${project}.${name}`;
}

/**
 * Makes the RbacDefinition that holds the bindings of a new token.
 *
 * @throws {McpctlError} `already-exists` when somebody has made another one of that name.
 */
export async function createTokenDefinition(
  scope: Scope,
  { definition, project, name, sha }: NewToken,
  roleBindings: readonly RoleBinding[],
): Promise<void> {
  const spec: RbacDefinition["spec"] = { subjects: [{ kind: "McpToken", name: sha }], roleBindings: [...roleBindings] };
  const ref = { plural: "rbac", project: "", name: definition };
  const content = { labels: {}, annotations: {}, managedFields: [], spec };
  try {
    await scope.repositories.resources.insert(ref, "RbacDefinition", content, {});
  } catch (thrown) {
    throw hasCode(thrown, "already-exists") ? taken(definition, thrown) : thrown;
  }
  const deed = { verb: "create", resource: "rbac", name: definition, tokenName: name, tokenSha: sha };
  await recordConsequence(scope, deed, `bindings of mcptoken ${project}/${name}`);
}

/** Deletes the RbacDefinition of a token that ends. What was granted to the token elsewhere grants nothing any more. */
export async function deleteTokenDefinition(scope: Scope, { metadata, status }: McpToken): Promise<void> {
  if (status?.definition === undefined) return;
  const { resources } = scope.repositories;
  const ref = { plural: "rbac", project: "", name: status.definition };
  const found = await resources.find<RbacDefinition>(ref);
  // Somebody may have deleted it, and made another one of that name.
  const isOwn = found?.spec.subjects.some(({ kind, name }) => kind === "McpToken" && name === status.sha) ?? false;
  if (!isOwn) return;
  await resources.delete(ref);
  const deed = { verb: "delete", resource: "rbac", name: status.definition };
  await recordConsequence(
    scope,
    { ...deed, tokenName: metadata.name, tokenSha: status.sha },
    `mcptoken ${metadata.project}/${metadata.name} has ended`,
  );
}

function taken(definition: string, cause: unknown): McpctlError {
  return new McpctlError("already-exists", `RbacDefinition "${definition}" exists, and is not of this token`, {
    hint: `Look at it with: mcpctl describe rbac ${definition}`,
    cause,
  });
}
