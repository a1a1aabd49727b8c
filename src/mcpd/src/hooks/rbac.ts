import { McpctlError } from "@mcpctl/shared/errors.ts";
import { normalizeBinding } from "@mcpctl/shared/kinds/index.ts";
import type { RbacDefinition } from "@mcpctl/shared/kinds/rbac-definitions.ts";
import { ANY_RESOURCE } from "@mcpctl/shared/rbac/vocabulary.ts";
import type { Repositories } from "../repositories/interfaces.ts";
import type { KindHooks } from "./kind-hooks.ts";
import { requireUser } from "./require-user.ts";

export const rbacHooks: KindHooks<RbacDefinition> = {
  normalize({ spec, ...manifest }) {
    return { ...manifest, spec: { ...spec, roleBindings: spec.roleBindings.map(normalizeBinding) } };
  },

  async beforeWrite({ rbac, context, repositories }, manifest, current) {
    requireUser(context, "grant rights");
    const { subjects, roleBindings } = manifest.spec;
    for (const [at, { kind, name }] of subjects.entries()) {
      if (kind !== "McpToken" || /^[0-9a-f]{64}$/.test(name)) continue;
      throw new McpctlError("invalid", `Subject McpToken:${name} is no hex SHA-256`, {
        hint: "See it with: mcpctl describe mcptoken NAME",
        fields: [{ path: `spec.subjects[${at}].name`, message: "must be the hex SHA-256 of a token" }],
      });
    }
    rbac.requireCover(context.principal, roleBindings, "grant these bindings");
    if (current && grantsAll(current.spec) && !grantsAll(manifest.spec)) await requireAnother(repositories, current);
  },

  async beforeDelete({ context, repositories }, definition) {
    requireUser(context, "take rights away");
    if (grantsAll(definition.spec)) await requireAnother(repositories, definition);
  },
};

/** Whether people get every right by it. */
function grantsAll({ subjects, roleBindings }: RbacDefinition["spec"]): boolean {
  const isForPeople = subjects.some(({ kind }) => kind !== "McpToken");
  const isWhole = roleBindings.some((b) => b.role === "admin" && b.resource === ANY_RESOURCE && b.name === undefined);
  return isForPeople && isWhole;
}

/** Without anybody who may do everything, nobody could ever grant it again. */
async function requireAnother({ resources }: Repositories, { metadata }: RbacDefinition): Promise<void> {
  const all = await resources.list<RbacDefinition>({ plural: "rbac" });
  if (all.some((other) => other.metadata.uid !== metadata.uid && grantsAll(other.spec))) return;
  throw new McpctlError("conflict", `"${metadata.name}" is the last definition that grants admin on *`, {
    hint: "Create another one first: mcpctl create rbac NAME --subject User:NAME --roleBindings 'role:admin,resource:*'",
  });
}
