import { McpctlError } from "@mcpctl/shared/errors.ts";
import { LEGACY_VERSIONS } from "@mcpctl/shared/mcp/protocol.ts";
import { toHeaderBlock } from "../http1/header-block.ts";
import type { HeaderLines } from "../http1/header-lines.ts";
import type { Method } from "../pipeline/exchange.ts";
import { answerInitialize } from "../pipeline/server-info.ts";
import type { ClientMessage, ClientRequest } from "../protocol/client-message.ts";
import { invalidRequest } from "../protocol/rpc-failure.ts";
import {
  cancelWhenAsked,
  clientInSession,
  methodInSession,
  noteListed,
  readSessionStart,
} from "../sessions/session-requests.ts";
import type { Session, SessionTable } from "../sessions/session-table.ts";
import type { Answerer } from "./answerer.ts";
import type { IncomingCall } from "./incoming-call.ts";
import type { LiveStreams } from "./live-streams.ts";
import { sendNothing } from "./reply.ts";
import { openSessionStream } from "./session-stream.ts";

interface LegacyEndpointDeps {
  /** Every method that is served within a session, by name. */
  methods: ReadonlyMap<string, Method>;
  sessions: SessionTable;
  answerer: Answerer;
  streams: LiveStreams;
}

/** A request without a body, of an authenticated caller. */
export type BodilessCall = Pick<IncomingCall, "exchange" | "caller" | "project">;

export interface LegacyEndpoint {
  /** @throws {RpcFailure} @throws {McpctlError} for requests that break the rules of the transport. */
  post(call: IncomingCall, message: ClientMessage): Promise<void>;
  /** Opens the stream of a session. */
  get(call: BodilessCall): void;
  /** Ends a session. */
  delete(call: BodilessCall): void;
}

/**
 * Serves clients that open a session with `initialize`.
 *
 * @see MCP 2025-11-25, basic/transports
 */
export function createLegacyEndpoint({ methods, sessions, answerer, streams }: LegacyEndpointDeps): LegacyEndpoint {
  function requireSession({ exchange: { headers }, caller }: BodilessCall): Session {
    checkVersion(headers);
    const id = headers.get("mcp-session-id");
    if (id === undefined) throw invalidRequest("Mcp-Session-Id is missing: send initialize first");
    const session = sessions.find(id, caller.principal);
    if (session) return session;
    throw new McpctlError("not-found", "There is no such session", { hint: "Send initialize again" });
  }

  async function initialize(call: IncomingCall, request: ClientRequest): Promise<void> {
    checkVersion(call.exchange.headers);
    const open: Method = ({ params, project }) => {
      const session = sessions.open(call.caller.principal, readSessionStart(params));
      call.exchange.addHeaders(toHeaderBlock({ "mcp-session-id": session.id }));
      return answerInitialize(project, session.protocolVersion);
    };
    await answerer.answer(call, request, open, { era: "legacy", signal: new AbortController().signal });
  }

  async function run(call: IncomingCall, request: ClientRequest, session: Session): Promise<void> {
    const controller = new AbortController();
    session.running.set(request.id, controller);
    const run = { era: "legacy", signal: controller.signal, clientOf: clientInSession(session) } as const;
    try {
      await answerer.answer(call, request, methodInSession(request.method, session, methods), run);
      noteListed(session, request.method, call.project);
    } finally {
      if (session.running.get(request.id) === controller) session.running.delete(request.id);
    }
  }

  return {
    async post(call, message) {
      if (message.type === "request" && message.method === "initialize") return initialize(call, message);
      const session = requireSession(call);
      if (message.type === "request") return run(call, message, session);
      if (message.type === "notification") cancelWhenAsked(session.running, message);
      else if (message.id !== undefined) session.questions.answer(message.id, message.reply);
      return sendNothing(call.exchange, 202);
    },

    get(call) {
      openSessionStream(streams, call, requireSession(call));
    },

    delete(call) {
      sessions.end(requireSession(call));
      sendNothing(call.exchange, 200);
    },
  };
}

/** Clients are known to send another version than the one they negotiated, so any that exists will do. */
function checkVersion(headers: HeaderLines): void {
  const version = headers.get("mcp-protocol-version");
  if (version === undefined || LEGACY_VERSIONS.some((known) => known === version)) return;
  throw invalidRequest(`Unsupported MCP-Protocol-Version; supported: ${LEGACY_VERSIONS.join(", ")}`);
}
