import { parseSlice } from "@mcpctl/shared/mcp/json-bytes.ts";
import type { ClientCapabilities, UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import { isRecord } from "../protocol/client-message.ts";
import { URL_REQUIRED } from "./adapt-reply.ts";
import { type InputRequest, toInputRequired } from "./input-required.ts";

/** The state of a request that is only to be sent again: nothing is held for it meanwhile. */
export const VISITED = "mcpctl-visited";

/**
 * What a stateless client is told instead of the error, which its revision does not know.
 *
 * @returns undefined for any other reply, and when the client cannot show addresses.
 * @see MCP 2025-11-25, client/elicitation, "URL Elicitation Required Error"
 */
export function toAddresses(reply: UpstreamReply, capabilities: ClientCapabilities): UpstreamReply | undefined {
  const { elicitation } = capabilities;
  if (reply.kind !== "error" || !isRecord(elicitation) || !isRecord(elicitation["url"])) return undefined;
  const error = parseSlice(reply.json, { start: 0, end: reply.json.length });
  if (!isRecord(error) || error["code"] !== URL_REQUIRED || !isRecord(error["data"])) return undefined;
  const { elicitations } = error["data"];
  const addresses = Array.isArray(elicitations) ? elicitations.filter(isAddress) : [];
  if (addresses.length === 0) return undefined;
  const requests = addresses.map(({ url, message }, at): [string, InputRequest] => [
    `address-${at + 1}`,
    { method: "elicitation/create", params: { mode: "url", url, message } },
  ]);
  return toInputRequired(Object.fromEntries(requests), VISITED);
}

function isAddress(value: unknown): value is { url: string; message: string } {
  return isRecord(value) && typeof value["url"] === "string" && typeof value["message"] === "string";
}
