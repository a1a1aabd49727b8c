import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Group } from "@mcpctl/shared/kinds/groups.ts";
import type { User } from "@mcpctl/shared/kinds/users.ts";
import type { UserPrincipal } from "@mcpctl/shared/rbac/principal.ts";
import { ANY_RESOURCE } from "@mcpctl/shared/rbac/vocabulary.ts";
import type { HookScope } from "./kind-hooks.ts";

/** Makes sure that an administrator is left who can log in when a user no longer can. @throws {McpctlError} `conflict` */
export function requireAdministratorWithout(scope: HookScope, leaving: User): Promise<void> {
  return requireAdministrator(scope, ({ metadata }) =>
    metadata.uid === leaving.metadata.uid ? undefined : scope.rbac.userPrincipal(metadata.name),
  );
}

/** The same when a group is left with these members. @throws {McpctlError} `conflict` */
export function requireAdministratorWith(scope: HookScope, group: Group, members: readonly string[]): Promise<void> {
  return requireAdministrator(scope, ({ metadata: { name } }) => {
    const principal = scope.rbac.userPrincipal(name);
    const groups = principal.groups.filter((other) => other !== group.metadata.name || members.includes(name));
    return { ...principal, groups };
  });
}

/** @param after - what becomes of a user; undefined for one who cannot log in any more. */
async function requireAdministrator(
  { rbac, repositories }: HookScope,
  after: (user: User) => UserPrincipal | undefined,
): Promise<void> {
  const mayDoEverything = (principal: UserPrincipal | undefined) =>
    principal !== undefined && rbac.canAccess(principal, { verb: "grant", resource: ANY_RESOURCE }).allowed;
  const users = await repositories.resources.list<User>({ plural: "users" });
  const before = users.filter((user) => !user.spec.disabled && mayDoEverything(rbac.userPrincipal(user.metadata.name)));
  const staying = before.filter((user) => mayDoEverything(after(user)));
  if (staying.length === before.length) return;
  for (const { metadata, spec } of staying) {
    const hasPassword = (await repositories.credentials.findPasswordHash(metadata.uid)) !== undefined;
    if (hasPassword || spec.oidc !== undefined) return;
  }
  throw new McpctlError("conflict", "That would leave no administrator who can log in", {
    hint: "Give admin on * to another user who has a password or an OpenID identity first",
  });
}
