import type { IncomingHttpHeaders } from "node:http";
import type { ClientRequest } from "./client-message.ts";

const ENCODED = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/;

/**
 * The header that says something else than the body. The relay decides by the body, and a server that went by the
 * header would do what nobody decided about.
 *
 * @see MCP 2026-07-28, basic/transports/streamable-http, "Request headers"
 */
export function contradictedHeader(
  headers: IncomingHttpHeaders,
  { method, params }: ClientRequest,
): string | undefined {
  if (!agrees(headers["mcp-method"], method)) return "Mcp-Method";
  const named = method === "resources/read" ? params["uri"] : params["name"];
  if (typeof named === "string" && !agrees(headers["mcp-name"], named)) return "Mcp-Name";
  return undefined;
}

function agrees(header: string | string[] | undefined, value: string): boolean {
  if (header === undefined) return true;
  if (typeof header !== "string") return false;
  const [, encoded] = ENCODED.exec(header) ?? [];
  return value === (encoded === undefined ? header : Buffer.from(encoded, "base64").toString());
}
