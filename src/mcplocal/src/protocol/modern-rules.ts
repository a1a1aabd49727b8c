import { LEGACY_VERSIONS, META, MODERN_VERSION, RPC } from "@mcpctl/shared/mcp/protocol.ts";
import type { HeaderLines } from "../http1/header-lines.ts";
import { type ClientMessage, type ClientRequest, claimedVersion, isRecord, metaOf } from "./client-message.ts";
import { decodeHeaderValue } from "@mcpctl/shared/mcp/header-value.ts";
import { RpcFailure } from "./rpc-failure.ts";

export const SUPPORTED_VERSIONS = [MODERN_VERSION, ...LEGACY_VERSIONS] as const;

/** Which member of the params the `Mcp-Name` header repeats. */
const NAMED_BY: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
};

/**
 * Whether a message is to be served statelessly. The body decides; the header alone only ever makes a message that
 * lacks its envelope fail, so that nobody chooses an era in order to get around a check of the other.
 */
export function isModern(message: ClientMessage, headers: HeaderLines): boolean {
  return claimedVersion(message) !== undefined || headers.get("mcp-protocol-version") === MODERN_VERSION;
}

/**
 * Checks what every stateless request must carry, on any transport.
 *
 * @throws {RpcFailure} 400 with -32602 or -32022.
 * @see MCP 2026-07-28, basic, "_meta"
 */
export function checkEnvelope(request: ClientRequest): void {
  const version = requireVersion(request);
  if (version !== MODERN_VERSION) throw unsupportedVersion(version);
  if (!isRecord(metaOf(request.params)[META.clientCapabilities])) throw missingMeta(META.clientCapabilities);
}

/**
 * Checks what every stateless request must carry, and that its headers say the same.
 *
 * @throws {RpcFailure} 400 with -32602, -32020 or -32022.
 * @see MCP 2026-07-28, transports/streamable-http, "Server Validation"
 */
export function checkEnvelopeAndHeaders(request: ClientRequest, headers: HeaderLines): void {
  const version = requireVersion(request);
  const versionHeader = headers.get("mcp-protocol-version");
  if (versionHeader !== version) throw mismatch("MCP-Protocol-Version", versionHeader, version);
  checkEnvelope(request);
  const methodHeader = headers.get("mcp-method");
  if (methodHeader !== request.method) throw mismatch("Mcp-Method", methodHeader, request.method);
}

/** Checks that `Mcp-Name` says what the body says. @throws {RpcFailure} 400 with -32020. */
export function checkName({ method, params }: ClientRequest, headers: HeaderLines): void {
  const member = NAMED_BY[method];
  const name = member === undefined ? undefined : params[member];
  if (typeof name !== "string") return;
  const header = headers.get("mcp-name");
  if (header !== undefined && decodeHeaderValue(header) === name) return;
  throw mismatch("Mcp-Name", header, name);
}

/** The value of `Mcp-Name` for a request that we send. */
export function nameOf(method: string, params: Record<string, unknown>): string | undefined {
  const member = NAMED_BY[method];
  const name = member === undefined ? undefined : params[member];
  return typeof name === "string" ? name : undefined;
}

export function methodNotFound(method: string, status: 200 | 404): RpcFailure {
  return new RpcFailure(status, { code: RPC.methodNotFound, message: `Method not found: ${method}` });
}

function requireVersion({ params }: ClientRequest): string {
  const version = metaOf(params)[META.protocolVersion];
  if (typeof version !== "string") throw missingMeta(META.protocolVersion);
  return version;
}

function missingMeta(key: string): RpcFailure {
  return new RpcFailure(400, {
    code: RPC.invalidParams,
    message: `params._meta lacks "${key}"`,
    data: { missing: [key] },
  });
}

function mismatch(header: string, found: string | undefined, expected: string): RpcFailure {
  const why = found === undefined ? "is missing" : `is ${JSON.stringify(found)}`;
  const message = `Header mismatch: ${header} ${why}, the body says ${JSON.stringify(expected)}`;
  return new RpcFailure(400, { code: RPC.headerMismatch, message });
}

function unsupportedVersion(requested: string): RpcFailure {
  const data = { supported: SUPPORTED_VERSIONS, requested };
  return new RpcFailure(400, { code: RPC.unsupportedVersion, message: "Unsupported protocol version", data });
}
