import { ERROR_CODES, type McpctlError } from "@mcpctl/shared/errors.ts";
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

export function toRpcError({ code, message, hint }: McpctlError): RpcError {
  return { code: ERROR_CODES[code].rpc, message, data: { code, hint } };
}

export function jsonResponse(body: Uint8Array, status = 200): RelayResponse {
  return { status, headers: JSON_HEADERS, body };
}

export function resultResponse(id: RequestId, result: object): RelayResponse {
  return jsonResponse(toEnvelope(id, toReply("result", result)));
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

export function methodNotFound(id: RequestId): RelayResponse {
  return errorResponse(id, { code: RPC.methodNotFound, message: "Method not found" }, 404);
}

/** The same answer for a tool that does not exist and for one that the caller may not see. */
export function unknownTool(id: RequestId, name: string): RelayResponse {
  return errorResponse(id, { code: RPC.invalidParams, message: `Unknown tool: ${name}` }, 200);
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
