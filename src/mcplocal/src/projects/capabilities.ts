import type { McpctlError } from "@mcpctl/shared/errors.ts";
import { isRecord } from "../protocol/client-message.ts";

/** Extensions whose messages pass through the gateway as they are. @see MCP Apps, SEP-1865 */
const RELAYED_EXTENSIONS: readonly string[] = ["io.modelcontextprotocol/ui"];

/** What a project offers its members. Lists always tell of changes, since the gateway keeps them. */
export interface ProjectCapabilities {
  tools: { listChanged: true };
  prompts?: { listChanged: true };
  resources?: { listChanged: true; subscribe?: true };
  completions?: object;
  logging?: object;
  extensions?: Record<string, unknown>;
}

interface CapableServer {
  capabilities: Readonly<Record<string, unknown>>;
  fault: McpctlError | undefined;
}

/**
 * Offers what at least one server does. A server that has not been seen yet may turn out to have anything that is
 * listed, and clients with sessions hear of it only once.
 */
export function mergeCapabilities(servers: readonly CapableServer[]): ProjectCapabilities {
  const offers = (capability: string) => servers.some(({ capabilities }) => isRecord(capabilities[capability]));
  const isUncertain = servers.some(({ capabilities, fault }) => fault && Object.keys(capabilities).length === 0);
  const canSubscribe = servers.some(({ capabilities: { resources } }) => isRecord(resources) && resources["subscribe"]);
  const extensions = extensionsOf(servers);
  return {
    tools: { listChanged: true },
    ...((offers("prompts") || isUncertain) && { prompts: { listChanged: true } }),
    ...((offers("resources") || isUncertain) && {
      resources: { listChanged: true, ...(canSubscribe && { subscribe: true }) },
    }),
    ...(offers("completions") && { completions: {} }),
    ...(offers("logging") && { logging: {} }),
    ...(Object.keys(extensions).length > 0 && { extensions }),
  };
}

function extensionsOf(servers: readonly CapableServer[]): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const { capabilities } of servers) {
    const { extensions } = capabilities;
    if (!isRecord(extensions)) continue;
    for (const name of RELAYED_EXTENSIONS) if (extensions[name] !== undefined) found[name] ??= extensions[name];
  }
  return found;
}
