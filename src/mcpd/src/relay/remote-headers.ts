import type { IncomingHttpHeaders } from "node:http";
import { VERSION } from "@mcpctl/shared/version.ts";

const PASSED_ON: ReadonlySet<string> = new Set(["accept", "content-type", "last-event-id"]);
const PASSED_BACK: ReadonlySet<string> = new Set([
  "content-type",
  "content-encoding",
  "cache-control",
  "allow",
  "retry-after",
]);
/** They speak of one connection, or of a length that is no longer true. */
const OF_ONE_HOP: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * What a remote server gets to see: of the caller's headers those that belong to MCP, so neither its bearer nor its
 * cookies, and what is configured for the server.
 */
export function toRemoteHeaders(caller: IncomingHttpHeaders, configured: Readonly<Record<string, string>>) {
  const headers: Record<string, string> = {
    accept: "application/json, text/event-stream",
    // The relay may have to read the answer.
    "accept-encoding": "identity",
    "user-agent": `mcpctl/${VERSION}`,
  };
  for (const [name, value] of Object.entries(caller)) {
    if (value === undefined || !(PASSED_ON.has(name) || name.startsWith("mcp-"))) continue;
    headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  for (const [name, value] of Object.entries(configured)) {
    if (!OF_ONE_HOP.has(name.toLowerCase())) headers[name.toLowerCase()] = value;
  }
  return headers;
}

/** What a caller gets to see of a remote server's headers. */
export function toCallerHeaders(remote: IncomingHttpHeaders): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(remote)) {
    if (value === undefined || !(PASSED_BACK.has(name) || name.startsWith("mcp-"))) continue;
    headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return headers;
}
