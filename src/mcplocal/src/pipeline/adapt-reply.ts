import { Buffer } from "node:buffer";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { membersOf, parseSlice } from "@mcpctl/shared/mcp/json-bytes.ts";
import { type Era, RPC } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import { isRecord } from "../protocol/client-message.ts";

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const JSON_SPACE: readonly number[] = [0x20, 0x09, 0x0a, 0x0d];
const COMMA = Buffer.from(",");
const COMPLETE_START = Buffer.from('{"resultType":"complete"');
const RESULT_TYPE_KEY = Buffer.from('"resultType"');
const IS_ERROR_KEY = Buffer.from('"isError"');
/** Servers write `isError` first or last; looking there is enough for statistics. */
const ERROR_WINDOW_BYTES = 256;
const MAX_ERROR_BYTES = 1_048_576;

/** Errors that speak of the hop between gateway and server, or of revisions that the client does not know. */
const CODES_OF_ANOTHER_HOP: readonly number[] = [
  RPC.headerMismatch,
  RPC.missingCapability,
  RPC.unsupportedVersion,
  -32_042,
];

interface Hop {
  tool: string;
  upstreamEra: Era;
  clientEra: Era;
}

/**
 * Makes the answer of a server fit for a client of either era, without parsing a result.
 *
 * @throws {McpctlError} `upstream-protocol` when the answer cannot be passed on: it asks for input, announces a task, or
 *   is no answer of a tool at all.
 */
export function adaptReply(reply: UpstreamReply, { tool, upstreamEra, clientEra }: Hop): UpstreamReply {
  const { kind, json } = reply;
  if (kind === "error") return checkError(reply, tool);
  if (json[0] !== OPEN_BRACE) throw unusable(tool, "the result is no object");
  if (startsWith(json, COMPLETE_START)) return reply;
  const resultType = upstreamEra === "modern" || clientEra === "modern" ? readResultType(json) : undefined;
  if (resultType !== undefined && resultType !== "complete") {
    const what = resultType === "input_required" ? "it asks for input" : "it is no finished result";
    throw unusable(tool, `${what}, which the gateway cannot pass on yet`);
  }
  return clientEra === "legacy" || resultType !== undefined ? reply : { kind, json: withResultType(json) };
}

/** Whether a result says that the tool failed. A guess from the bytes, for statistics only. */
export function saysToolError({ kind, json }: UpstreamReply): boolean {
  if (kind === "error") return false;
  const bytes = asBuffer(json);
  const isNearEnd = bytes.subarray(-ERROR_WINDOW_BYTES).includes(IS_ERROR_KEY);
  if (!isNearEnd && !bytes.subarray(0, ERROR_WINDOW_BYTES).includes(IS_ERROR_KEY)) return false;
  return readMember(bytes, "isError") === true;
}

/** The member is searched as bytes first: most results do not have it, and then none of their members is visited. */
function readResultType(json: Uint8Array): unknown {
  return asBuffer(json).includes(RESULT_TYPE_KEY) ? readMember(json, "resultType") : undefined;
}

function readMember(json: Uint8Array, key: string): unknown {
  const member = membersOf(json).find((candidate) => candidate.key === key);
  return member && parseSlice(json, member);
}

function withResultType(json: Uint8Array): Uint8Array {
  const rest = json.subarray(1);
  return Buffer.concat(isEmptyRest(rest) ? [COMPLETE_START, rest] : [COMPLETE_START, COMMA, rest]);
}

/** Whether nothing but the closing brace follows an opening one. */
function isEmptyRest(rest: Uint8Array): boolean {
  let at = 0;
  while (JSON_SPACE.includes(rest[at] ?? 0)) at += 1;
  return rest[at] === CLOSE_BRACE;
}

function checkError(reply: UpstreamReply, tool: string): UpstreamReply {
  const error = reply.json.length > MAX_ERROR_BYTES ? undefined : parseError(reply.json);
  if (!error) throw unusable(tool, "its error is malformed");
  if (CODES_OF_ANOTHER_HOP.includes(error.code)) throw unusable(tool, `it refused the request: ${error.message}`);
  return reply;
}

function parseError(json: Uint8Array): { code: number; message: string } | undefined {
  const error = parseSlice(json, { start: 0, end: json.length });
  if (!isRecord(error)) return undefined;
  const { code, message } = error;
  return typeof code === "number" && Number.isInteger(code) && typeof message === "string"
    ? { code, message }
    : undefined;
}

function startsWith(bytes: Uint8Array, start: Buffer): boolean {
  return start.equals(bytes.subarray(0, start.length));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function unusable(tool: string, why: string): McpctlError {
  return new McpctlError("upstream-protocol", `The answer of tool "${tool}" cannot be used: ${why}`);
}
