import { META, MODERN_VERSION } from "@mcpctl/shared/mcp/protocol.ts";
import { encodeHeaderValue } from "@mcpctl/shared/mcp/header-value.ts";
import { VERSION } from "@mcpctl/shared/version.ts";
import type { Endpoint, Peer } from "./endpoint.ts";
import { type Listing, type ListKind, walkList } from "./listing.ts";
import { type Draft, findResult, isObject, type JsonObject, type RpcCall, type Spoil } from "./rpc.ts";
import type { WireAnswer, WireRequest } from "./wire-exchange.ts";

export const CLIENT_INFO = { name: "mcpctl-test", version: VERSION };
export const BOTH_TYPES = "application/json, text/event-stream";
const ENVELOPE: JsonObject = {
  [META.protocolVersion]: MODERN_VERSION,
  [META.clientInfo]: CLIENT_INFO,
  [META.clientCapabilities]: {},
};

type Asks = Pick<Endpoint, "wire" | "headers" | "nextId">;

/** A well-formed request of the stateless revision. @see MCP 2026-07-28, basic/transports/streamable-http */
export function draftModern({ headers, nextId }: Asks, call: RpcCall): Draft {
  const { method, params = {}, name, id = nextId() } = call;
  return {
    httpMethod: "POST",
    headers: {
      ...headers,
      accept: BOTH_TYPES,
      "content-type": "application/json",
      "mcp-protocol-version": MODERN_VERSION,
      "mcp-method": method,
      ...(name !== undefined && { "mcp-name": encodeHeaderValue(name) }),
      ...call.headers,
    },
    message: { jsonrpc: "2.0", id, method, params: { ...params, _meta: ENVELOPE } },
  };
}

export function sendDraft({ wire }: Asks, draft: Draft, isDone?: WireRequest["isDone"]): Promise<WireAnswer> {
  const { httpMethod, headers, message } = draft;
  const body = draft.body ?? (message && JSON.stringify(message));
  return wire.send({ httpMethod, headers, body, ...(isDone && { isDone }) });
}

/** Keeps each list, so that all checks judge the same one and the server is asked once. */
export function rememberLists(send: (call: RpcCall) => Promise<WireAnswer>): (kind: ListKind) => Promise<Listing> {
  const read = new Map<ListKind, Promise<Listing>>();
  return (kind) => {
    const listing = read.get(kind) ?? walkList(kind, send);
    read.set(kind, listing);
    return listing;
  };
}

export function createModernPeer(endpoint: Endpoint, greeting: WireAnswer): Peer {
  const result = findResult(greeting) ?? {};
  const { capabilities, _meta: meta } = result;
  const serverInfo = isObject(meta) ? meta[META.serverInfo] : undefined;
  const send = (call: RpcCall, spoil: Spoil = (draft) => draft) =>
    sendDraft(endpoint, spoil(draftModern(endpoint, call)));
  return {
    endpoint,
    era: "modern",
    protocolVersion: MODERN_VERSION,
    capabilities: isObject(capabilities) ? capabilities : {},
    serverInfo: isObject(serverInfo) ? serverInfo : undefined,
    greeting,
    send,
    sendUntil: (call, isDone) => sendDraft(endpoint, draftModern(endpoint, call), isDone),
    listing: rememberLists(send),
  };
}
