import { RPC } from "@mcpctl/shared/mcp/protocol.ts";
import { parseSlice } from "@mcpctl/shared/mcp/json-bytes.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import { isRecord } from "../protocol/client-message.ts";
import type { Connection } from "./handshake.ts";
import type { RpcOutcome } from "./rpc-exchange.ts";

/** Errors that only a stateless server gives before it looks at the request itself. */
const ENVELOPE_ERRORS: readonly unknown[] = [RPC.headerMismatch, RPC.missingCapability, RPC.invalidParams];

/**
 * Says from a refusal whether the server has forgotten our session, or has become a server of the other era. It has
 * not looked at the request then, so that the request can be sent once more.
 */
export function findLoss({ identity, sessionId }: Connection, outcome: RpcOutcome): "session" | "era" | undefined {
  const { status, reply, body } = outcome;
  if (status !== 400 && status !== 404 && status !== 405) return undefined;
  const code = reply && codeOf(reply);
  if (code === RPC.unsupportedVersion) return "era";
  const isEnvelopeError = ENVELOPE_ERRORS.includes(code);
  if (identity.era === "modern") return isEnvelopeError || code === RPC.methodNotFound ? undefined : "era";
  if (isEnvelopeError) return "era";
  // Many servers answer 400 where the protocol asks for 404, and name the session in the text.
  const text = Buffer.from(reply?.json ?? body).toString("utf8", 0, 500);
  if (status !== 404 && !/session|not initialized/i.test(text)) return undefined;
  return sessionId === undefined ? "era" : "session";
}

function codeOf({ json }: UpstreamReply): unknown {
  const error = parseSlice(json, { start: 0, end: json.length });
  return isRecord(error) ? error["code"] : undefined;
}
