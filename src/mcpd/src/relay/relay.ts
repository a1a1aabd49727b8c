import type { RelayRequest, RelayResponse, RelayTarget } from "./exchange.ts";
import { relayToProcess } from "./process-relay.ts";
import { createRemoteRelay } from "./remote-relay.ts";

export type { ProcessTarget, RelayRequest, RelayResponse, RelayTarget, RemoteTarget } from "./exchange.ts";

/** Carries MCP over Streamable HTTP to servers that speak it over pipes, or elsewhere. */
export interface Relay extends AsyncDisposable {
  /** Never rejects for what the caller or the server did: that becomes a JSON-RPC error in the response. */
  handle(request: RelayRequest, target: RelayTarget): Promise<RelayResponse>;
}

export function createRelay(): Relay {
  const remote = createRemoteRelay();
  return {
    handle: (request, target) =>
      "upstream" in target ? relayToProcess(request, target) : remote.handle(request, target),
    [Symbol.asyncDispose]: remote.close,
  };
}
