import { McpctlError } from "@mcpctl/shared/errors.ts";
import { META } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply, UpstreamRequestOptions } from "@mcpctl/shared/mcp/upstream.ts";
import type { ProjectServer } from "../projects/project-server.ts";
import { metaOf, type Params } from "../protocol/client-message.ts";
import { adaptReply } from "./adapt-reply.ts";
import { answerForClient } from "./answer-for-client.ts";
import type { Exchange } from "./exchange.ts";
import { exposeResultUris } from "./expose-result-uris.ts";
import { holdForClient } from "./hold-for-client.ts";
import type { RelayNotifications } from "./notification-relay.ts";
import type { UpstreamCall } from "./upstream-call.ts";
import type { HeldCalls } from "./held-calls.ts";

/** Keys of `_meta` that belong to one hop. Of all others, trace context included, the server gets what the client sent. */
const HOP_KEYS: ReadonlySet<string> = new Set([...Object.values(META), "progressToken"]);

/** A server that has so many calls of one project to answer gets no more: it hangs, or they would only wait. */
const MAX_CALLS_IN_FLIGHT = 1_024;

/** A request for one server. */
export interface Forwarding {
  source: ProjectServer;
  method: string;
  /** As the server is to get them, but for `_meta`. */
  params: Params;
  /** What is asked, for messages, such as `tool "echo"`. */
  subject: string;
  /** Arguments to repeat in headers, by the name of the header. */
  mirrored?: Readonly<Record<string, string>> | undefined;
}

/**
 * Asks one server on behalf of a client, and makes the answer fit for that.
 *
 * @throws {McpctlError} `upstream-unavailable`, `upstream-timeout`, `upstream-protocol`; `too-many-requests` when the
 *   server has too much to answer already.
 */
export type Forward = (exchange: Exchange, forwarding: Forwarding) => Promise<UpstreamReply>;

interface ForwardDeps {
  relayNotifications: RelayNotifications;
  held: HeldCalls;
}

export function createForward({ relayNotifications, held }: ForwardDeps): Forward {
  return async function forward(exchange, { source, method, params, subject, mirrored }) {
    const { signal, caller, era: clientEra, client } = exchange;
    if (source.fault) throw unavailable(source.fault);
    if (source.callsInFlight >= MAX_CALLS_IN_FLIGHT) throw tooManyCalls(source.name);
    const upstream = source.upstream(caller.bearer, client?.capabilities);
    source.callsInFlight += 1;
    try {
      const { era: upstreamEra } = upstream.identity ?? (await upstream.connect(signal));
      const { token, onNotification } = relayNotifications(exchange, source);
      const meta = forwardedMeta(metaOf(exchange.params), token);
      const sent = meta ? { ...params, _meta: meta } : params;
      const options: UpstreamRequestOptions = onNotification ? { signal, onNotification } : { signal };
      if (mirrored) options.mirrored = mirrored;
      const hop = { method, subject, upstreamEra, clientEra };
      if (client) options.client = client;
      const isHeld =
        upstreamEra === "legacy" && clientEra === "modern" && (client || sent["requestState"] !== undefined);
      const isAnswered = client && upstreamEra === "modern" && clientEra === "legacy";
      const { resources } = exchange.project.view();
      const isRenamed = resources.ambiguous.has(source.name);
      // The rule: nothing is asked and nothing is renamed, or it passes as it is.
      if (!isHeld && !isAnswered && !isRenamed) return adaptReply(await upstream.request(method, sent, options), hop);
      const call: UpstreamCall = { upstream, method, params: sent, options };
      const adapt = (reply: UpstreamReply): UpstreamReply => {
        const adapted = adaptReply(reply, hop);
        if (!isRenamed) return adapted;
        return exposeResultUris(adapted, method, (uri) => resources.exposedUri({ server: source.name, uri }));
      };
      if (isHeld) return await holdForClient(exchange, { server: source.name, call, held, adapt });
      return adapt(await (isAnswered ? answerForClient(client, call) : upstream.request(method, sent, options)));
    } catch (thrown) {
      if (thrown instanceof McpctlError && thrown.code === "upstream-unavailable") source.lookSoon();
      throw thrown;
    } finally {
      source.callsInFlight -= 1;
    }
  };
}

/** @returns undefined when nothing is left of it, which is the rule. */
function forwardedMeta(meta: Params, progressToken: string | undefined): Params | undefined {
  let kept: Params | undefined;
  for (const key in meta) if (!HOP_KEYS.has(key)) (kept ??= {})[key] = meta[key];
  return progressToken === undefined ? kept : { ...kept, progressToken };
}

function tooManyCalls(server: string): McpctlError {
  return new McpctlError(
    "too-many-requests",
    `Server "${server}" has ${MAX_CALLS_IN_FLIGHT} calls of this project to answer already`,
    { hint: "Try again when some of them have been answered" },
  );
}

function unavailable(fault: McpctlError): McpctlError {
  const hint = fault.hint ?? "An administrator finds the reason with: mcpctl get servers";
  return new McpctlError("upstream-unavailable", fault.message, { hint, cause: fault });
}
