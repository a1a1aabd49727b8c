import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Principal } from "@mcpctl/shared/rbac/principal.ts";
import { GATEWAY_PREFIX, SESSION_PREFIX, TOKEN_PREFIX } from "@mcpctl/shared/tokens/index.ts";
import type { GatewayService } from "../services/gateway.service.ts";
import type { McpTokenService } from "../services/mcp-token.service.ts";
import type { SessionService } from "../services/session.service.ts";

const MAX_BEARER_LENGTH = 256;

export interface AuthDeps {
  sessions: Pick<SessionService, "authenticate">;
  mcpTokens: Pick<McpTokenService, "authenticate">;
  gateways: Pick<GatewayService, "authenticate">;
}

/**
 * Finds out who asks, by the prefix of the bearer.
 *
 * @throws {McpctlError} `unauthenticated`, alike for a missing, malformed, unknown, expired and revoked bearer.
 */
export async function authenticate(
  { sessions, mcpTokens, gateways }: AuthDeps,
  authorization: string | undefined,
): Promise<Principal> {
  const bearer = bearerOf(authorization);
  const service = bearer?.startsWith(TOKEN_PREFIX)
    ? mcpTokens
    : bearer?.startsWith(SESSION_PREFIX)
      ? sessions
      : bearer?.startsWith(GATEWAY_PREFIX)
        ? gateways
        : undefined;
  const principal = bearer === undefined ? undefined : await service?.authenticate(bearer);
  if (principal) return principal;
  throw new McpctlError("unauthenticated", "No valid bearer token was sent", {
    hint: "Log in with: mcpctl login, or set MCPCTL_TOKEN",
  });
}

/** @returns the bearer of an Authorization header, or undefined when it holds none of a sane length. */
export function bearerOf(authorization: string | undefined): string | undefined {
  const [, bearer] = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? "") ?? [];
  return bearer !== undefined && bearer.length <= MAX_BEARER_LENGTH ? bearer : undefined;
}
