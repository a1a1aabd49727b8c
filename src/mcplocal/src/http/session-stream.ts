import { LIST_KINDS } from "@mcpctl/shared/mcp/upstream.ts";
import { ALL_LIST_MESSAGES } from "../protocol/change-messages.ts";
import type { Session } from "../sessions/session-table.ts";
import { requireEvents } from "./accept.ts";
import type { IncomingCall } from "./incoming-call.ts";
import type { LiveStreams } from "./live-streams.ts";

const MAX_STREAMS_PER_SESSION = 4;

/**
 * Opens the stream on which a session hears of changes, and tells of those that it has missed.
 *
 * @throws {McpctlError} `not-acceptable`, `too-many-requests`.
 * @see MCP 2025-11-25, basic/transports, "Listening for Messages from the Server"
 */
export function openSessionStream(
  streams: LiveStreams,
  call: Pick<IncomingCall, "exchange" | "caller" | "project">,
  session: Session,
): void {
  requireEvents(call.exchange.headers);
  const [oldest] = session.streams;
  if (session.streams.length >= MAX_STREAMS_PER_SESSION) oldest?.close();
  const stream = streams.open({
    ...call,
    changed: ALL_LIST_MESSAGES,
    wants: (uri) => session.subscriptions.has(uri),
    // One message goes to one stream only.
    isChosen: (candidate) => session.streams.at(-1) === candidate,
    onClose: (closed) => session.streams.splice(session.streams.indexOf(closed), 1),
  });
  session.streams.push(stream);
  const { digests } = call.project.view();
  for (const kind of LIST_KINDS) {
    const listed = session.listedDigests[kind];
    if (listed !== undefined && listed !== digests[kind]) stream.tell(kind);
  }
}
