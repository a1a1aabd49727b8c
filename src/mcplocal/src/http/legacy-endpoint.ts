import { McpctlError } from "@mcpctl/shared/errors.ts";
import { LEGACY_VERSIONS } from "@mcpctl/shared/mcp/protocol.ts";
import type { ClientSide, ListKind } from "@mcpctl/shared/mcp/upstream.ts";
import { toHeaderBlock } from "../http1/header-block.ts";
import type { HeaderLines } from "../http1/header-lines.ts";
import type { Method } from "../pipeline/exchange.ts";
import { answerInitialize } from "../pipeline/server-info.ts";
import { LIST_NAMES, LISTED } from "../projects/listed-kinds.ts";
import { askableOf, requireAskable } from "../protocol/client-capabilities.ts";
import type { ClientMessage, ClientNotification, ClientRequest } from "../protocol/client-message.ts";
import { methodNotFound } from "../protocol/modern-rules.ts";
import { invalidParams, invalidRequest } from "../protocol/rpc-failure.ts";
import { SESSION_METHODS } from "../sessions/session-methods.ts";
import type { Session, SessionTable } from "../sessions/session-table.ts";
import type { Answerer } from "./answerer.ts";
import type { IncomingCall } from "./incoming-call.ts";
import type { LiveStreams } from "./live-streams.ts";
import { sendNothing } from "./reply.ts";
import type { ReplyChannel } from "./reply-channel.ts";
import { openSessionStream } from "./session-stream.ts";

/** Which list a client has read with a method. */
const LISTED_BY: ReadonlyMap<string, ListKind> = new Map(
  LIST_NAMES.map((list) => [LISTED[list].method, LISTED[list].capability]),
);

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
      const { protocolVersion: requestedVersion, capabilities } = params;
      if (typeof requestedVersion !== "string") throw invalidParams("params.protocolVersion is no string");
      const start = { requestedVersion, capabilities: askableOf(capabilities) };
      const session = sessions.open(call.caller.principal, start);
      call.exchange.addHeaders(toHeaderBlock({ "mcp-session-id": session.id }));
      return answerInitialize(project, session.protocolVersion);
    };
    await answerer.answer(call, request, open, { era: "legacy", signal: new AbortController().signal });
  }

  async function run(call: IncomingCall, request: ClientRequest, session: Session): Promise<void> {
    const controller = new AbortController();
    session.running.set(request.id, controller);
    const run = { era: "legacy", signal: controller.signal, ...clientOf(session) } as const;
    try {
      await answerer.answer(call, request, methodOf(request.method, session), run);
      const kind = LISTED_BY.get(request.method);
      if (kind) session.listedDigests[kind] = call.project.view().digests[kind];
    } finally {
      if (session.running.get(request.id) === controller) session.running.delete(request.id);
    }
  }

  function methodOf(name: string, session: Session): Method {
    const ofSession = SESSION_METHODS.get(name);
    if (ofSession) return (exchange) => ofSession(session, exchange);
    return methods.get(name) ?? notFound(name);
  }

  return {
    async post(call, message) {
      if (message.type === "request" && message.method === "initialize") return initialize(call, message);
      const session = requireSession(call);
      if (message.type === "request") return run(call, message, session);
      if (message.type === "notification") cancelWhenAsked(session, message);
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

/** Nothing for a client that can be asked for nothing and said nothing of log messages, which is the rule. */
function clientOf(session: Session): { clientOf?(request: ClientRequest, channel: ReplyChannel): ClientSide } {
  const { capabilities = {}, logLevel, questions } = session;
  if (!session.capabilities && logLevel === undefined) return {};
  return {
    clientOf: (_request, { send }) => ({
      capabilities,
      logLevel,
      async ask(method, params, signal) {
        requireAskable(capabilities, method, params);
        return await questions.ask({ method, params, send, signal });
      },
    }),
  };
}

function notFound(name: string): Method {
  return () => {
    throw methodNotFound(name, 200);
  };
}

/** Clients are known to send another version than the one they negotiated, so any that exists will do. */
function checkVersion(headers: HeaderLines): void {
  const version = headers.get("mcp-protocol-version");
  if (version === undefined || LEGACY_VERSIONS.some((known) => known === version)) return;
  throw invalidRequest(`Unsupported MCP-Protocol-Version; supported: ${LEGACY_VERSIONS.join(", ")}`);
}

/** A client gives up one of its own requests; the end of its connection does not mean that. */
function cancelWhenAsked(session: Session, { method, params }: ClientNotification): void {
  if (method !== "notifications/cancelled") return;
  const { requestId } = params;
  if (typeof requestId !== "string" && typeof requestId !== "number") return;
  session.running.get(requestId)?.abort(new Error("The client cancelled the request"));
}
