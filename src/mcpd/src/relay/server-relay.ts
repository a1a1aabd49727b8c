import type { Duplex } from "node:stream";
import { isProcessServer, type Server } from "@mcpctl/shared/kinds/servers.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import { createRelayLinks, type LinkRequest, type RelayLinksDeps } from "./relay-links.ts";
import { createRelay, type RelayRequest, type RelayResponse, type RelayTarget } from "./relay.ts";

export interface RelayExchange extends RelayRequest {
  server: Server;
  /** Whether the caller may see and call a tool, by the name that the server gives it. */
  isAllowed: (tool: string) => boolean;
}

interface ServerRelayDeps extends Pick<RelayLinksDeps, "onCommit"> {
  /** A handle on the process of a server, whether it runs now or not. */
  openUpstream(server: string): Upstream;
  /** @throws {McpctlError} `upstream-unavailable` when a value cannot be had. */
  headersOf(spec: Server["spec"]): Record<string, string> | Promise<Record<string, string>>;
}

/** The relay to declared servers: to a process of mcpd by its pipes, to any other by its address. */
export interface ServerRelay extends AsyncDisposable {
  handle(exchange: RelayExchange): Promise<RelayResponse>;
  /**
   * Lets a caller speak in lines with a process of mcpd.
   *
   * @returns what takes the socket over; undefined for a server elsewhere, to which there are no links.
   * @throws {McpctlError} `too-many-requests`
   */
  acceptLink(request: LinkRequest): ((socket: Duplex) => void) | undefined;
}

export function createServerRelay({ openUpstream, headersOf, onCommit }: ServerRelayDeps): ServerRelay {
  const relay = createRelay();
  const links = createRelayLinks({ openUpstream, onCommit });

  async function targetOf({ server: { metadata, spec }, isAllowed: policy }: RelayExchange): Promise<RelayTarget> {
    if (isProcessServer(spec)) return { upstream: openUpstream(metadata.name), policy };
    const { url = "", timeoutSeconds } = spec;
    return { server: metadata.name, url, headers: await headersOf(spec), policy, timeoutSeconds };
  }

  return {
    handle: async (exchange) => relay.handle(exchange, await targetOf(exchange)),
    acceptLink: (request) => (isProcessServer(request.granted.server.spec) ? links.accept(request) : undefined),
    [Symbol.asyncDispose]() {
      links[Symbol.dispose]();
      return relay[Symbol.asyncDispose]();
    },
  };
}
