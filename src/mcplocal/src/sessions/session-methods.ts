import { McpctlError } from "@mcpctl/shared/errors.ts";
import { LOG_LEVELS } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { Exchange } from "../pipeline/exchange.ts";
import { methodNotFound } from "../protocol/modern-rules.ts";
import { invalidParams } from "../protocol/rpc-failure.ts";
import type { Session } from "./session-table.ts";

type SessionMethod = (session: Session, exchange: Exchange) => UpstreamReply | Promise<UpstreamReply>;

/** Methods that change something in the session itself, by name. */
export const SESSION_METHODS: ReadonlyMap<string, SessionMethod> = new Map([
  ["logging/setLevel", setLevel],
  ["resources/subscribe", subscribe],
  ["resources/unsubscribe", unsubscribe],
]);

const MAX_SUBSCRIPTIONS = 1_000;

const DONE: UpstreamReply = { kind: "result", json: Buffer.from("{}") };

/** @see MCP 2025-11-25, server/utilities/logging */
function setLevel(session: Session, { params: { level } }: Exchange): UpstreamReply {
  const known = LOG_LEVELS.find((name) => name === level);
  if (known === undefined) throw invalidParams(`params.level is none of ${LOG_LEVELS.join(", ")}`);
  session.logLevel = known;
  return DONE;
}

/** @see MCP 2025-11-25, server/resources, "Subscriptions" */
function subscribe({ subscriptions }: Session, { project, params: { uri } }: Exchange): UpstreamReply {
  if (typeof uri !== "string" || uri === "") throw invalidParams("params.uri is no address");
  if (!project.view().capabilities.resources?.subscribe) throw methodNotFound("resources/subscribe", 200);
  if (subscriptions.has(uri)) return DONE;
  if (subscriptions.size >= MAX_SUBSCRIPTIONS) {
    throw new McpctlError("too-many-requests", `A session has at most ${MAX_SUBSCRIPTIONS} subscriptions`, {
      hint: "Unsubscribe from resources that are no longer needed",
    });
  }
  subscriptions.set(uri, project.subscribe(uri));
  return DONE;
}

function unsubscribe({ subscriptions }: Session, { params: { uri } }: Exchange): UpstreamReply {
  if (typeof uri !== "string") throw invalidParams("params.uri is no address");
  subscriptions.get(uri)?.();
  subscriptions.delete(uri);
  return DONE;
}
