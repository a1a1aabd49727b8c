import { McpctlError } from "@mcpctl/shared/errors.ts";
import { parseBoundedJson } from "@mcpctl/shared/json.ts";
import { RELAY_KEYS } from "@mcpctl/shared/mcp/relay-marks.ts";
import { META, RPC, type RequestId, type RpcError } from "@mcpctl/shared/mcp/protocol.ts";

type Params = Record<string, unknown>;

export interface ClientRequest {
  type: "request";
  id: RequestId;
  method: string;
  params: Params;
  /** The whole message. */
  json: Params;
}

/** What a client posted, told apart. */
export type ClientMessage =
  | ClientRequest
  | { type: "notification"; method: string; json: Params }
  | { type: "response"; id: RequestId | null; json: Params }
  | { type: "invalid"; id: RequestId | null; error: RpcError };

const KNOWN_KEYS = new Set(["jsonrpc", "id", "method", "params", "result", "error"]);

/**
 * Parses a body once and strictly: what is decided about it must be what the server reads, so a message that another
 * parser might read in another way is refused.
 */
export function parseClientMessage(body: Uint8Array): ClientMessage {
  const json = parseJson(body);
  if (json instanceof McpctlError) return invalid(null, RPC.parseError, json.message);
  if (Array.isArray(json)) return invalid(null, RPC.invalidRequest, "Batches are not supported; send one message");
  if (!isObject(json)) return invalid(null, RPC.invalidRequest, "A message is a JSON object");
  const { jsonrpc, id, method, params = {} } = json;
  const knownId = isRequestId(id) ? id : null;
  const unknownKey = Object.keys(json).find((key) => !KNOWN_KEYS.has(key));
  if (unknownKey !== undefined) return invalid(knownId, RPC.invalidRequest, `Unknown member "${unknownKey}"`);
  if (jsonrpc !== "2.0") return invalid(knownId, RPC.invalidRequest, 'The member "jsonrpc" must be "2.0"');
  if (method === undefined)
    return "result" in json || "error" in json ? { type: "response", id: knownId, json } : nothing(knownId);
  if (typeof method !== "string" || "result" in json || "error" in json) return nothing(knownId);
  if (!isObject(params)) return invalid(knownId, RPC.invalidParams, 'The member "params" must be an object');
  if (id === undefined) return { type: "notification", method, json };
  if (knownId === null) return invalid(null, RPC.invalidRequest, 'The member "id" must be a string or a number');
  return { type: "request", id: knownId, method, params, json };
}

/** @returns the tool that a call names, or why it names none. */
export function toolNameOf(params: Params): { name: string } | { fault: string } {
  const { name } = params;
  if (typeof name !== "string") return { fault: 'The parameter "name" must be a string' };
  // A parser that ignores case would take another tool than the one that was judged.
  const twin = Object.keys(params).find((key) => key !== "name" && key.toLowerCase() === "name");
  return twin === undefined ? { name } : { fault: `Ambiguous parameters "name" and "${twin}"` };
}

const RESERVED_META: ReadonlySet<string> = new Set([...Object.values(META), ...RELAY_KEYS]);

/** Takes the reserved keys out of `_meta`: they speak of the hop before. */
export function withoutReservedMeta(params: Params): Params {
  const { _meta: meta } = params;
  if (!isObject(meta) || !Object.keys(meta).some((key) => RESERVED_META.has(key))) return params;
  return { ...params, _meta: Object.fromEntries(Object.entries(meta).filter(([key]) => !RESERVED_META.has(key))) };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseJson(body: Uint8Array): unknown {
  try {
    return parseBoundedJson(body);
  } catch (error) {
    if (error instanceof McpctlError) return error;
    throw error;
  }
}

function isRequestId(id: unknown): id is RequestId {
  return typeof id === "string" || typeof id === "number";
}

function nothing(id: RequestId | null): ClientMessage {
  return invalid(id, RPC.invalidRequest, "It is neither a request, a notification nor a response");
}

function invalid(id: RequestId | null, code: number, message: string): ClientMessage {
  return { type: "invalid", id, error: { code, message } };
}
