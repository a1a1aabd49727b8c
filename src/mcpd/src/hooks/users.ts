import { isDeepStrictEqual } from "node:util";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { User } from "@mcpctl/shared/kinds/users.ts";
import { requireAdministratorWithout } from "./administrators.ts";
import { deleteTokensOf } from "./delete-tokens.ts";
import type { HookScope, KindHooks } from "./kind-hooks.ts";
import { requireUser } from "./require-user.ts";

export const userHooks: KindHooks<User> = {
  async beforeWrite(scope, { metadata, spec }, current) {
    const isRebound = !isDeepStrictEqual(spec.oidc, current?.spec.oidc);
    if (isRebound) await requireIdentity(scope, metadata.name, spec.oidc);
    if (!current) return;
    const isLockedOut = spec.disabled && !current.spec.disabled;
    if (isLockedOut) await requireAdministratorWithout(scope, current);
    if (isLockedOut || isRebound) await scope.repositories.sessions.deleteOfUser(current.metadata.uid);
  },

  async beforeDelete(scope, user) {
    await requireAdministratorWithout(scope, user);
    await deleteTokensOf(scope, { creatorUid: user.metadata.uid });
  },
};

/** Whoever decides which identity a user has can log in as that user. */
async function requireIdentity(
  { rbac, repositories, context }: HookScope,
  name: string,
  identity: User["spec"]["oidc"],
): Promise<void> {
  requireUser(context, "say with which identity users log in");
  const rights = rbac.getPermissions(rbac.userPrincipal(name)).map(({ binding }) => binding);
  rbac.requireCover(context.principal, rights, `set the OpenID identity of ${name}`);
  const owner = identity && (await repositories.credentials.findUserByIdentity(identity));
  if (!owner || owner.metadata.name === name) return;
  throw new McpctlError("conflict", "Another user has this OpenID identity", {
    hint: "Look for it with: mcpctl get users -o wide",
    fields: [{ path: "spec.oidc.subject", message: "belongs to another user" }],
  });
}
