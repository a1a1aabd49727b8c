import { isObject, parseJson } from "./line-messages.ts";
import type { Waiter } from "./pending-requests.ts";
import { clientMeta } from "./shake-hands.ts";

/** In `_meta` of what mcpd passes to a gateway: the id of the gateway's request that it belongs to. */
const BELONGS_TO = "mcpctl.io/belongs-to";
/** In `_meta` of a request of a gateway: it wants to hear what the server says meanwhile. */
const NOTIFIES = "mcpctl.io/notifies";

/** What must not reach a server. */
export const RELAY_KEYS: readonly string[] = [BELONGS_TO, NOTIFIES];

/** What a gateway tells mcpd of whoever is behind a request; undefined when there is nothing to tell. */
export function relayMeta(
  client: Waiter["client"],
  onNotification: Waiter["onNotification"],
): Record<string, unknown> | undefined {
  if (!client && !onNotification) return undefined;
  return { ...(client && clientMeta(client)), ...(onNotification && { [NOTIFIES]: true }) };
}

export function wantsNotifications(meta: Readonly<Record<string, unknown>>): boolean {
  return meta[NOTIFIES] === true;
}

/** Params with the mark of the request that they belong to. */
export function withMark(params: Record<string, unknown>, id: unknown): Record<string, unknown> {
  const meta = isObject(params["_meta"]) ? params["_meta"] : {};
  return { ...params, _meta: { ...meta, [BELONGS_TO]: id } };
}

/** The mark, and the params without it. */
export function splitMark(params: Record<string, unknown>): { mark: unknown; params: Record<string, unknown> } {
  const { _meta: meta, ...rest } = params;
  if (!isObject(meta) || !(BELONGS_TO in meta)) return { mark: undefined, params };
  const { [BELONGS_TO]: mark, ...kept } = meta;
  return { mark, params: Object.keys(kept).length > 0 ? { ...rest, _meta: kept } : rest };
}

/** A notification without its mark. @returns undefined for what has none. */
export function readMarked(line: Uint8Array): { mark: unknown; message: Uint8Array } | undefined {
  const json = parseJson(line);
  if (!isObject(json) || !isObject(json["params"])) return undefined;
  const { mark, params } = splitMark(json["params"]);
  if (mark === undefined) return undefined;
  return { mark, message: new TextEncoder().encode(JSON.stringify({ ...json, params })) };
}
