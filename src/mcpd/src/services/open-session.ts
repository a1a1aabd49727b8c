import type { LoginResponse } from "@mcpctl/shared/api/contracts.ts";
import type { User } from "@mcpctl/shared/kinds/users.ts";
import { generateToken, SESSION_PREFIX } from "@mcpctl/shared/tokens/index.ts";
import type { LoginMethod, Repositories } from "../repositories/interfaces.ts";

/** How long sessions last. */
export interface SessionLimits {
  sessionTtlSeconds: number;
  sessionIdleSeconds: number;
}

interface Opening extends SessionLimits {
  method: LoginMethod;
  address?: string | undefined;
}

/** Opens a session inside the transaction that has just made sure of its user. */
export async function openSession(
  { sessions }: Repositories,
  user: User,
  { method, address, sessionTtlSeconds, sessionIdleSeconds }: Opening,
): Promise<LoginResponse> {
  const { raw, sha } = generateToken(SESSION_PREFIX);
  const { expiresAt } = await sessions.insert({
    sha,
    userUid: user.metadata.uid,
    ttlSeconds: sessionTtlSeconds,
    idleSeconds: sessionIdleSeconds,
    method,
    address,
  });
  return { token: raw, expiresAt };
}
