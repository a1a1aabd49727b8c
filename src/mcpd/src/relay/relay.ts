import type { RelayRequest, RelayResponse, RelayTarget } from "./exchange.ts";
import { relayToProcess } from "./process-relay.ts";
import type { RemoteRelay } from "./remote-relay.ts";

export type { ProcessTarget, RelayRequest, RelayResponse, RelayTarget, RemoteTarget } from "./exchange.ts";

/** Carries MCP over Streamable HTTP to servers that speak it over pipes, or elsewhere. */
export interface Relay extends AsyncDisposable {
  /** Never rejects for what the caller or the server did: that becomes a JSON-RPC error in the response. */
  handle(request: RelayRequest, target: RelayTarget): Promise<RelayResponse>;
}

export function createRelay(): Relay {
  let remote: Promise<RemoteRelay> | undefined;
  return {
    async handle(request, target) {
      if ("upstream" in target) return relayToProcess(request, target);
      remote ??= loadRemoteRelay();
      return (await remote).handle(request, target);
    },
    async [Symbol.asyncDispose]() {
      await (await remote)?.close();
    },
  };
}

/** The HTTP client is a third of all code of mcpd, and most servers are processes. */
async function loadRemoteRelay(): Promise<RemoteRelay> {
  const { createRemoteRelay } = await import("./remote-relay.ts");
  return createRemoteRelay();
}
