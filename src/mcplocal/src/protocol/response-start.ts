import type { RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";

/** What stands before the value of a JSON-RPC response; a closing brace follows the value. */
export function startOfResponse(id: RequestId, { kind }: Pick<UpstreamReply, "kind">): string {
  return `{"jsonrpc":"2.0","id":${typeof id === "number" ? id : JSON.stringify(id)},"${kind}":`;
}
