import { META } from "@mcpctl/shared/mcp/protocol.ts";
import { LIST_KINDS } from "@mcpctl/shared/mcp/upstream.ts";
import { type ListMessages, listMessages, toMessage } from "./change-messages.ts";
import { type ClientRequest, isRecord } from "./client-message.ts";
import { invalidRequest } from "./rpc-failure.ts";

const MAX_RESOURCES = 1_000;

/** What a stateless client wants to hear of, and all that is said to it. */
export interface Subscription {
  uris: ReadonlySet<string>;
  /** Marks what belongs to it. */
  meta: Readonly<Record<string, unknown>>;
  /** First message: what is honoured of what was asked for. */
  greeting: Uint8Array;
  changed: ListMessages;
  /** The answer, which is the last message when it ends in good order. */
  farewell: Uint8Array;
}

/**
 * Reads `subscriptions/listen`.
 *
 * @param canSubscribe - whether anybody tells when a resource changes.
 * @throws {RpcFailure} 400 without a filter, and for one that is too long.
 * @see MCP 2026-07-28, basic/patterns/subscriptions
 */
export function readSubscription({ id, params }: ClientRequest, canSubscribe: boolean): Subscription {
  const filter = params["notifications"];
  if (!isRecord(filter)) throw invalidRequest("params.notifications is no object");
  const kinds = LIST_KINDS.filter((kind) => filter[`${kind}ListChanged`] === true);
  const uris = new Set(canSubscribe ? readUris(filter["resourceSubscriptions"]) : []);
  const meta = { [META.subscriptionId]: id };
  const honoured = {
    ...Object.fromEntries(kinds.map((kind) => [`${kind}ListChanged`, true])),
    ...(uris.size > 0 && { resourceSubscriptions: [...uris] }),
  };
  return {
    uris,
    meta,
    greeting: toMessage({
      method: "notifications/subscriptions/acknowledged",
      params: { _meta: meta, notifications: honoured },
    }),
    changed: listMessages(kinds, { _meta: meta }),
    farewell: toMessage({ id, result: { resultType: "complete", _meta: meta } }),
  };
}

function readUris(wanted: unknown): string[] {
  if (!Array.isArray(wanted)) return [];
  const uris = wanted.filter((uri) => typeof uri === "string");
  if (uris.length > MAX_RESOURCES)
    throw invalidRequest(`At most ${MAX_RESOURCES} resources can be subscribed to at once`);
  return uris;
}
