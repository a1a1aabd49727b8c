import type { Group } from "@mcpctl/shared/kinds/groups.ts";
import { requireAdministratorWith } from "./administrators.ts";
import type { KindHooks } from "./kind-hooks.ts";
import { requireUser } from "./require-user.ts";

export const groupHooks: KindHooks<Group> = {
  async beforeWrite(scope, manifest, current) {
    const { rbac, context } = scope;
    const before = current?.spec.members ?? [];
    const leaves = before.some((member) => !manifest.spec.members.includes(member));
    if (current && leaves) await requireAdministratorWith(scope, current, manifest.spec.members);
    const joins = manifest.spec.members.some((member) => !before.includes(member));
    if (!joins) return;
    requireUser(context, "add members to groups");
    const bindings = rbac.bindingsOf({ kind: "Group", name: manifest.metadata.name });
    rbac.requireCover(context.principal, bindings, `add members to group ${manifest.metadata.name}`);
  },

  beforeDelete: (scope, group) => requireAdministratorWith(scope, group, []),
};
