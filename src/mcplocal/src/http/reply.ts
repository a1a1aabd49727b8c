import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { RequestId, RpcError } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";

/** Replies up to this size are copied into one buffer, which costs less than several writes. */
const MAX_COPIED_BYTES = 65_536;
const CLOSING_BRACE = Buffer.from("}");

/** The JSON-RPC response around a reply, in pieces, so that the value is not copied. */
export function toResponse(id: RequestId, { kind, json }: UpstreamReply): [Buffer, Uint8Array, Buffer] {
  return [Buffer.from(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"${kind}":`), json, CLOSING_BRACE];
}

/** Answers a request with a reply, as one JSON document. */
export function sendReply(response: ServerResponse, id: RequestId, reply: UpstreamReply): void {
  const pieces = toResponse(id, reply);
  const length = pieces[0].length + reply.json.length + CLOSING_BRACE.length;
  response.writeHead(200, { "content-type": "application/json", "content-length": length });
  if (length <= MAX_COPIED_BYTES) {
    response.end(Buffer.concat(pieces, length));
    return;
  }
  response.cork();
  for (const piece of pieces) response.write(piece);
  response.end();
}

/** Answers with an HTTP error whose body is a JSON-RPC error, without an id where none could be read. */
export function sendRpcError(
  response: ServerResponse,
  { status, error, id, headers }: { status: number; error: RpcError; id?: RequestId | undefined; headers?: OutgoingHttpHeaders },
): void {
  sendJson(response, status, { jsonrpc: "2.0", ...(id !== undefined && { id }), error }, headers);
}

export function sendJson(response: ServerResponse, status: number, body: object, headers: OutgoingHttpHeaders = {}): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { "content-type": "application/json", "content-length": bytes.length, ...headers });
  response.end(bytes);
}

export function sendNothing(response: ServerResponse, status: number): void {
  response.writeHead(status, { "content-length": 0 });
  response.end();
}
