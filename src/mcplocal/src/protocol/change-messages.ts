import { toNotification } from "@mcpctl/shared/mcp/changes.ts";
import { LIST_KINDS, type ListKind } from "@mcpctl/shared/mcp/upstream.ts";

/** What says that a list has changed, for those kinds of which a client wants to know. */
export type ListMessages = Partial<Record<ListKind, Uint8Array>>;

/** @param params - further content of each. */
export function listMessages(kinds: readonly ListKind[], params?: object): ListMessages {
  return Object.fromEntries(
    kinds.map((kind) => [kind, toMessage({ ...toNotification({ kind }), ...(params && { params }) })]),
  );
}

/** The same for clients with sessions, which hear of everything. */
export const ALL_LIST_MESSAGES = listMessages(LIST_KINDS);

/** What says that a resource has changed. */
export function updateMessage(uri: string, meta?: object): Uint8Array {
  return toMessage({ method: "notifications/resources/updated", params: { uri, ...(meta && { _meta: meta }) } });
}

/** A JSON-RPC message on a single line. */
export function toMessage(message: object): Uint8Array {
  return Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
}
