import * as z from "zod";
import { LEGACY_VERSIONS, META, MODERN_VERSION } from "./protocol.ts";
import type { UpstreamIdentity } from "./upstream.ts";

/** What a server says of itself is worth showing; that it says it badly is no reason not to use it. */
const serverInfo = z.looseObject({ name: z.string(), version: z.string().exactOptional() }).optional().catch(undefined);
const instructions = z.string().optional().catch(undefined);
const capabilities = z.record(z.string(), z.unknown()).default({});

/** Result of `server/discover`. @see MCP 2026-07-28, server/discover */
export const discoverResult = z.looseObject({
  supportedVersions: z.array(z.string()),
  capabilities,
  instructions,
  _meta: z
    .looseObject({ [META.serverInfo]: serverInfo })
    .optional()
    .catch(undefined),
});

/** Result of `initialize`. @see MCP 2025-11-25, basic/lifecycle, "Initialization" */
export const initializeResult = z.looseObject({
  protocolVersion: z.string(),
  capabilities,
  serverInfo,
  instructions,
});

/** @returns undefined when the server does not speak the stateless revision that we know. */
export function modernIdentity(found: z.output<typeof discoverResult>): UpstreamIdentity | undefined {
  if (!found.supportedVersions.includes(MODERN_VERSION)) return undefined;
  return {
    era: "modern",
    protocolVersion: MODERN_VERSION,
    capabilities: found.capabilities,
    serverInfo: found._meta?.[META.serverInfo],
    instructions: found.instructions,
  };
}

/** @returns undefined when the server wants a revision that we do not know. */
export function legacyIdentity(found: z.output<typeof initializeResult>): UpstreamIdentity | undefined {
  const { protocolVersion, serverInfo: info, instructions: text } = found;
  if (!LEGACY_VERSIONS.some((version) => version === protocolVersion)) return undefined;
  return { era: "legacy", protocolVersion, capabilities: found.capabilities, serverInfo: info, instructions: text };
}
