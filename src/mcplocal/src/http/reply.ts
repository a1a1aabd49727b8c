import { Buffer } from "node:buffer";
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { RequestId, RpcError } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";

/** Replies up to this size are copied, which costs less than another system call. */
const MAX_COPIED_BYTES = 32_768;
const CLOSING_BRACE = Buffer.from("}");

/** The JSON-RPC response around a reply, in pieces, so that the value is not copied. */
export function toResponse(id: RequestId, reply: UpstreamReply): [Buffer, Uint8Array, Buffer] {
  return [Buffer.from(startOf(id, reply)), reply.json, CLOSING_BRACE];
}

/** Answers a request with a reply, as one JSON document. */
export function sendReply(response: ServerResponse, id: RequestId, reply: UpstreamReply): void {
  const { json } = reply;
  if (json.length > MAX_COPIED_BYTES) {
    sendPieces(response, toResponse(id, reply), reply.release);
    return;
  }
  // A string leaves in the same write as the headers, a buffer does not; latin1 keeps each byte what it is.
  const start = startOf(id, reply);
  const text = `${typeof id === "number" ? start : Buffer.from(start).toString("latin1")}${toLatin1(json)}}`;
  response.writeHead(200, { "content-type": "application/json", "content-length": text.length });
  response.end(text, "latin1");
}

function sendPieces(response: ServerResponse, pieces: [Buffer, Uint8Array, Buffer], onSent?: () => void): void {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  response.writeHead(200, { "content-type": "application/json", "content-length": length });
  response.cork();
  for (const piece of pieces) response.write(piece);
  response.end(onSent);
}

function startOf(id: RequestId, { kind }: UpstreamReply): string {
  return `{"jsonrpc":"2.0","id":${typeof id === "number" ? id : JSON.stringify(id)},"${kind}":`;
}

function toLatin1(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString("latin1");
}

/** Answers with an HTTP error whose body is a JSON-RPC error, without an id where none could be read. */
export function sendRpcError(
  response: ServerResponse,
  {
    status,
    error,
    id,
    headers,
  }: { status: number; error: RpcError; id?: RequestId | undefined; headers?: OutgoingHttpHeaders },
): void {
  sendJson(response, { status, body: { jsonrpc: "2.0", ...(id !== undefined && { id }), error }, headers });
}

interface JsonAnswer {
  status: number;
  body: object;
  headers?: OutgoingHttpHeaders | undefined;
}

export function sendJson(response: ServerResponse, { status, body, headers }: JsonAnswer): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { "content-type": "application/json", "content-length": bytes.length, ...headers });
  response.end(bytes);
}

export function sendNothing(response: ServerResponse, status: number): void {
  response.writeHead(status, { "content-length": 0 });
  response.end();
}
