import { McpctlError } from "@mcpctl/shared/errors.ts";
import type * as Library from "openid-client";
import type {
  Configuration,
  CustomFetchOptions,
  IDToken,
  TokenEndpointResponse,
  TokenEndpointResponseHelpers,
} from "openid-client";
import type { OidcIdentity } from "@mcpctl/shared/kinds/users.ts";
import { toLoginError, toProviderFault, toWaiting } from "./provider-faults.ts";
import { isLoopback, type OidcOptions } from "./oidc-settings.ts";

/** Somebody whom the provider vouches for, in a token that was meant for mcpd. */
export interface VouchedPerson extends OidcIdentity {
  /** Of the ID token, and of the user info endpoint where the token lacks them. */
  claims: Readonly<Record<string, unknown>>;
}

/** What the CLI keeps to itself until the code comes back, or shows only the hash of. */
export interface CodeStart {
  redirectUri: string;
  codeChallenge: string;
  state: string;
  nonce: string;
}

export interface CodeFinish {
  redirectUri: string;
  /** Query of the redirect, as the provider wrote it. */
  callback: string;
  codeVerifier: string;
  state: string;
  nonce: string;
}

export interface DeviceStart {
  deviceCode: string;
  userCode: string;
  verificationUri: string;
  verificationUriComplete?: string | undefined;
  expiresInSeconds: number;
  intervalSeconds: number;
}

/** The person has not decided yet; `slow-down` where the provider was asked too often. */
export type Waiting = "pending" | "slow-down";

/** The provider as mcpd uses it. Its tokens are verified here and go no further. */
export interface OidcProvider {
  authorizationUrl(start: CodeStart): Promise<string>;
  /** @throws {McpctlError} `unauthenticated`, `upstream-unavailable` */
  exchangeCode(finish: CodeFinish): Promise<VouchedPerson>;
  startDevice(): Promise<DeviceStart>;
  /** Asks once. */
  pollDevice(deviceCode: string): Promise<VouchedPerson | Waiting>;
}

const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";
const TIMEOUT_SECONDS = 10;
const CLOCK_TOLERANCE_SECONDS = 10;
const DEFAULT_INTERVAL_SECONDS = 5;
/** The provider may have moved its endpoints; its keys are looked up anew whenever a token names an unknown one. */
const DISCOVERY_LASTS_MS = 3_600_000;

type Tokens = TokenEndpointResponse & TokenEndpointResponseHelpers;
type Call = <T>(work: (library: typeof Library, configuration: Configuration) => Promise<T>) => Promise<T>;

/** Nothing is sent before the first login. @param now - monotonic milliseconds. */
export function createOidcProvider(options: OidcOptions, now = () => performance.now()): OidcProvider {
  let known: { configuration: Promise<Configuration>; at: number } | undefined;

  async function configured(library: typeof Library): Promise<Configuration> {
    if (known && now() - known.at < DISCOVERY_LASTS_MS) return known.configuration;
    const discovering = { configuration: discover(library, options), at: now() };
    known = discovering;
    discovering.configuration.catch(() => {
      if (known === discovering) known = undefined;
    });
    return discovering.configuration;
  }

  async function call<T>(work: (library: typeof Library, configuration: Configuration) => Promise<T>): Promise<T> {
    const library = await import("openid-client");
    const configuration = await configured(library).catch((thrown: unknown) => {
      throw toProviderFault(thrown, options.issuer);
    });
    try {
      return await work(library, configuration);
    } catch (thrown) {
      throw toLoginError(library, thrown, options.issuer);
    }
  }

  return {
    authorizationUrl: (start) =>
      call(async (library, configuration) => authorizationUrl(library, configuration, { start, options })),
    exchangeCode: (finish) =>
      call(async (library, configuration) => {
        const url = new URL(finish.redirectUri);
        url.search = finish.callback;
        const tokens = await library.authorizationCodeGrant(configuration, url, {
          pkceCodeVerifier: finish.codeVerifier,
          expectedState: finish.state,
          expectedNonce: finish.nonce,
          idTokenExpected: true,
        });
        return toPerson(library, configuration, { tokens, options });
      }),
    startDevice: () => call((library, configuration) => startDevice(library, configuration, options)),
    pollDevice: (deviceCode) => pollDevice(call, deviceCode, options),
  };
}

async function discover(
  library: typeof Library,
  { issuer, clientId, clientSecret }: OidcOptions,
): Promise<Configuration> {
  const url = new URL(issuer);
  const authentication = clientSecret === undefined ? library.None() : undefined;
  const metadata = {
    ...(clientSecret !== undefined && { client_secret: clientSecret }),
    [library.clockTolerance]: CLOCK_TOLERANCE_SECONDS,
  };
  const configuration = await library.discovery(url, clientId, metadata, authentication, {
    [library.customFetch]: sendSafely,
    timeout: TIMEOUT_SECONDS,
    execute: [
      // The signature is checked although the token came over TLS from its issuer.
      library.enableNonRepudiationChecks,
      // On loopback nobody is on the way; sendSafely sees to it that no other host is spoken to in clear.
      ...(isLoopback(url) ? [library.allowInsecureRequests] : []),
    ],
  });
  // The library makes exceptions for issuers that stand for many tenants, each of which could name any subject.
  if (new URL(configuration.serverMetadata().issuer).href === url.href) return configuration;
  throw new McpctlError("upstream-protocol", `The provider at ${issuer} calls itself by another name`);
}

/** Endpoints come from the provider's own metadata: they may be anywhere, but neither in clear nor one hop further. */
async function sendSafely(url: string, { method, headers, body, signal }: CustomFetchOptions): Promise<Response> {
  const target = new URL(url);
  if (target.protocol === "https:" || isLoopback(target)) {
    const content = body === undefined ? {} : { body };
    return fetch(target, { method, headers, ...content, signal: signal ?? null, redirect: "manual" });
  }
  throw new McpctlError("upstream-protocol", `The OpenID provider names an endpoint that is not https: ${target.host}`);
}

interface Authorization {
  start: CodeStart;
  options: OidcOptions;
}

function authorizationUrl(
  library: typeof Library,
  configuration: Configuration,
  { start, options }: Authorization,
): string {
  return library.buildAuthorizationUrl(configuration, {
    redirect_uri: start.redirectUri,
    scope: options.scopes,
    code_challenge: start.codeChallenge,
    code_challenge_method: "S256",
    state: start.state,
    nonce: start.nonce,
  }).href;
}

async function startDevice(
  library: typeof Library,
  configuration: Configuration,
  { issuer, scopes }: OidcOptions,
): Promise<DeviceStart> {
  if (configuration.serverMetadata().device_authorization_endpoint === undefined) {
    throw new McpctlError("invalid", `The OpenID provider ${issuer} has no device flow`, {
      hint: "Log in where a browser can be opened: mcpctl login --oidc",
    });
  }
  const started = await library.initiateDeviceAuthorization(configuration, { scope: scopes });
  return {
    deviceCode: started.device_code,
    userCode: started.user_code,
    verificationUri: started.verification_uri,
    verificationUriComplete: started.verification_uri_complete,
    expiresInSeconds: started.expires_in,
    intervalSeconds: started.interval ?? DEFAULT_INTERVAL_SECONDS,
  };
}

async function pollDevice(call: Call, deviceCode: string, options: OidcOptions): Promise<VouchedPerson | Waiting> {
  return call(async (library, configuration) => {
    const parameters = { device_code: deviceCode };
    const answer = await library
      .genericGrantRequest(configuration, DEVICE_GRANT, parameters)
      .catch((thrown: unknown) => {
        const waiting = toWaiting(library, thrown);
        if (waiting === undefined) throw thrown;
        return waiting;
      });
    return typeof answer === "string" ? answer : toPerson(library, configuration, { tokens: answer, options });
  });
}

interface Verified {
  tokens: Tokens;
  options: OidcOptions;
}

async function toPerson(
  library: typeof Library,
  configuration: Configuration,
  { tokens, options }: Verified,
): Promise<VouchedPerson> {
  const claims = tokens.claims();
  if (!claims) throw new McpctlError("unauthenticated", "The OpenID provider sent no ID token");
  const wanted = wantedClaims(options);
  const isComplete = wanted.every((claim) => claim in claims);
  const { userinfo_endpoint: endpoint } = configuration.serverMetadata();
  const more =
    isComplete || endpoint === undefined
      ? {}
      : await library.fetchUserInfo(configuration, tokens.access_token, claims.sub);
  return toVouched(claims, more);
}

function wantedClaims({ userClaim, groupsClaim }: OidcOptions): string[] {
  return ["email", "email_verified", userClaim ?? [], groupsClaim ?? []].flat();
}

/** An email and whether it is verified stand together in one answer: one's word for another's email is worth nothing. */
function toVouched(claims: IDToken, more: Readonly<Record<string, unknown>>): VouchedPerson {
  const { email, email_verified, ...others } = claims;
  const hasBoth = email !== undefined && email_verified !== undefined;
  return {
    issuer: claims.iss,
    subject: claims.sub,
    claims: { ...more, ...others, ...(hasBoth && { email, email_verified }) },
  };
}
