import { RPC } from "@mcpctl/shared/mcp/protocol.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import type { ClientRequest } from "./client-message.ts";
import type { ProcessAnswer } from "./process-answer.ts";
import { toReply } from "./rpc-response.ts";

const MAX_SUBSCRIPTIONS = 10_000;

/** Resources of which a link wants to hear, and what ends that. */
export type LinkSubscriptions = Map<string, () => void>;

type Subscribing = (subscriptions: LinkSubscriptions, upstream: Upstream, request: ClientRequest) => ProcessAnswer;

/** Methods by which a gateway says of which resources it wants to hear on its link, whatever the server's era. */
export const SUBSCRIBING: ReadonlyMap<string, Subscribing> = new Map([
  ["resources/subscribe", subscribe],
  ["resources/unsubscribe", unsubscribe],
]);

function subscribe(subscriptions: LinkSubscriptions, upstream: Upstream, { params: { uri } }: ClientRequest) {
  if (typeof uri !== "string") return refusal("params.uri must be a string");
  if (!subscriptions.has(uri)) {
    if (subscriptions.size >= MAX_SUBSCRIPTIONS) return refusal("There are too many subscriptions on this link");
    subscriptions.set(uri, upstream.subscribe(uri));
  }
  return DONE;
}

function unsubscribe(subscriptions: LinkSubscriptions, _upstream: Upstream, { params: { uri } }: ClientRequest) {
  if (typeof uri !== "string") return refusal("params.uri must be a string");
  subscriptions.get(uri)?.();
  subscriptions.delete(uri);
  return DONE;
}

const DONE: ProcessAnswer = { reply: toReply("result", {}), status: 200 };

function refusal(message: string): ProcessAnswer {
  return { reply: toReply("error", { code: RPC.invalidParams, message }), status: 200 };
}
