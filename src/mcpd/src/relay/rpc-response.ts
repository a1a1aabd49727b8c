import { ERROR_CODES, McpctlError } from "@mcpctl/shared/errors.ts";
import { RPC, type RequestId, type RpcError } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { RelayResponse } from "./exchange.ts";

const EMPTY = new Uint8Array(0);
const JSON_HEADERS = { "content-type": "application/json" } as const;

/** A JSON-RPC message around a value whose bytes are not looked at. */
export function toEnvelope(id: RequestId | null, { kind, json }: UpstreamReply): Uint8Array {
  return Buffer.concat([Buffer.from(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"${kind}":`), json, CLOSING_BRACE]);
}

const CLOSING_BRACE = Buffer.from("}");

export function toReply(kind: UpstreamReply["kind"], value: unknown): UpstreamReply {
  return { kind, json: Buffer.from(JSON.stringify(value)) };
}

function toRpcError({ code, message, hint }: McpctlError): RpcError {
  return { code: ERROR_CODES[code].rpc, message, data: { code, hint } };
}

/** What went wrong, where nothing but a reply can say it. An unexpected error keeps its message. */
export function failureReply(error: unknown): UpstreamReply {
  const known = error instanceof McpctlError ? error : new McpctlError("internal", "Unexpected error");
  return toReply("error", toRpcError(known));
}

export function jsonResponse(body: Uint8Array, status = 200): RelayResponse {
  return { status, headers: JSON_HEADERS, body };
}

export function errorResponse(id: RequestId | null, error: RpcError, status: number): RelayResponse {
  return jsonResponse(toEnvelope(id, toReply("error", error)), status);
}

/**
 * What went wrong behind the relay. A request is answered in JSON-RPC with HTTP 200, because clients show what such an
 * error says, and of another status only its number.
 */
export function failureResponse(id: RequestId | null, error: McpctlError): RelayResponse {
  return errorResponse(id, toRpcError(error), id === null ? ERROR_CODES[error.code].status : 200);
}

export const METHOD_NOT_FOUND: RpcError = { code: RPC.methodNotFound, message: "Method not found" };

/** The same error for a tool that does not exist and for one that the caller may not see. */
export function unknownTool(name: string): RpcError {
  return { code: RPC.invalidParams, message: `Unknown tool: ${name}` };
}

export function methodNotAllowed(allowed: string): RelayResponse {
  const error = { code: RPC.methodNotFound, message: `This endpoint takes ${allowed} only` };
  const { headers, ...response } = errorResponse(null, error, 405);
  return { ...response, headers: { ...headers, allow: allowed } };
}

export function emptyResponse(status: number): RelayResponse {
  return { status, headers: {}, body: EMPTY };
}

/** For a caller who is gone; nobody reads it. */
export const CLIENT_CLOSED_REQUEST = 499;
