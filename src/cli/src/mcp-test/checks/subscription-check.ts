import type { Json } from "@mcpctl/shared/json.ts";
import { META, RPC } from "@mcpctl/shared/mcp/protocol.ts";
import { type Check, ok, type Outcome, skip, violated } from "../check.ts";
import type { Peer } from "../endpoint.ts";
import { describeAnswer, findErrorCode, isObject, isResponse, type JsonObject } from "../rpc.ts";

const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

/** Which notices a client may ask for, and the capability that offers it. */
const FILTERS = {
  toolsListChanged: "tools",
  promptsListChanged: "prompts",
  resourcesListChanged: "resources",
} as const;

export const SUBSCRIPTION_CHECK: Check<Peer> = {
  id: "listen",
  title: "subscriptions/listen is acknowledged first, and its messages carry the id of the subscription",
  severity: "error",
  reference: "MCP 2026-07-28 basic/patterns/subscriptions",
  async run({ sendUntil, capabilities, endpoint }) {
    const offered = Object.entries(FILTERS).filter(([, name]) => hasChanges(capabilities[name]));
    const filter = Object.fromEntries(offered.map(([flag]) => [flag, true]));
    const id = endpoint.nextId();
    const call = { method: "subscriptions/listen", params: { notifications: filter }, id };
    const answer = await sendUntil(call, ({ messages }) => messages.length > 0);
    if (offered.length === 0 && findErrorCode(answer) === RPC.methodNotFound)
      return skip("nothing can be subscribed to");
    const [first] = answer.messages;
    if (!answer.isStream || first === undefined) return violated(`got ${describeAnswer(answer)}`);
    return judgeFirst(first, { id, filter });
  },
};

function hasChanges(capability: Json | undefined): boolean {
  return isObject(capability) && capability["listChanged"] === true;
}

function judgeFirst(first: Json, asked: { id: Json; filter: JsonObject }): Outcome {
  if (!isObject(first) || isResponse(first) || first["method"] !== ACKNOWLEDGED) {
    return violated(`the first message is no ${ACKNOWLEDGED}`);
  }
  const { params } = first;
  const meta = isObject(params) ? params["_meta"] : undefined;
  if (!isObject(meta) || meta[META.subscriptionId] !== asked.id) {
    return violated(`its _meta lacks "${META.subscriptionId}" with the id of the request`);
  }
  const granted = isObject(params) ? params["notifications"] : undefined;
  if (!isObject(granted)) return violated("it does not say what is subscribed to");
  const more = Object.keys(granted).find((key) => granted[key] === true && asked.filter[key] !== true);
  return more === undefined ? ok() : violated(`${more} is granted, which was not asked for`);
}
