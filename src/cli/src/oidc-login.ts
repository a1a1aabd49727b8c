import { createHash, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "@mcpctl/shared/api/client.ts";
import type { OidcLogin } from "@mcpctl/shared/api/login-contracts.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { listenForCallback } from "./callback-listener.ts";
import type { CommandContext } from "./command-context.ts";
import { oneLine } from "./printers/text.ts";
import { isWebUrl } from "./server-url.ts";

const BROWSER_MINUTES = 5;
/** RFC 8628, section 3.5. */
const SLOW_DOWN_SECONDS = 5;

type LoginContext = Pick<CommandContext, "io" | "signal" | "openBrowser">;

/**
 * Logs in through the browser of this machine: authorization code with PKCE, the redirect to a port of loopback.
 *
 * @throws {McpctlError} `unauthenticated`, `forbidden`; whatever mcpd answers.
 */
export async function loginInBrowser({ io, signal, openBrowser }: LoginContext, api: ApiClient): Promise<OidcLogin> {
  const [state, nonce, codeVerifier] = [random(), random(), random()];
  await using listener = await listenForCallback(state);
  const { redirectUri } = listener;
  const codeChallenge = createHash("sha256").update(codeVerifier).digest("base64url");
  const { authorizationUrl } = await api.startCodeLogin({ redirectUri, codeChallenge, state, nonce });
  const url = requireWebUrl(authorizationUrl);
  io.err("Log in with your browser. If it does not open by itself, open this address on this machine:");
  io.err(`  ${url}`);
  await openBrowser(url);
  const timeout = AbortSignal.timeout(BROWSER_MINUTES * 60_000);
  const callback = await listener.wait(AbortSignal.any([signal, timeout])).catch((thrown: unknown) => {
    throw timeout.aborted && !signal.aborted ? tooLate("Nobody logged in with the browser") : thrown;
  });
  return api.finishCodeLogin({ redirectUri, callback, codeVerifier, state, nonce });
}

/**
 * Logs in with the browser of another device.
 *
 * @see RFC 8628
 */
export async function loginOnDevice({ io, signal }: LoginContext, api: ApiClient): Promise<OidcLogin> {
  const started = await api.startDeviceLogin();
  io.err(
    `Open ${requireWebUrl(started.verificationUri)} on any device, and type the code ${oneLine(started.userCode)}`,
  );
  if (started.verificationUriComplete !== undefined) {
    io.err(`Or open ${requireWebUrl(started.verificationUriComplete)}`);
  }
  let { intervalSeconds } = started;
  for (let waited = 0; waited < started.expiresInSeconds; waited += intervalSeconds) {
    await sleep(intervalSeconds * 1_000, undefined, { signal });
    const answer = await api.pollDeviceLogin(started.deviceCode);
    if (!answer.isPending) return answer;
    if (answer.isTooFast) intervalSeconds += SLOW_DOWN_SECONDS;
  }
  throw tooLate("Nobody typed the code");
}

/** 256 bits, in the letters that PKCE allows. */
function random(): string {
  return randomBytes(32).toString("base64url");
}

/** What the browser opens comes from outside, and is no file and no program. */
function requireWebUrl(text: string): string {
  if (isWebUrl(text)) return new URL(text).href;
  throw new McpctlError("upstream-protocol", "The OpenID provider names an address that is no web address", {
    hint: "Log in with a password: mcpctl login --user NAME",
  });
}

function tooLate(what: string): McpctlError {
  return new McpctlError("unauthenticated", `${what} in time`, { hint: "Begin again with: mcpctl login" });
}
