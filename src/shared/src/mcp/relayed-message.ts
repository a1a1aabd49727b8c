import * as z from "zod";
import { isErrorCode, McpctlError } from "../errors.ts";
import type { UpstreamMessage } from "./envelope.ts";
import { hasAt, readDigits } from "./json-bytes.ts";
import { parseJson, trySplitMessage } from "./line-messages.ts";
import type { UpstreamReply } from "./upstream.ts";

const START = toBytes('{"jsonrpc":"2.0","id":');
const MIDDLES = [
  { kind: "result", bytes: toBytes(',"result":') },
  { kind: "error", bytes: toBytes(',"error":') },
] as const;
const CLOSE_BRACE = 0x7d;

/**
 * Reads a line of mcpd's relay. A reply has one form there, which mcpd wrote around a value whose bounds it had found,
 * so that they need not be found again. What has another form is read like any message.
 *
 * @returns undefined for a line that is no message.
 */
export function splitRelayedMessage(line: Uint8Array): UpstreamMessage | undefined {
  return splitReply(line) ?? trySplitMessage(line);
}

const failure = z.looseObject({
  message: z.string(),
  data: z.looseObject({ code: z.string().refine(isErrorCode), hint: z.string().optional() }),
});

/** @returns what mcpd says went wrong; undefined for a result and for an error of the server itself. */
export function failureOf({ kind, json }: UpstreamReply): McpctlError | undefined {
  const { data: said } = kind === "error" ? failure.safeParse(parseJson(json)) : {};
  return said && new McpctlError(said.data.code, said.message, { hint: said.data.hint });
}

function splitReply(line: Uint8Array): UpstreamMessage | undefined {
  if (!hasAt(line, START, 0) || line.at(-1) !== CLOSE_BRACE) return undefined;
  const id = readDigits(line, START.length);
  const middle = id && MIDDLES.find(({ bytes }) => hasAt(line, bytes, id.end));
  if (!middle) return undefined;
  const json = line.subarray(id.end + middle.bytes.length, -1);
  return { type: "reply", id: id.value, reply: { kind: middle.kind, json } };
}

function toBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
