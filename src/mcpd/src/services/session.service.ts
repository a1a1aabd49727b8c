import type { LoginResponse } from "@mcpctl/shared/api/contracts.ts";
import { McpctlError, notFound } from "@mcpctl/shared/errors.ts";
import { isUid } from "@mcpctl/shared/kinds/metadata.ts";
import type { User } from "@mcpctl/shared/kinds/users.ts";
import type { UserPrincipal } from "@mcpctl/shared/rbac/principal.ts";
import { hashToken, isSessionToken } from "@mcpctl/shared/tokens/index.ts";
import { requireUser } from "../hooks/require-user.ts";
import type { Database, Repositories } from "../repositories/interfaces.ts";
import type { AuditService } from "./audit.service.ts";
import { findUser } from "./find-user.ts";
import type { LoginLimiter } from "./login-limiter.ts";
import { openSession, type SessionLimits } from "./open-session.ts";
import type { PasswordHasher } from "./password-hasher.ts";
import type { RbacService } from "./rbac.service.ts";
import type { RecentReads } from "./recent-reads.ts";
import type { RequestContext } from "./request-context.ts";

interface SessionServiceDeps extends SessionLimits {
  database: Pick<Database, "read">;
  reads: RecentReads;
  audit: AuditService;
  rbac: RbacService;
  passwords: PasswordHasher;
  limiter: LoginLimiter;
  /** Called with the hash of every session that is used. */
  onUsed(sha: string): void;
}

/** Where a login comes from. */
export interface LoginOrigin {
  requestId: string;
  address: string;
}

export type SessionService = ReturnType<typeof createSessionService>;

/** Logins of people. Only the hash of a session's bearer is stored. */
export function createSessionService(deps: SessionServiceDeps) {
  const { database, reads, audit, rbac, limiter } = deps;
  return {
    /** Who a session's bearer stands for; undefined when it is unknown, has ended, or its user is disabled. */
    async authenticate(raw: string): Promise<UserPrincipal | undefined> {
      if (!isSessionToken(raw)) return undefined;
      const sha = hashToken(raw);
      const user = await reads.read(`session ${sha}`, () => database.read.sessions.findUser(sha));
      if (!user || user.spec.disabled) return undefined;
      deps.onUsed(sha);
      return (await rbac.current()).userPrincipal(user.metadata.name);
    },

    /**
     * Trades a password for a session.
     *
     * @throws {McpctlError} `unauthenticated`, alike and after the same work for an unknown user, a user without a
     *   password, a disabled one and a wrong password; `too-many-requests`, alike for known and unknown users.
     */
    login: (origin: LoginOrigin, credential: { user: string; password: string }): Promise<LoginResponse> =>
      limiter.run({ user: credential.user, address: origin.address }, () => login(deps, origin, credential)),

    /** Opens a session without a password; for the composition root, which has just made the user itself. */
    async openFor(context: RequestContext, name: string): Promise<LoginResponse> {
      const user = await findUser(database.read, name);
      if (!user) throw notFound("user", name);
      return audit.mutate(context, { verb: "login", resource: "sessions", name }, (repositories) =>
        openSession(repositories, user, { ...deps, method: "local" }),
      );
    },

    /**
     * Sets another user's password and ends the user's sessions.
     *
     * @throws {McpctlError} `not-found`; `forbidden` when the caller does not hold every right of that user; `invalid`
     *   when it is the caller's own, which takes the old one.
     */
    setPassword: (context: RequestContext, name: string, password: string): Promise<void> =>
      setPassword(deps, context, { name, password }),

    /** Ends a session of which only the hash is known. */
    end(context: RequestContext, sha: string): Promise<void> {
      return audit.mutate(context, { verb: "logout", resource: "sessions" }, ({ sessions }) => sessions.delete(sha));
    },
  };
}

async function login(
  deps: SessionServiceDeps,
  { requestId, address }: LoginOrigin,
  { user: name, password }: { user: string; password: string },
): Promise<LoginResponse> {
  const { database, audit, passwords } = deps;
  const user = await findNamed(database.read, name);
  const hash = user && (await database.read.credentials.findPasswordHash(user.metadata.uid));
  const isRight = await passwords.verify(hash, password);
  const context: RequestContext = { principal: { kind: "User", name, groups: [] }, requestId, decidedBy: "password" };
  const deed = { verb: "login", resource: "sessions" };
  if (!user || !isRight || user.spec.disabled) {
    await audit.recordDenial({ ...context, decidedBy: "wrong user or password" }, deed);
    throw wrongPassword();
  }
  return audit.mutate(context, deed, async (repositories) => {
    // The password may have been changed, or the user locked out, while it was verified.
    const now = await findNamed(repositories, name);
    const isStill = hash === (await repositories.credentials.findPasswordHash(user.metadata.uid));
    if (!now || now.spec.disabled || !isStill) throw wrongPassword();
    return openSession(repositories, user, { ...deps, method: "password", address });
  });
}

function wrongPassword(): McpctlError {
  return new McpctlError("unauthenticated", "Wrong user or password");
}

/** By name alone: a uid would be a second name, under which failures are counted anew. */
async function findNamed(repositories: Repositories, name: string): Promise<User | undefined> {
  return isUid(name) ? undefined : findUser(repositories, name);
}

async function setPassword(
  { audit, rbac, passwords }: Pick<SessionServiceDeps, "audit" | "rbac" | "passwords">,
  context: RequestContext,
  { name, password }: { name: string; password: string },
): Promise<void> {
  const passwordHash = await passwords.hash(password);
  await audit.mutate(context, { verb: "set-password", resource: "users", name }, async (repositories) => {
    const user = await findUser(repositories, name);
    if (!user) throw notFound("user", name);
    requireUser(context, "set passwords");
    if (context.principal.kind === "User" && context.principal.name === user.metadata.name) {
      throw new McpctlError("invalid", "Changing your own password takes the old one", {
        hint: "Change it with: mcpctl auth passwd",
      });
    }
    const state = await rbac.within(repositories);
    const rights = state.getPermissions(state.userPrincipal(user.metadata.name)).map(({ binding }) => binding);
    state.requireCover(context.principal, rights, `set the password of ${name}`);
    await repositories.credentials.setPasswordHash(user.metadata.uid, passwordHash);
    await repositories.sessions.deleteOfUser(user.metadata.uid);
  });
}
