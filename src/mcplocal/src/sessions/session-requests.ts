import type { ListKind } from "@mcpctl/shared/mcp/upstream.ts";
import type { Method } from "../pipeline/exchange.ts";
import type { ClientOf } from "../pipeline/method-runner.ts";
import { LIST_NAMES, LISTED } from "../projects/listed-kinds.ts";
import type { Project } from "../projects/project.ts";
import { askableOf, requireAskable } from "../protocol/client-capabilities.ts";
import type { ClientNotification, Params } from "../protocol/client-message.ts";
import { methodNotFound } from "../protocol/modern-rules.ts";
import { invalidParams } from "../protocol/rpc-failure.ts";
import { SESSION_METHODS } from "./session-methods.ts";
import type { Session, SessionTable } from "./session-table.ts";

/** Which list a client has read with a method. */
const LISTED_BY: ReadonlyMap<string, ListKind> = new Map(
  LIST_NAMES.map((list) => [LISTED[list].method, LISTED[list].capability]),
);

/** Reads the params of `initialize`. @throws {RpcFailure} -32602 */
export function readSessionStart({ protocolVersion, capabilities }: Params): Parameters<SessionTable["open"]>[1] {
  if (typeof protocolVersion !== "string") throw invalidParams("params.protocolVersion is no string");
  return { requestedVersion: protocolVersion, capabilities: askableOf(capabilities) };
}

/** The method of this name in a session: one of the session itself, or one of those that every session has. */
export function methodInSession(name: string, session: Session, methods: ReadonlyMap<string, Method>): Method {
  const ofSession = SESSION_METHODS.get(name);
  if (ofSession) return (exchange) => ofSession(session, exchange);
  return methods.get(name) ?? notFound(name);
}

/** Nothing for a client that can be asked for nothing and said nothing of log messages, which is the rule. */
export function clientInSession(session: Session): ClientOf | undefined {
  const { capabilities = {}, logLevel, questions } = session;
  if (!session.capabilities && logLevel === undefined) return undefined;
  return (_request, { send }) => ({
    capabilities,
    logLevel,
    async ask(method, params, signal) {
      requireAskable(capabilities, method, params);
      return await questions.ask({ method, params, send, signal });
    },
  });
}

/** Remembers which list the client has just read, so that it need not be told of what it knows. */
export function noteListed(session: Session, method: string, project: Project): void {
  const kind = LISTED_BY.get(method);
  if (kind) session.listedDigests[kind] = project.view().digests[kind];
}

/** A client gives up one of its own requests; the end of its connection does not mean that. */
export function cancelWhenAsked(running: Session["running"], { method, params }: ClientNotification): void {
  if (method !== "notifications/cancelled") return;
  const { requestId } = params;
  if (typeof requestId !== "string" && typeof requestId !== "number") return;
  running.get(requestId)?.abort(new Error("The client cancelled the request"));
}

function notFound(name: string): Method {
  return () => {
    throw methodNotFound(name, 200);
  };
}
