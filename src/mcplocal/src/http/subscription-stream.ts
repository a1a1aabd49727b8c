import { toNotification } from "@mcpctl/shared/mcp/changes.ts";
import { META } from "@mcpctl/shared/mcp/protocol.ts";
import { LIST_KINDS } from "@mcpctl/shared/mcp/upstream.ts";
import { type ClientRequest, isRecord } from "../protocol/client-message.ts";
import { invalidRequest } from "../protocol/rpc-failure.ts";
import { requireEvents } from "./accept.ts";
import type { IncomingCall } from "./incoming-call.ts";
import type { LiveStreams } from "./live-streams.ts";

const MAX_RESOURCES = 1_000;

/**
 * Answers `subscriptions/listen` with a stream that stays open.
 *
 * @throws {RpcFailure} 400 without a filter. @throws {McpctlError} `not-acceptable`, `too-many-requests`.
 * @see MCP 2026-07-28, basic/patterns/subscriptions
 */
export function openSubscription(streams: LiveStreams, call: IncomingCall, { id, params }: ClientRequest): void {
  requireEvents(call.exchange.headers);
  const filter = params["notifications"];
  if (!isRecord(filter)) throw invalidRequest("params.notifications is no object");
  const kinds = LIST_KINDS.filter((kind) => filter[`${kind}ListChanged`] === true);
  const canSubscribe = call.project.view().capabilities.resources?.subscribe === true;
  const uris = new Set(canSubscribe ? readUris(filter["resourceSubscriptions"]) : []);
  const meta = { [META.subscriptionId]: id };
  const honoured = {
    ...Object.fromEntries(kinds.map((kind) => [`${kind}ListChanged`, true])),
    ...(uris.size > 0 && { resourceSubscriptions: [...uris] }),
  };
  let ends: (() => void)[] = [];
  streams.open({
    ...call,
    greeting: toMessage({
      method: "notifications/subscriptions/acknowledged",
      params: { _meta: meta, notifications: honoured },
    }),
    changed: Object.fromEntries(
      kinds.map((kind) => [kind, toMessage({ ...toNotification({ kind }), params: { _meta: meta } })]),
    ),
    wants: (uri) => uris.has(uri),
    updateMeta: meta,
    farewell: toMessage({ id, result: { resultType: "complete", _meta: meta } }),
    onClose: () => ends.forEach((end) => end()),
  });
  ends = [...uris].map((uri) => call.project.subscribe(uri));
}

function readUris(wanted: unknown): string[] {
  if (!Array.isArray(wanted)) return [];
  const uris = wanted.filter((uri) => typeof uri === "string");
  if (uris.length > MAX_RESOURCES)
    throw invalidRequest(`At most ${MAX_RESOURCES} resources can be subscribed to at once`);
  return uris;
}

function toMessage(message: object): Uint8Array {
  return Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
}
