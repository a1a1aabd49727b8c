import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { User } from "@mcpctl/shared/kinds/users.ts";
import { ANY_RESOURCE } from "@mcpctl/shared/rbac/vocabulary.ts";
import type { HookScope } from "./kind-hooks.ts";

/**
 * Makes sure that somebody who may do everything, and can log in, is left when a user no longer can.
 *
 * @throws {McpctlError} `conflict`
 */
export async function requireOtherAdministrator({ rbac, repositories }: HookScope, leaving: User): Promise<void> {
  const isAdministrator = ({ metadata, spec }: User) =>
    !spec.disabled &&
    rbac.canAccess(rbac.userPrincipal(metadata.name), { verb: "grant", resource: ANY_RESOURCE }).allowed;
  if (!isAdministrator(leaving)) return;
  const all = await repositories.resources.list<User>({ plural: "users" });
  for (const user of all) {
    if (user.metadata.uid === leaving.metadata.uid || !isAdministrator(user)) continue;
    const hasPassword = (await repositories.credentials.findPasswordHash(user.metadata.uid)) !== undefined;
    if (hasPassword || user.spec.oidc !== undefined) return;
  }
  throw new McpctlError("conflict", `"${leaving.metadata.name}" is the last administrator who can log in`, {
    hint: "Give admin on * to another user who has a password or an OpenID identity first",
  });
}
