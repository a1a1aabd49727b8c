import { isObject, parseJson } from "./line-messages.ts";
import { LIST_KINDS, type UpstreamChange } from "./upstream.ts";

const UPDATED = "notifications/resources/updated";
const BY_METHOD: ReadonlyMap<string, UpstreamChange> = new Map(
  LIST_KINDS.map((kind) => [`notifications/${kind}/list_changed`, { kind }]),
);

/** @returns undefined for a notification that tells of no change. */
export function readChange(method: string, message: Uint8Array): UpstreamChange | undefined {
  const change = BY_METHOD.get(method);
  if (change || method !== UPDATED) return change;
  const json = parseJson(message);
  const params = isObject(json) ? json["params"] : undefined;
  const uri = isObject(params) ? params["uri"] : undefined;
  return typeof uri === "string" ? { kind: "resource", uri } : undefined;
}

/** The notification that tells of a change. */
export function toNotification(change: UpstreamChange): { method: string; params?: { uri: string } } {
  if (change.kind === "resource") return { method: UPDATED, params: { uri: change.uri } };
  return { method: `notifications/${change.kind}/list_changed` };
}

/** What to ask a modern server to tell; undefined when it offers to tell nothing. */
export function changeFilter(capabilities: Readonly<Record<string, unknown>>): Record<string, true> | undefined {
  const kinds = LIST_KINDS.filter((kind) => {
    const capability = capabilities[kind];
    return isObject(capability) && capability["listChanged"] === true;
  });
  if (kinds.length === 0) return undefined;
  return Object.fromEntries(kinds.map((kind) => [`${kind}ListChanged`, true]));
}
