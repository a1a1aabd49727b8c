import { McpctlError } from "@mcpctl/shared/errors.ts";
import { isMcpToken } from "@mcpctl/shared/tokens/index.ts";

const MAX_HEADER_LENGTH = 256;
const BEARER = /^bearer ([\x21-\x7e]+)$/i;

/**
 * Takes the token out of an `Authorization` header. A header that came twice arrives joined by a comma, which no token
 * contains.
 *
 * @throws {McpctlError} `unauthenticated`
 */
export function parseBearer(header: string | undefined): string {
  const isShort = header !== undefined && header.length <= MAX_HEADER_LENGTH;
  const [, token] = isShort ? (BEARER.exec(header) ?? []) : [];
  if (token === undefined || !isMcpToken(token)) throw unauthenticated();
  return token;
}

/** One error for a token that is missing, malformed, unknown, expired or revoked: an answer must not tell them apart. */
export function unauthenticated(): McpctlError {
  return new McpctlError("unauthenticated", "A valid token is needed", {
    hint: "Send the header: Authorization: Bearer <token>. Mint one with: mcpctl create mcptoken NAME --project PROJECT",
  });
}
