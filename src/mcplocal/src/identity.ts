import { META, MODERN_VERSION } from "@mcpctl/shared/mcp/protocol.ts";
import { VERSION } from "@mcpctl/shared/version.ts";

/** What the gateway says it is, to clients and to servers alike. */
export const IDENTITY = { name: "mcpctl", version: VERSION } as const;

/** What the gateway can do for a server. Nothing yet, so a server may ask for nothing. */
export const CLIENT_CAPABILITIES = {} as const;

/** The envelope of every request to a stateless server. */
export const MODERN_META = {
  [META.protocolVersion]: MODERN_VERSION,
  [META.clientInfo]: IDENTITY,
  [META.clientCapabilities]: CLIENT_CAPABILITIES,
} as const;
