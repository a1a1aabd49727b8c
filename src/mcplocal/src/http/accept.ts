import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { HeaderLines } from "../http1/header-lines.ts";

/** The forms of an answer that a client takes. */
export interface Accepted {
  json: boolean;
  events: boolean;
}

const EVERYTHING: Accepted = { json: true, events: true };

/**
 * Reads `Accept`. Clients that take only one of the two forms are served in that form.
 *
 * @throws {McpctlError} `not-acceptable`
 */
export function readAccept(headers: HeaderLines): Accepted {
  const accept = headers.get("accept");
  if (accept === undefined || accept.includes("*/*")) return EVERYTHING;
  const accepted = {
    json: accept.includes("application/json") || accept.includes("application/*"),
    events: accept.includes("text/event-stream") || accept.includes("text/*"),
  };
  if (accepted.json || accepted.events) return accepted;
  throw notAcceptable("application/json, text/event-stream");
}

/** @throws {McpctlError} `not-acceptable` when the client does not take event streams. */
export function requireEvents(headers: HeaderLines): void {
  if (!readAccept(headers).events) throw notAcceptable("text/event-stream");
}

/** @throws {McpctlError} `unsupported-media-type` */
export function requireJsonBody(headers: HeaderLines): void {
  const type = headers.get("content-type") ?? "";
  const isJson = type === "application/json" || /^application\/json\s*(?:;|$)/i.test(type);
  const encoding = headers.get("content-encoding");
  if (isJson && (encoding === undefined || encoding === "identity")) return;
  throw new McpctlError("unsupported-media-type", "The body must be plain JSON", {
    hint: "Send Content-Type: application/json and no Content-Encoding",
  });
}

function notAcceptable(types: string): McpctlError {
  return new McpctlError("not-acceptable", "None of the types in Accept can be served", {
    hint: `Send Accept: ${types}`,
  });
}
