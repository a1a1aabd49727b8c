import type { ClientRequest } from "../protocol/client-message.ts";
import { readSubscription } from "../protocol/subscription.ts";
import { requireEvents } from "./accept.ts";
import type { IncomingCall } from "./incoming-call.ts";
import type { LiveStreams } from "./live-streams.ts";

/**
 * Answers `subscriptions/listen` with a stream that stays open.
 *
 * @throws {RpcFailure} 400 without a filter. @throws {McpctlError} `not-acceptable`, `too-many-requests`.
 */
export function openSubscription(streams: LiveStreams, call: IncomingCall, request: ClientRequest): void {
  requireEvents(call.exchange.headers);
  const canSubscribe = call.project.view().capabilities.resources?.subscribe === true;
  const { uris, meta, greeting, changed, farewell } = readSubscription(request, canSubscribe);
  let ends: (() => void)[] = [];
  streams.open({
    ...call,
    greeting,
    changed,
    wants: (uri) => uris.has(uri),
    updateMeta: meta,
    farewell,
    onClose: () => ends.forEach((end) => end()),
  });
  ends = [...uris].map((uri) => call.project.subscribe(uri));
}
