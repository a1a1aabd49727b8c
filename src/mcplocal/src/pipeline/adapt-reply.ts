import { Buffer } from "node:buffer";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { membersOf, parseSlice } from "@mcpctl/shared/mcp/json-bytes.ts";
import { type Era, RPC, type RpcError } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import { asBuffer } from "../as-buffer.ts";
import { isRecord } from "../protocol/client-message.ts";
import { RpcFailure, toErrorReply } from "../protocol/rpc-failure.ts";

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const JSON_SPACE: readonly number[] = [0x20, 0x09, 0x0a, 0x0d];
const COMMA = Buffer.from(",");
const COMPLETE_START = Buffer.from('{"resultType":"complete"');
const PRIVATE_START = Buffer.from('{"cacheScope":"private"');
const UNCACHED_START = Buffer.from('{"ttlMs":0,"cacheScope":"private"');
const CLOSE = Buffer.from("}");
const RESULT_TYPE_KEY = Buffer.from('"resultType"');
const IS_ERROR_KEY = Buffer.from('"isError"');
/** Servers write `isError` first or last; looking there is enough for statistics. */
const ERROR_WINDOW_BYTES = 256;
const MAX_ERROR_BYTES = 1_048_576;

/** For a resource that is not there; revisions with sessions alone know it. */
export const LEGACY_NOT_FOUND = -32_002;

/** Of a server with sessions that wants a person to visit an address before it is asked again. */
export const URL_REQUIRED = -32_042;

/** Errors that speak of the hop between gateway and server, or of revisions that the client does not know. */
const CODES_OF_ANOTHER_HOP: readonly number[] = [RPC.headerMismatch, RPC.missingCapability, RPC.unsupportedVersion];

interface Hop {
  method: string;
  /** What was asked, for messages, such as `tool "echo"`. */
  subject: string;
  upstreamEra: Era;
  clientEra: Era;
}

/**
 * Makes the answer of a server fit for a client of either era, without parsing a result.
 *
 * @throws {McpctlError} `upstream-protocol` when the answer cannot be passed on: it asks for input, announces a task, or
 *   is no answer of a tool at all.
 */
export function adaptReply(reply: UpstreamReply, { method, subject, upstreamEra, clientEra }: Hop): UpstreamReply {
  const { kind, json } = reply;
  if (kind === "error") return adaptError(reply, { method, subject, upstreamEra, clientEra });
  if (json[0] !== OPEN_BRACE) throw unusable(subject, "the result is no object");
  const isRead = method === "resources/read" && clientEra === "modern";
  if (startsWith(json, COMPLETE_START)) return isRead ? withCacheHints(reply) : reply;
  const resultType = upstreamEra === "modern" || clientEra === "modern" ? readResultType(json) : undefined;
  if (resultType === "input_required") return requireInput(reply, { method, subject, upstreamEra, clientEra });
  if (resultType !== undefined && resultType !== "complete") throw unusable(subject, "it is no finished result");
  if (clientEra === "legacy") return reply;
  const complete = resultType === undefined ? { kind, json: withStart(json, COMPLETE_START) } : reply;
  return isRead ? withCacheHints(complete) : complete;
}

/** Methods that a client may have to repeat with input. @see MCP 2026-07-28, basic/patterns/mrtr */
const WITH_INPUT: readonly string[] = ["tools/call", "prompts/get", "resources/read"];

function requireInput(reply: UpstreamReply, { method, subject, upstreamEra, clientEra }: Hop): UpstreamReply {
  if (upstreamEra === "legacy") throw unusable(subject, "it asks for input in a way that its revision does not know");
  if (clientEra === "legacy") throw unusable(subject, "it asks for input that the client did not say it can give");
  if (!WITH_INPUT.includes(method)) throw unusable(subject, `${method} may not ask for input`);
  return reply;
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
export function readResultType(json: Uint8Array): unknown {
  return asBuffer(json).includes(RESULT_TYPE_KEY) ? readMember(json, "resultType") : undefined;
}

function readMember(json: Uint8Array, key: string): unknown {
  const member = membersOf(json).find((candidate) => candidate.key === key);
  return member && parseSlice(json, member);
}

/**
 * What may be cached must say so to stateless clients, and never for others than those who asked: another member of the
 * project may have no right to it tomorrow.
 *
 * @see MCP 2026-07-28, basic/utilities/caching
 */
function withCacheHints({ kind, json }: UpstreamReply): UpstreamReply {
  const members = membersOf(json);
  const kept = members.filter(({ key }) => key !== "cacheScope");
  const hints = kept.some(({ key }) => key === "ttlMs") ? PRIVATE_START : UNCACHED_START;
  const parts = kept.map(({ key, start, end }) => [Buffer.from(`,${JSON.stringify(key)}:`), json.subarray(start, end)]);
  return { kind, json: Buffer.concat([hints, ...parts.flat(), CLOSE]) };
}

/** @param start - an object without its closing brace. */
function withStart(json: Uint8Array, start: Buffer): Uint8Array {
  const rest = json.subarray(1);
  return Buffer.concat(isEmptyRest(rest) ? [start, rest] : [start, COMMA, rest]);
}

/** Whether nothing but the closing brace follows an opening one. */
function isEmptyRest(rest: Uint8Array): boolean {
  let at = 0;
  while (JSON_SPACE.includes(rest[at] ?? 0)) at += 1;
  return rest[at] === CLOSE_BRACE;
}

function adaptError(reply: UpstreamReply, { method, subject, upstreamEra, clientEra }: Hop): UpstreamReply {
  const error = reply.json.length > MAX_ERROR_BYTES ? undefined : parseError(reply.json);
  if (!error) throw unusable(subject, "its error is malformed");
  // The server was told what the client declared, so what it lacks is what the client lacks.
  if (error.code === RPC.missingCapability && upstreamEra === clientEra) throw new RpcFailure(400, error);
  // Clients with sessions know it, if they know it at all; the others are told in their own way, or cannot be told.
  const isForSessions = error.code === URL_REQUIRED && clientEra === "legacy" && upstreamEra === "legacy";
  if (isForSessions) return reply;
  if (error.code === URL_REQUIRED || CODES_OF_ANOTHER_HOP.includes(error.code)) {
    throw unusable(subject, `it refused the request: ${error.message}`);
  }
  const isOutdated = error.code === LEGACY_NOT_FOUND && method === "resources/read" && clientEra === "modern";
  return isOutdated ? toErrorReply({ ...error, code: RPC.invalidParams }) : reply;
}

/** @returns undefined when it is malformed. */
export function errorCodeOf({ json }: UpstreamReply): number | undefined {
  return parseError(json)?.code;
}

function parseError(json: Uint8Array): RpcError | undefined {
  const error = parseSlice(json, { start: 0, end: json.length });
  if (!isRecord(error)) return undefined;
  const { code, message } = error;
  return typeof code === "number" && Number.isInteger(code) && typeof message === "string"
    ? { ...error, code, message }
    : undefined;
}

function startsWith(bytes: Uint8Array, start: Buffer): boolean {
  return start.equals(bytes.subarray(0, start.length));
}

function unusable(subject: string, why: string): McpctlError {
  return new McpctlError("upstream-protocol", `The answer of ${subject} cannot be used: ${why}`);
}
