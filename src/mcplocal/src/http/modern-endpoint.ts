import type { Method } from "../pipeline/exchange.ts";
import { statelessClientOf as clientOf } from "../pipeline/stateless-client.ts";
import type { ClientMessage, ClientRequest } from "../protocol/client-message.ts";
import { checkHeaderParams } from "../protocol/header-params.ts";
import { checkEnvelopeAndHeaders, checkName, methodNotFound } from "../protocol/modern-rules.ts";
import { invalidRequest } from "../protocol/rpc-failure.ts";
import type { Answerer } from "./answerer.ts";
import type { IncomingCall } from "./incoming-call.ts";
import type { LiveStreams } from "./live-streams.ts";
import { sendNothing } from "./reply.ts";
import { openSubscription } from "./subscription-stream.ts";

interface ModernEndpointDeps {
  /** Every method that is served, by name. */
  methods: ReadonlyMap<string, Method>;
  answerer: Answerer;
  streams: LiveStreams;
}

/**
 * Serves clients that carry everything in each request.
 *
 * @returns a function that throws RpcFailure for requests that break the rules of the transport.
 * @see MCP 2026-07-28, transports/streamable-http
 */
export function createModernEndpoint({ methods, answerer, streams }: ModernEndpointDeps) {
  return function serveModern(call: IncomingCall, message: ClientMessage): Promise<void> | void {
    if (message.type === "response") throw invalidRequest("Clients of this revision send no responses");
    if (message.type === "notification") return sendNothing(call.exchange, 202);
    checkEnvelopeAndHeaders(message, call.exchange.headers);
    if (message.method === "subscriptions/listen") return openSubscription(streams, call, message);
    const method = methods.get(message.method);
    if (!method) throw methodNotFound(message.method, 404);
    checkName(message, call.exchange.headers);
    if (message.method === "tools/call") checkMirrored(call, message);
    // In this revision the end of the connection is the cancellation.
    const { signal } = call.exchange;
    return answerer.answer(call, message, method, { era: "modern", signal, clientOf });
  };
}

/** What a tool wants to see in headers must be what it gets as arguments. */
function checkMirrored({ project, exchange }: IncomingCall, { params }: ClientRequest): void {
  const { name } = params;
  const wanted = typeof name === "string" ? project.view().tools.get(name)?.headerParams : undefined;
  if (wanted) checkHeaderParams(wanted, params["arguments"], exchange.headers);
}
