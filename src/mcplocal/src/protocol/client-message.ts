import { isUtf8 } from "node:buffer";
import { measureJson } from "@mcpctl/shared/json-shape.ts";
import { META, RPC, type RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import { invalidRequest, RpcFailure } from "./rpc-failure.ts";

export type Params = Record<string, unknown>;

export interface ClientRequest {
  type: "request";
  id: RequestId;
  method: string;
  params: Params;
}

export interface ClientNotification {
  type: "notification";
  method: string;
  params: Params;
}

/** An answer to a request of ours. */
interface ClientResponse {
  type: "response";
  /** Undefined for an answer to nothing in particular. */
  id: RequestId | undefined;
  reply: UpstreamReply;
}

export type ClientMessage = ClientRequest | ClientNotification | ClientResponse;

const MAX_DEPTH = 64;
const REQUEST_KEYS: readonly string[] = ["jsonrpc", "id", "method", "params"];
const RESPONSE_KEYS: readonly string[] = ["jsonrpc", "id", "result", "error"];

/**
 * Parses the body of a POST, or a line: one JSON-RPC message, with nothing in it that another parser might read differently.
 *
 * @throws {RpcFailure} 400 with -32700 or -32600.
 */
export function parseClientMessage(body: Buffer): ClientMessage {
  const { depth, members } = measureJson(body, MAX_DEPTH);
  if (depth > MAX_DEPTH) throw invalidRequest(`The message is nested more than ${MAX_DEPTH} levels deep`);
  const message = parseJson(body);
  if (Array.isArray(message)) throw invalidRequest("Batches are not supported: send each message by itself");
  if (!isRecord(message)) throw invalidRequest("The message is no JSON object");
  const keys = Object.keys(message);
  const id = readId(message["id"]);
  if (keys.length !== members) throw invalidRequest("The message has the same key twice", id);
  if (message["jsonrpc"] !== "2.0") throw invalidRequest('The message lacks "jsonrpc": "2.0"', id);
  const isCall = message["method"] !== undefined;
  const allowed = isCall ? REQUEST_KEYS : RESPONSE_KEYS;
  for (const key of keys) {
    if (!allowed.includes(key)) throw invalidRequest(`The message has an unknown key ${JSON.stringify(key)}`, id);
  }
  return isCall ? toCall(message, id) : toResponse(message, id);
}

/** `_meta` of a request; empty when there is none or it is no object. */
export function metaOf(params: Params): Params {
  const meta = params["_meta"];
  return isRecord(meta) ? meta : {};
}

/** The protocol version that a stateless request claims for itself. */
export function claimedVersion(message: ClientMessage): unknown {
  return message.type === "response" ? undefined : metaOf(message.params)[META.protocolVersion];
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseJson(body: Buffer): unknown {
  if (!isUtf8(body)) throw notJson("it is no UTF-8");
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw notJson("it does not parse");
  }
}

function toCall(message: Params, id: RequestId | undefined): ClientMessage {
  const { method, params = {} } = message;
  if (typeof method !== "string") throw invalidRequest("The method is no string", id);
  if (!isRecord(params)) throw invalidRequest("The params are no object", id);
  if (message["id"] === undefined) return { type: "notification", method, params };
  if (id === undefined) throw invalidRequest("The id is neither a string nor an integer");
  return { type: "request", id, method, params };
}

function toResponse(message: Params, id: RequestId | undefined): ClientMessage {
  const hasOneOutcome = Object.hasOwn(message, "result") !== Object.hasOwn(message, "error");
  if (!hasOneOutcome) throw invalidRequest("The message is neither a request nor a response", id);
  const kind = Object.hasOwn(message, "result") ? "result" : "error";
  return { type: "response", id, reply: { kind, json: Buffer.from(JSON.stringify(message[kind])) } };
}

/** An integer outside of the exact range would come back as another number, and find nobody waiting for it. */
function readId(id: unknown): RequestId | undefined {
  if (typeof id === "string") return id;
  return typeof id === "number" && Number.isSafeInteger(id) ? id : undefined;
}

function notJson(why: string): RpcFailure {
  return new RpcFailure(400, { code: RPC.parseError, message: `The message is no JSON: ${why}` });
}
