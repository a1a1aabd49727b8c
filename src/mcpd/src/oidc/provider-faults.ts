import type * as Library from "openid-client";
import { McpctlError } from "@mcpctl/shared/errors.ts";

type Openid = typeof Library;

const HINT = "Begin again with: mcpctl login";
/** Words of RFC 6749 and RFC 8628 that blame mcpd and not the person. */
const OUR_FAULTS = ["invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type", "server_error"];

/** @returns undefined where it is no question of waiting. */
export function toWaiting({ ResponseBodyError }: Openid, thrown: unknown): "pending" | "slow-down" | undefined {
  if (!(thrown instanceof ResponseBodyError)) return undefined;
  if (thrown.error === "authorization_pending") return "pending";
  return thrown.error === "slow_down" ? "slow-down" : undefined;
}

/**
 * Translates what the library threw. Only codes are told: its messages and causes may quote tokens.
 *
 * @returns `unauthenticated` where the login is bad, `upstream-unavailable` where the provider is.
 */
export function toLoginError(library: Openid, thrown: unknown, issuer: string): McpctlError {
  const own = findOwn(thrown);
  if (own) return own;
  if (thrown instanceof library.ResponseBodyError || thrown instanceof library.AuthorizationResponseError) {
    const word = /^[a-z_]{1,64}$/.test(thrown.error) ? thrown.error : "an unknown error";
    return OUR_FAULTS.includes(word)
      ? unavailable(issuer, `refuses mcpd: ${word}`)
      : new McpctlError("unauthenticated", `The OpenID provider refused the login: ${word}`, { hint: HINT });
  }
  const code = codeOf(thrown);
  if (thrown instanceof library.ClientError && /JWT|KEY|INVALID_RESPONSE|UNSUPPORTED|ATTRIBUTE|PARSE/.test(code)) {
    return new McpctlError("unauthenticated", `The answer of the OpenID provider is not valid (${code})`, {
      hint: HINT,
    });
  }
  return toProviderFault(thrown, issuer);
}

/** The same before anybody tries to log in: whatever is wrong, the provider or what mcpd knows of it is. */
export function toProviderFault(thrown: unknown, issuer: string): McpctlError {
  return findOwn(thrown) ?? unavailable(issuer, `does not answer as it should (${codeOf(thrown)})`);
}

/** The library wraps what the fetch that it was given throws. */
function findOwn(thrown: unknown): McpctlError | undefined {
  if (thrown instanceof McpctlError) return thrown;
  return thrown instanceof Error ? findOwn(thrown.cause) : undefined;
}

function codeOf(thrown: unknown): string {
  const named = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  if (/^[A-Z_]{3,64}$/.test(named)) return named;
  return thrown instanceof Error && thrown.cause instanceof Error ? codeOf(thrown.cause) : "no code";
}

function unavailable(issuer: string, what: string): McpctlError {
  return new McpctlError("upstream-unavailable", `The OpenID provider ${issuer} ${what}`, {
    hint: "Ask whoever runs mcpd to check its --oidc settings; a password still works: mcpctl login --user NAME",
  });
}
