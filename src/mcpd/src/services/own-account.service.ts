import type { LoginResponse, OwnSession } from "@mcpctl/shared/api/contracts.ts";
import { McpctlError, notFound } from "@mcpctl/shared/errors.ts";
import type { User } from "@mcpctl/shared/kinds/users.ts";
import { isUid } from "@mcpctl/shared/kinds/metadata.ts";
import { requireUser } from "../hooks/require-user.ts";
import type { Database, Repositories } from "../repositories/interfaces.ts";
import type { AuditService } from "./audit.service.ts";
import { findUser } from "./find-user.ts";
import type { LoginLimiter } from "./login-limiter.ts";
import { openSession, type SessionLimits } from "./open-session.ts";
import type { PasswordHasher } from "./password-hasher.ts";
import type { RequestContext } from "./request-context.ts";

interface OwnAccountDeps extends SessionLimits {
  database: Pick<Database, "read">;
  audit: AuditService;
  passwords: PasswordHasher;
  limiter: LoginLimiter;
}

interface PasswordChange {
  oldPassword: string;
  password: string;
  address: string;
}

export type OwnAccountService = ReturnType<typeof createOwnAccountService>;

/** What people do to their own account, whatever else they may do. A token has none. */
export function createOwnAccountService(deps: OwnAccountDeps) {
  const { database, audit, limiter } = deps;
  return {
    /** @param currentSha - of the session that asks. @returns newest first. */
    async listSessions(context: RequestContext, currentSha: string | undefined): Promise<OwnSession[]> {
      const { metadata } = await getOwnUser(database.read, context, "list sessions");
      const rows = await database.read.sessions.listOfUser(metadata.uid);
      return rows.map(({ sha, ...row }) => ({ ...row, isCurrent: sha === currentSha }));
    },

    /** @throws {McpctlError} `not-found`, alike for what is nobody's and what is somebody else's. */
    endSession: (context: RequestContext, id: string): Promise<void> =>
      audit.mutate(context, { verb: "logout", resource: "sessions", name: id }, async (repositories) => {
        const { metadata } = await getOwnUser(repositories, context, "end sessions");
        if (isUid(id) && (await repositories.sessions.deleteById(metadata.uid, id))) return;
        throw new McpctlError("not-found", `You have no session "${id}"`, {
          hint: "List your sessions with: mcpctl auth sessions",
        });
      }),

    endAllSessions: (context: RequestContext): Promise<void> =>
      audit.mutate(context, { verb: "logout-all", resource: "sessions" }, async (repositories) => {
        const { metadata } = await getOwnUser(repositories, context, "end sessions");
        await repositories.sessions.deleteOfUser(metadata.uid);
      }),

    /**
     * Changes the caller's own password, ends all of the caller's sessions and opens a new one.
     *
     * @throws {McpctlError} `forbidden` for a wrong old password, also when there is none; `too-many-requests`.
     */
    async changePassword(context: RequestContext, change: PasswordChange): Promise<LoginResponse> {
      // Before anything is counted: a token may have the name of somebody else.
      requireUser(context, "change passwords");
      const { name: user } = context.principal;
      return limiter.run({ user, address: change.address }, () => changePassword(deps, context, change));
    },
  };
}

async function changePassword(
  deps: OwnAccountDeps,
  context: RequestContext,
  { oldPassword, password, address }: PasswordChange,
): Promise<LoginResponse> {
  const { database, audit, passwords } = deps;
  const deed = { verb: "set-password", resource: "users", name: context.principal.name };
  const user = await getOwnUser(database.read, context, "change passwords");
  const oldHash = await database.read.credentials.findPasswordHash(user.metadata.uid);
  const isRight = await passwords.verify(oldHash, oldPassword);
  const newHash = isRight ? await passwords.hash(password) : "";
  return audit.mutate(context, deed, async (repositories) => {
    const { metadata } = await getOwnUser(repositories, context, "change passwords");
    const isStill = oldHash === (await repositories.credentials.findPasswordHash(metadata.uid));
    if (!isRight || !isStill) {
      throw new McpctlError("forbidden", "The old password is wrong", {
        hint: "An administrator can set a new one: mcpctl auth passwd USER",
      });
    }
    await repositories.credentials.setPasswordHash(metadata.uid, newHash);
    await repositories.sessions.deleteOfUser(metadata.uid);
    return openSession(repositories, user, { ...deps, method: "password", address });
  });
}

async function getOwnUser(
  repositories: Pick<Repositories, "resources">,
  context: RequestContext,
  deed: string,
): Promise<User> {
  requireUser(context, deed);
  const { name } = context.principal;
  const user = await findUser(repositories, name);
  if (!user) throw notFound("user", name);
  return user;
}
