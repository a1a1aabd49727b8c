import { LATEST_LEGACY_VERSION } from "@mcpctl/shared/mcp/protocol.ts";
import type { Endpoint, LegacyPeer, LegacySession } from "./endpoint.ts";
import { BOTH_TYPES, CLIENT_INFO, rememberLists, sendDraft } from "./modern-peer.ts";
import { type Draft, findResult, isObject, type RpcCall, type Spoil } from "./rpc.ts";
import type { HeaderFields, WireAnswer } from "./wire-exchange.ts";

type Asks = Pick<Endpoint, "wire" | "headers" | "nextId">;
type Greeted = Pick<LegacySession, "id" | "protocolVersion">;

/** A well-formed request of the revisions with sessions. @see MCP 2025-11-25, basic/transports */
function draftLegacy({ headers, nextId }: Asks, call: RpcCall, session?: Greeted): Draft {
  const { method, params, id = nextId() } = call;
  const isNotification = method.startsWith("notifications/");
  return {
    httpMethod: "POST",
    headers: { ...headers, accept: BOTH_TYPES, "content-type": "application/json", ...sessionFields(session) },
    message: { jsonrpc: "2.0", ...(!isNotification && { id }), method, ...(params && { params }) },
  };
}

function sessionFields(session: Greeted | undefined): HeaderFields {
  if (!session) return {};
  return {
    "mcp-protocol-version": session.protocolVersion,
    ...(session.id !== undefined && { "mcp-session-id": session.id }),
  };
}

export function draftInitialize(asks: Asks, protocolVersion: string = LATEST_LEGACY_VERSION): Draft {
  const params = { protocolVersion, capabilities: {}, clientInfo: CLIENT_INFO };
  return draftLegacy(asks, { method: "initialize", params });
}

/** Says that the client has read what the server answered to `initialize`. */
export async function confirm(asks: Asks, greeting: WireAnswer): Promise<LegacySession> {
  const version = findResult(greeting)?.["protocolVersion"];
  const greeted: Greeted = {
    id: greeting.headers["mcp-session-id"],
    protocolVersion: typeof version === "string" ? version : LATEST_LEGACY_VERSION,
  };
  const draft = draftLegacy(asks, { method: "notifications/initialized" }, greeted);
  return { ...greeted, greeting, confirmation: await sendDraft(asks, draft) };
}

export function createLegacyPeer(endpoint: Endpoint, session: LegacySession): LegacyPeer {
  const { capabilities, serverInfo } = findResult(session.greeting) ?? {};
  const send = (call: RpcCall, spoil: Spoil = (draft) => draft) =>
    sendDraft(endpoint, spoil(draftLegacy(endpoint, call, session)));
  return {
    endpoint,
    era: "legacy",
    protocolVersion: session.protocolVersion,
    capabilities: isObject(capabilities) ? capabilities : {},
    serverInfo: isObject(serverInfo) ? serverInfo : undefined,
    greeting: session.greeting,
    session,
    send,
    sendUntil: (call, isDone) => sendDraft(endpoint, draftLegacy(endpoint, call, session), isDone),
    listing: rememberLists(send),
    open: async (version) => confirm(endpoint, await sendDraft(endpoint, draftInitialize(endpoint, version))),
    sendBodiless(httpMethod, sessionId, spoil = (draft) => draft) {
      const { protocolVersion } = session;
      const fields = sessionFields({ id: sessionId, protocolVersion });
      const headers = { ...endpoint.headers, accept: "text/event-stream", ...fields };
      // A stream that opens says all that is asked; it is not waited for.
      return sendDraft(endpoint, spoil({ httpMethod, headers, message: undefined }), ({ isStream }) => isStream);
    },
  };
}
