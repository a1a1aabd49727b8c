import type { Method } from "../pipeline/exchange.ts";
import { findExposed } from "../pipeline/require-exposed.ts";
import { statelessClientOf as clientOf } from "../pipeline/stateless-client.ts";
import type { Exposed } from "../projects/project-view.ts";
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
    // In this revision the end of the connection is the cancellation.
    const { signal } = call.exchange;
    const answer = () => answerer.answer(call, message, method, { era: "modern", signal, clientOf });
    const checking = message.method === "tools/call" ? checkMirrored(call, message) : undefined;
    return checking ? checking.then(answer) : answer();
  };
}

/**
 * Checks that what a tool wants to see in headers is what it gets as arguments.
 *
 * @returns when that is known; undefined when it is already, which is the rule.
 */
function checkMirrored({ project, exchange }: IncomingCall, { params }: ClientRequest): Promise<void> | undefined {
  const { name, arguments: args } = params;
  if (typeof name !== "string") return undefined;
  const check = (tool: Pick<Exposed<unknown>, "headerParams"> | undefined): void => {
    if (tool?.headerParams) checkHeaderParams(tool.headerParams, args, exchange.headers);
  };
  const known = project.view().find("tools", name);
  if (!known) return findExposed(project, "tools", name).then(check);
  check(known);
  return undefined;
}
