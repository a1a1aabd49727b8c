import type { McpToken, McpTokenStatus } from "@mcpctl/shared/kinds/mcp-tokens.ts";
import type { KindHooks } from "./kind-hooks.ts";
import { deleteTokenDefinition } from "./token-definition.ts";

export const mcpTokenHooks: KindHooks<McpToken> = {
  beforeDelete: deleteTokenDefinition,

  /** Whether a token has ended, and when it was used last, is known only at the moment of reading. */
  async complete(repositories, tokens) {
    if (tokens.length === 0) return [];
    const now = await repositories.now();
    const uses = await repositories.mcpTokens.lastUses(tokens.map(({ metadata }) => metadata.uid));
    return tokens.map((token) => completeToken(token, now, uses.get(token.metadata.uid)));
  },
};

function completeToken(token: McpToken, now: string, lastUsedAt: string | undefined): McpToken {
  const { status } = token;
  if (!status) return token;
  const isExpired = status.expiresAt !== undefined && Date.parse(status.expiresAt) <= Date.parse(now);
  const phase: McpTokenStatus["phase"] = status.revokedAt ? "Revoked" : isExpired ? "Expired" : "Active";
  return { ...token, status: { ...status, phase, ...(lastUsedAt !== undefined && { lastUsedAt }) } };
}
