import { isProcessServer, type Server } from "@mcpctl/shared/kinds/servers.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import { createRelay, type RelayRequest, type RelayResponse, type RelayTarget } from "./relay.ts";

export interface RelayExchange extends RelayRequest {
  server: Server;
  /** Whether the caller may see and call a tool, by the name that the server gives it. */
  isAllowed: (tool: string) => boolean;
}

interface ServerRelayDeps {
  /** A handle on the process of a server, whether it runs now or not. */
  openUpstream(server: string): Upstream;
  /** @throws {McpctlError} `upstream-unavailable` when a value cannot be had. */
  headersOf(spec: Server["spec"]): Record<string, string>;
}

/** The relay to declared servers: to a process of mcpd by its pipes, to any other by its address. */
export interface ServerRelay extends AsyncDisposable {
  handle(exchange: RelayExchange): Promise<RelayResponse>;
}

export function createServerRelay({ openUpstream, headersOf }: ServerRelayDeps): ServerRelay {
  const relay = createRelay();

  function targetOf({ server: { metadata, spec }, isAllowed: policy }: RelayExchange): RelayTarget {
    if (isProcessServer(spec)) return { upstream: openUpstream(metadata.name), policy };
    const { url = "", timeoutSeconds } = spec;
    return { server: metadata.name, url, headers: headersOf(spec), policy, timeoutSeconds };
  }

  return {
    handle: async (exchange) => relay.handle(exchange, targetOf(exchange)),
    [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose](),
  };
}
