import { McpctlError } from "../errors.ts";
import { hasAt, type Member, membersOf, parseSlice, readDigits } from "./json-bytes.ts";
import type { RequestId } from "./protocol.ts";
import type { UpstreamReply } from "./upstream.ts";

/** A message from an upstream. What may be large, the value of a reply, is left as bytes. */
export type UpstreamMessage =
  | { type: "reply"; id: RequestId | null; reply: UpstreamReply }
  | { type: "request"; id: RequestId; method: string }
  | { type: "notification"; method: string };

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
/** Enough for any way to write the text 2.0. */
const MAX_VERSION_BYTES = 32;
const VERSION = new TextEncoder().encode('"2.0"');

/**
 * Splits one JSON-RPC message of an upstream into its envelope and its value.
 *
 * @throws {McpctlError} `upstream-protocol` when it is no JSON-RPC 2.0 message.
 */
export function splitMessage(bytes: Uint8Array): UpstreamMessage {
  const { jsonrpc, id: idMember, method, result, error } = findMembers(bytes);
  if (!isVersion2(bytes, jsonrpc)) throw malformed("its jsonrpc is not 2.0");
  const id = idOf(bytes, idMember);
  if (method && !result && !error) {
    const name = parseSlice(bytes, method);
    if (typeof name !== "string") throw malformed("its method is no string");
    return id === undefined || id === null
      ? { type: "notification", method: name }
      : { type: "request", id, method: name };
  }
  const value = result ?? error;
  if (!value || id === undefined || method || (result && error)) throw malformed("it is neither request nor reply");
  const json = onOneLine(bytes.subarray(value.start, value.end));
  return { type: "reply", id, reply: { kind: result ? "result" : "error", json } };
}

interface EnvelopeMembers {
  jsonrpc: Member | undefined;
  id: Member | undefined;
  method: Member | undefined;
  result: Member | undefined;
  error: Member | undefined;
}

function findMembers(bytes: Uint8Array): EnvelopeMembers {
  const found: EnvelopeMembers = {
    jsonrpc: undefined,
    id: undefined,
    method: undefined,
    result: undefined,
    error: undefined,
  };
  for (const member of membersOf(bytes)) {
    // One by one: a store under a key that varies costs as much as all else here.
    if (member.key === "jsonrpc") found.jsonrpc = member;
    else if (member.key === "id") found.id = member;
    else if (member.key === "method") found.method = member;
    else if (member.key === "result") found.result = member;
    else if (member.key === "error") found.error = member;
  }
  return found;
}

/** A log line on stdout may be JSON with an id of its own; only this member says that it is meant for us. */
function isVersion2(bytes: Uint8Array, member: Member | undefined): boolean {
  if (!member) return false;
  const length = member.end - member.start;
  if (length === VERSION.length && hasAt(bytes, VERSION, member.start)) return true;
  return length <= MAX_VERSION_BYTES && parseSlice(bytes, member) === "2.0";
}

function idOf(bytes: Uint8Array, member: Member | undefined): RequestId | null | undefined {
  if (!member) return undefined;
  const digits = readDigits(bytes, member.start);
  if (digits?.end === member.end) return digits.value;
  const id = parseSlice(bytes, member);
  if (id === null || typeof id === "string" || typeof id === "number") return id;
  throw malformed("its id is neither a string nor a number");
}

/** Stdio and SSE end a message at a line feed; JSON has one only between its tokens, where a space says the same. */
export function onOneLine(json: Uint8Array): Uint8Array {
  if (!json.includes(LINE_FEED) && !json.includes(CARRIAGE_RETURN)) return json;
  return json.map((byte) => (byte === LINE_FEED || byte === CARRIAGE_RETURN ? SPACE : byte));
}

function malformed(why: string): McpctlError {
  return new McpctlError("upstream-protocol", `The server sent something that is no JSON-RPC message: ${why}`);
}
