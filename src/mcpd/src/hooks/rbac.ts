import { McpctlError } from "@mcpctl/shared/errors.ts";
import { getRbacResource } from "@mcpctl/shared/kinds/index.ts";
import type { RbacDefinition } from "@mcpctl/shared/kinds/rbac-definitions.ts";
import type { KindHooks } from "./kind-hooks.ts";
import { requireUser } from "./require-user.ts";

export const rbacHooks: KindHooks<RbacDefinition> = {
  /** Aliases become plurals: the evaluator compares words and must not have to guess. */
  normalize(manifest) {
    const { spec } = manifest;
    const roleBindings = spec.roleBindings.map((binding) =>
      "action" in binding ? binding : { ...binding, resource: getRbacResource(binding.resource) },
    );
    return { ...manifest, spec: { ...spec, roleBindings } };
  },

  async beforeWrite({ rbac, context }, manifest) {
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
  },

  async beforeDelete({ context }) {
    requireUser(context, "take rights away");
  },
};
