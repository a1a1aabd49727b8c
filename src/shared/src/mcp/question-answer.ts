import { ERROR_CODES, McpctlError } from "../errors.ts";
import type { UpstreamReply } from "./upstream.ts";

const decoder = new TextDecoder();

/**
 * What a server gets for a question that it put to a client.
 *
 * @param outcome - the reply of the client, or whatever was thrown instead of one.
 * @returns the members of the JSON-RPC response that follow the id, as JSON without braces.
 */
export function toRpcAnswer(outcome: unknown): string {
  if (isReply(outcome)) return `"${outcome.kind}":${decoder.decode(outcome.json)}`;
  const known = outcome instanceof McpctlError ? outcome : new McpctlError("internal", "The client was not asked");
  const { code, message, hint } = known;
  return `"error":${JSON.stringify({ code: ERROR_CODES[code].rpc, message, data: { code, hint } })}`;
}

function isReply(outcome: unknown): outcome is UpstreamReply {
  return typeof outcome === "object" && outcome !== null && "json" in outcome && outcome.json instanceof Uint8Array;
}
