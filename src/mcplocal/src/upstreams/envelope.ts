import { META } from "@mcpctl/shared/mcp/protocol.ts";
import type { ClientCapabilities } from "@mcpctl/shared/mcp/upstream.ts";
import { modernMeta } from "../identity.ts";
import { metaOf } from "../protocol/client-message.ts";

/** Writes params as JSON, with what a stateless server wants to see in each request. */
export type Envelope = (params: Record<string, unknown>, logLevel: string | undefined) => string;

/** @see MCP 2026-07-28, basic, "_meta" */
export function createEnvelope(capabilities: ClientCapabilities): Envelope {
  const own = modernMeta(capabilities);
  const written = JSON.stringify(own);
  return (params, logLevel) => {
    if (params["_meta"] !== undefined || logLevel !== undefined) {
      const level = logLevel !== undefined && { [META.logLevel]: logLevel };
      return JSON.stringify({ ...params, _meta: { ...metaOf(params), ...own, ...level } });
    }
    const json = JSON.stringify(params).slice(0, -1);
    return `${json}${json === "{" ? "" : ","}"_meta":${written}}`;
  };
}
