import { Buffer } from "node:buffer";
import type { RequestId, RpcError } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import { type HeaderBlock, joinHeaderBlocks, toHeaderBlock } from "../http1/header-block.ts";
import type { ServerExchange } from "../http1/server/server-exchange.ts";
import { startOfResponse } from "../protocol/response-start.ts";

/** Replies up to this size are copied, which costs less than another system call. */
const MAX_COPIED_BYTES = 32_768;
const JSON_TYPE = toHeaderBlock({ "content-type": "application/json" });
const NO_HEADERS = toHeaderBlock({});
const CLOSING_BRACE = Buffer.from("}");

/** The JSON-RPC response around a reply, in pieces, so that the value is not copied. */
export function toResponse(id: RequestId, reply: UpstreamReply): [Buffer, Uint8Array, Buffer] {
  return [Buffer.from(startOfResponse(id, reply)), reply.json, CLOSING_BRACE];
}

/** Answers a request with a reply, as one JSON document. */
export function sendReply(exchange: ServerExchange, id: RequestId, reply: UpstreamReply): void {
  const { json } = reply;
  if (json.length > MAX_COPIED_BYTES) {
    exchange.sendPieces(200, JSON_TYPE, toResponse(id, reply), reply.release);
    return;
  }
  // A string leaves in the same write as the headers, a buffer does not; latin1 keeps each byte what it is.
  const start = startOfResponse(id, reply);
  const text = `${typeof id === "number" ? start : Buffer.from(start).toString("latin1")}${toLatin1(json)}}`;
  exchange.sendText(200, JSON_TYPE, text);
  reply.release?.();
}

/** Answers with a response whose status says what kind of failure it is. */
export function sendReplyAs(exchange: ServerExchange, status: number, response: readonly Uint8Array[]): void {
  exchange.sendPieces(status, JSON_TYPE, [...response]);
}

function toLatin1(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString("latin1");
}

interface RpcRefusal {
  status: number;
  error: RpcError;
  id?: RequestId | undefined;
  headers?: HeaderBlock;
}

/** Answers with an HTTP error whose body is a JSON-RPC error, without an id where none could be read. */
export function sendRpcError(exchange: ServerExchange, { status, error, id, headers }: RpcRefusal): void {
  const body = { jsonrpc: "2.0", ...(id !== undefined && { id }), error };
  sendJson(exchange, { status, body, headers });
}

interface JsonAnswer {
  status: number;
  body: object;
  headers?: HeaderBlock | undefined;
  /** Media type, when it is not that of JSON. */
  type?: HeaderBlock;
}

export function sendJson(
  exchange: ServerExchange,
  { status, body, headers = NO_HEADERS, type = JSON_TYPE }: JsonAnswer,
): void {
  exchange.sendPieces(status, joinHeaderBlocks(type, headers), [Buffer.from(JSON.stringify(body))]);
}

export function sendNothing(exchange: ServerExchange, status: number): void {
  exchange.sendText(status, NO_HEADERS, "");
}
