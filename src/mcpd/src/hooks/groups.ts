import type { Group } from "@mcpctl/shared/kinds/groups.ts";
import type { KindHooks } from "./kind-hooks.ts";
import { requireUser } from "./require-user.ts";

export const groupHooks: KindHooks<Group> = {
  async beforeWrite({ rbac, context }, manifest, current) {
    const before = current?.spec.members ?? [];
    const joins = manifest.spec.members.some((member) => !before.includes(member));
    if (!joins) return;
    requireUser(context, "add members to groups");
    const bindings = rbac.bindingsOf({ kind: "Group", name: manifest.metadata.name });
    rbac.requireCover(context.principal, bindings, `add members to group ${manifest.metadata.name}`);
  },
};
