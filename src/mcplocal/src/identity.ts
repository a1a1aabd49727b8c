import type { ClientCapabilities } from "@mcpctl/shared/mcp/upstream.ts";
import { META, MODERN_VERSION } from "@mcpctl/shared/mcp/protocol.ts";
import { VERSION } from "@mcpctl/shared/version.ts";

/** What the gateway says it is, to clients and to servers alike. */
export const IDENTITY = { name: "mcpctl", version: VERSION } as const;

/** The envelope of a request to a stateless server, on behalf of clients that can be asked for these things. */
export function modernMeta(capabilities: ClientCapabilities): Record<string, unknown> {
  return {
    [META.protocolVersion]: MODERN_VERSION,
    [META.clientInfo]: IDENTITY,
    [META.clientCapabilities]: capabilities,
  };
}

/** The same for requests of the gateway itself, which answers nothing. */
export const MODERN_META = modernMeta({});
