import { type ErrorCode, ERROR_CODES, McpctlError } from "@mcpctl/shared/errors.ts";
import { RPC, type RequestId, type RpcError } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";

/** A message that the protocol itself refuses, with the HTTP status and the JSON-RPC error that say so. */
export class RpcFailure extends Error {
  override readonly name = "RpcFailure";
  readonly status: number;
  readonly rpc: RpcError;
  /** Id of the refused request, where it could be read. */
  readonly id: RequestId | undefined;

  constructor(status: number, rpc: RpcError, id?: RequestId) {
    super(rpc.message);
    this.status = status;
    this.rpc = rpc;
    this.id = id;
  }
}

export function invalidRequest(message: string, id?: RequestId): RpcFailure {
  return new RpcFailure(400, { code: RPC.invalidRequest, message }, id);
}

/** Parameters that do not fit. They are answered in band: the request as such was well formed. */
export function invalidParams(message: string, data?: { code: ErrorCode; hint: string }): RpcFailure {
  return new RpcFailure(200, { code: RPC.invalidParams, message, ...(data && { data }) });
}

/** What the client may know of a failure. An unexpected one may name hosts or secrets, so it says only where to look. */
export function toRpcError(thrown: unknown, requestId: string): RpcError {
  if (thrown instanceof RpcFailure) return thrown.rpc;
  if (thrown instanceof McpctlError) return rpcErrorOf(thrown.code, thrown.message, thrown.hint);
  return rpcErrorOf("internal", "Unexpected error", `Look for request ${requestId} in the log of the gateway`);
}

export function toErrorReply(error: RpcError): UpstreamReply {
  return { kind: "error", json: Buffer.from(JSON.stringify(error)) };
}

/** Whether a failure is a bug of ours rather than something that was foreseen. */
export function isUnexpected(thrown: unknown): boolean {
  return !(thrown instanceof RpcFailure) && !(thrown instanceof McpctlError && thrown.code !== "internal");
}

/** The code that counts a failure; a message that the protocol refuses has none of its own. */
export function codeOf(thrown: unknown): ErrorCode {
  if (thrown instanceof RpcFailure) return "bad-request";
  return thrown instanceof McpctlError ? thrown.code : "internal";
}

/** HTTP status of a failure that was met before the request could be answered in band. */
export function httpStatusOf(thrown: unknown): number {
  if (thrown instanceof RpcFailure) return thrown.status === 200 ? 400 : thrown.status;
  return thrown instanceof McpctlError ? ERROR_CODES[thrown.code].status : 500;
}

function rpcErrorOf(code: ErrorCode, message: string, hint: string | undefined): RpcError {
  return { code: ERROR_CODES[code].rpc, message, data: { code, ...(hint !== undefined && { hint }) } };
}
