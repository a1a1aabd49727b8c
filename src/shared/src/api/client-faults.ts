import { McpctlError } from "../errors.ts";

const START_HINT = "Is mcpd running? Start it with: mcpctl up";

/** What the network says, in words. Everything else is named by its code. */
const NETWORK_FAULTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was cut",
  EHOSTUNREACH: "there is no route to the host",
  ENETUNREACH: "there is no route to the network",
  ENOTFOUND: "the host name is unknown",
  EAI_AGAIN: "the host name cannot be looked up now",
  ETIMEDOUT: "the connection timed out",
  UND_ERR_CONNECT_TIMEOUT: "the connection timed out",
  UND_ERR_SOCKET: "the connection was cut",
};

const TLS_FAULTS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate chain ends in a self-signed certificate",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is signed by an authority that is not trusted here",
  UNABLE_TO_GET_ISSUER_CERT: "its certificate is signed by an authority that is not trusted here",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate is signed by an authority that is not trusted here",
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another host name",
};

const TRUST_HINT = "Trust its authority with: export NODE_EXTRA_CA_CERTS=/path/to/ca.pem";

/** Translates what `fetch` threw. Neither headers nor bodies are in the message, so no credential is. */
export function unreachable(baseUrl: string, cause: unknown): McpctlError {
  const code = faultCode(cause);
  const why = NETWORK_FAULTS[code] ?? TLS_FAULTS[code] ?? protocolFault(code) ?? `the network failed with ${code}`;
  return new McpctlError("unreachable", `Cannot reach mcpd at ${baseUrl}: ${why}`, {
    hint: hintFor(baseUrl, code),
    cause,
  });
}

export function timedOut(baseUrl: string, timeoutSeconds: number): McpctlError {
  return new McpctlError("unreachable", `mcpd at ${baseUrl} did not answer within ${timeoutSeconds} s`, {
    hint: startHint(baseUrl),
  });
}

/** Whatever answered is not mcpd: a proxy's error page, another program, a redirect to a login form. */
export function notMcpd(baseUrl: string, what: string): McpctlError {
  return new McpctlError("unreachable", `${baseUrl} answered ${what}; this is not the API of mcpd`, {
    hint: "Check the address, and whether a proxy stands before it",
  });
}

/** `fetch` wraps the fault, and a host with several addresses has one fault for each. */
function faultCode(cause: unknown): string {
  if (!(cause instanceof Error)) return "an unknown fault";
  if (cause instanceof AggregateError && cause.errors.length > 0) return faultCode(cause.errors[0]);
  if ("code" in cause && typeof cause.code === "string") return cause.code;
  if (cause.cause !== undefined) return faultCode(cause.cause);
  // Only plain words: whatever is longer might quote what was sent.
  return /^[a-z ]{3,40}$/.test(cause.message) ? `"${cause.message}"` : cause.name;
}

function protocolFault(code: string): string | undefined {
  if (code.startsWith("ERR_SSL_") || code === "EPROTO") return "it does not speak TLS, or a version that is too old";
  if (isNotHttp(code)) return "it does not speak plain HTTP";
  if (code.startsWith("CERT_") || code.startsWith("ERR_TLS_")) return `its certificate is refused (${code})`;
  return undefined;
}

function isNotHttp(code: string): boolean {
  return code.startsWith("HPE_") || code === "HTTPParserError";
}

function hintFor(baseUrl: string, code: string): string {
  if (code.startsWith("ERR_SSL_") || code === "EPROTO") return "If it is meant to be plain HTTP, write http://";
  if (isNotHttp(code)) return "If it is meant to be TLS, write https://";
  if (Object.hasOwn(TLS_FAULTS, code) || code.startsWith("CERT_") || code.startsWith("ERR_TLS_")) return TRUST_HINT;
  return startHint(baseUrl);
}

function startHint(baseUrl: string): string {
  const { hostname } = new URL(baseUrl);
  const isLocal = hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
  return isLocal ? START_HINT : "Is mcpd running there? Choose another address with --server or MCPCTL_SERVER";
}
