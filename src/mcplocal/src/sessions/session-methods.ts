import { LOG_LEVELS } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { Exchange } from "../pipeline/exchange.ts";
import { invalidParams } from "../protocol/rpc-failure.ts";
import type { Session } from "./session-table.ts";

type SessionMethod = (session: Session, exchange: Exchange) => UpstreamReply | Promise<UpstreamReply>;

/** Methods that change something in the session itself, by name. */
export const SESSION_METHODS: ReadonlyMap<string, SessionMethod> = new Map([["logging/setLevel", setLevel]]);

const DONE: UpstreamReply = { kind: "result", json: Buffer.from("{}") };

/** @see MCP 2025-11-25, server/utilities/logging */
function setLevel(session: Session, { params: { level } }: Exchange): UpstreamReply {
  const known = LOG_LEVELS.find((name) => name === level);
  if (known === undefined) throw invalidParams(`params.level is none of ${LOG_LEVELS.join(", ")}`);
  session.logLevel = known;
  return DONE;
}
