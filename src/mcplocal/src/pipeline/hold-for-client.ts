import type { ClientSide, UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { Exchange } from "./exchange.ts";
import { toAddresses, VISITED } from "./url-elicitation.ts";
import type { UpstreamCall } from "./upstream-call.ts";
import type { HeldCalls } from "./held-calls.ts";

const NOBODY: Omit<ClientSide, "ask"> = { capabilities: {} };

interface Holding {
  server: string;
  call: UpstreamCall;
  held: HeldCalls;
  /** Makes the answer of the server fit for the client. */
  adapt(reply: UpstreamReply): UpstreamReply;
}

/**
 * Calls a server with sessions for a stateless client, which is asked in the answers to its own requests. One that comes
 * back with a state comes back for its call, whatever it declares now.
 */
export function holdForClient(
  { caller, signal, client }: Exchange,
  { server, call: { upstream, method, params, options }, held, adapt }: Holding,
): Promise<UpstreamReply> {
  const ticket = { principal: caller.principal, server, method, params };
  const { requestState, inputResponses: answers, ...sent } = params;
  if (requestState !== undefined && requestState !== VISITED)
    return held.resume(requestState, ticket, { answers, signal });
  const run = async (asked: ClientSide, gone: AbortSignal): Promise<UpstreamReply> => {
    const reply = await upstream.request(method, sent, { ...options, client: asked, signal: gone });
    return toAddresses(reply, asked.capabilities) ?? adapt(reply);
  };
  return held.start(ticket, client ?? NOBODY, { run, signal });
}
