import { MODERN_VERSION, type RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { Caller } from "../auth/principal.ts";
import type { Method } from "../pipeline/exchange.ts";
import type { AnswerChannel, MethodRunner, Run } from "../pipeline/method-runner.ts";
import type { MethodTables } from "../pipeline/methods.ts";
import { answerInitialize } from "../pipeline/server-info.ts";
import { statelessClientOf } from "../pipeline/stateless-client.ts";
import { LIST_NAMES, LISTED } from "../projects/listed-kinds.ts";
import type { Project } from "../projects/project.ts";
import { type ClientRequest, claimedVersion } from "../protocol/client-message.ts";
import { checkEnvelope, methodNotFound } from "../protocol/modern-rules.ts";
import { invalidRequest, type RpcFailure } from "../protocol/rpc-failure.ts";
import { clientInSession, methodInSession, noteListed, readSessionStart } from "../sessions/session-requests.ts";
import type { Session, SessionTable } from "../sessions/session-table.ts";
import type { Access } from "./access.ts";
import type { Output } from "./output.ts";
import { SessionFeed } from "./session-feed.ts";
import { subscribe } from "./subscribe.ts";

/** What is answered from what the project is known to be, so that it does not matter who asks. */
const ANSWERED_TO_ALL: ReadonlySet<string> = new Set([
  "initialize",
  "server/discover",
  ...LIST_NAMES.map((list) => LISTED[list].method),
]);
const ANYBODY: Caller = { principal: { name: "", project: "", sha: "", creator: "" }, bearer: undefined };
const PONG: UpstreamReply = { kind: "result", json: Buffer.from("{}") };

interface RouterDeps {
  access: Access;
  methods: MethodTables;
  sessions: SessionTable;
  runner: MethodRunner;
  output: Output;
}

/** A request and the way it came. */
export interface Incoming {
  request: ClientRequest;
  /** Length of the line. */
  requestBytes: number;
  /** Aborted when the client gives it up. */
  signal: AbortSignal;
}

/** The session of the process, and what tells its client of changes. */
interface Opened {
  session: Session;
  feed: SessionFeed;
}

/**
 * Serves clients of both eras on one connection, and one client that uses both: a request with an envelope is served
 * without a session, and one without belongs to the session that `initialize` has opened.
 *
 * @see MCP 2026-07-28, transports/stdio; MCP 2025-11-25, basic/transports, "stdio"
 */
export class Router {
  readonly #deps: RouterDeps;
  /** Resolves to undefined when the session could not be opened. */
  #opening: Promise<Opened | undefined> | undefined;
  #opened: Opened | undefined;

  constructor(deps: RouterDeps) {
    this.#deps = deps;
  }

  /** @throws {RpcFailure} @throws {McpctlError} for what is not answered in band. */
  serve(incoming: Incoming): Promise<void> {
    const { request } = incoming;
    if (request.method === "initialize") return this.#initialize(incoming);
    return claimedVersion(request) === undefined ? this.#serveInSession(incoming) : this.#serveAlone(incoming);
  }

  /** Takes what the client answers to a question; what was not asked is dropped. */
  takeAnswer(id: RequestId, reply: UpstreamReply): void {
    this.#opened?.session.questions.answer(id, reply);
  }

  /** Ends the session. */
  close(): void {
    if (!this.#opened) return;
    const { session, feed } = this.#opened;
    this.#opened = undefined;
    feed.end();
    this.#deps.sessions.end(session);
  }

  async #serveAlone(incoming: Incoming): Promise<void> {
    const { access, methods, output } = this.#deps;
    const { request, signal } = incoming;
    checkEnvelope(request);
    if (request.method === "subscriptions/listen")
      return subscribe({ project: await access.project(), request, signal, send: output.announce });
    const method = methods.modern.get(request.method);
    if (!method) throw methodNotFound(request.method, 404);
    await this.#run(incoming, method, { era: "modern", signal, clientOf: statelessClientOf });
  }

  async #serveInSession(incoming: Incoming): Promise<void> {
    const { request, signal } = incoming;
    // It asks whether this process lives, and not for anything that mcpd would have to say.
    if (request.method === "ping") return this.#deps.output.reply(request.id, PONG);
    const opened = await this.#opening;
    if (!opened) throw withoutSession();
    const { session, feed } = opened;
    const method = methodInSession(request.method, session, this.#deps.methods.legacy);
    const project = await this.#run(incoming, method, { era: "legacy", signal, clientOf: clientInSession(session) });
    noteListed(session, request.method, project);
    feed.follow(project);
  }

  /** Whoever initializes again begins anew. */
  async #initialize(incoming: Incoming): Promise<void> {
    const { sessions, output } = this.#deps;
    const opening = Promise.withResolvers<Opened | undefined>();
    this.#opening = opening.promise;
    const open: Method = ({ params, project }) => {
      const start = readSessionStart(params);
      this.close();
      const session = sessions.open({ ...ANYBODY.principal, project: project.name }, start);
      this.#opened = { session, feed: new SessionFeed(session, output.announce) };
      opening.resolve(this.#opened);
      return answerInitialize(project, session.protocolVersion);
    };
    try {
      const project = await this.#run(incoming, open, { era: "legacy", signal: incoming.signal });
      // Not before the answer: a client expects that first.
      this.#opened?.feed.follow(project);
    } finally {
      opening.resolve(undefined);
    }
  }

  async #run({ request, requestBytes, signal }: Incoming, method: Method, run: Run): Promise<Project> {
    const { access, runner } = this.#deps;
    const project = await access.project();
    const caller = ANSWERED_TO_ALL.has(request.method) ? ANYBODY : await access.caller();
    await runner.run({ caller, project, requestBytes }, request, method, { ...run, channel: this.#channelFor(signal) });
    return project;
  }

  /** Whoever has given up a request gets no answer to it. @see MCP 2025-11-25, basic/utilities/cancellation */
  #channelFor(signal: AbortSignal): AnswerChannel {
    const { output } = this.#deps;
    return {
      send: output.send,
      finish(id, reply) {
        if (signal.aborted) reply.release?.();
        else output.reply(id, reply);
      },
    };
  }
}

function withoutSession(): RpcFailure {
  return invalidRequest(`Send initialize first, or what every request of ${MODERN_VERSION} carries in params._meta`);
}
