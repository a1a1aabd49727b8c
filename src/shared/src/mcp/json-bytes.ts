import { McpctlError } from "../errors.ts";
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from "../json-characters.ts";

const SHORT_STRING_BYTES = 96;

const ZERO = 0x30;
/** Every integer with so many digits is a number of its own. */
const MAX_SAFE_DIGITS = 15;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The keys of most messages, found without a parser. */
const FREQUENT_KEYS = ["jsonrpc", "id", "result", "error", "method", "params"].map((key) => ({
  key,
  text: encoder.encode(`"${key}"`),
}));

/** A member of a JSON object: its key and where its value lies in the bytes. */
export interface Member {
  key: string;
  start: number;
  end: number;
}

/**
 * Finds the members of a JSON object without parsing their values, so that a large value is neither parsed nor copied.
 *
 * A value is skipped by its quotes and brackets alone. Where the whole text is valid JSON, the slices are exact; where
 * it is not, no parser accepts the slices either.
 *
 * @throws {McpctlError} `upstream-protocol` when the bytes are no JSON object, or name a key twice: peers disagree on
 *   which of the two counts, and a message must not mean different things to them and to us.
 */
export function membersOf(bytes: Uint8Array): Member[] {
  const members: Member[] = [];
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== OPEN_BRACE) throw malformed("it is no object");
  at = skipSpace(bytes, at + 1);
  while (bytes[at] !== CLOSE_BRACE) {
    const member = readMember(bytes, at);
    if (members.some(({ key }) => key === member.key)) throw malformed(`it has two members "${member.key}"`);
    members.push(member);
    at = skipSpace(bytes, member.end);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
    else if (bytes[at] !== CLOSE_BRACE) throw malformed("a comma or brace is missing");
  }
  if (skipSpace(bytes, at + 1) !== bytes.length) throw malformed("something follows it");
  return members;
}

/** The value of a member, parsed. @throws {McpctlError} `upstream-protocol` */
export function parseSlice(bytes: Uint8Array, { start, end }: Pick<Member, "start" | "end">): unknown {
  try {
    return JSON.parse(decoder.decode(bytes.subarray(start, end)));
  } catch (cause) {
    throw malformed("it is no JSON", cause);
  }
}

/** Whether the bytes hold this part at this place. */
export function hasAt(bytes: Uint8Array, part: Uint8Array, start: number): boolean {
  for (let at = 0; at < part.length; at += 1) {
    if (bytes[start + at] !== part[at]) return false;
  }
  return true;
}

/** @returns where the digits that begin here end, and their value; undefined for none, or for too many. */
export function readDigits(bytes: Uint8Array, start: number): { value: number; end: number } | undefined {
  let value = 0;
  let end = start;
  for (let byte = bytes[end]; byte !== undefined && byte >= ZERO && byte <= ZERO + 9; byte = bytes[end]) {
    value = value * 10 + byte - ZERO;
    end += 1;
  }
  const count = end - start;
  return count === 0 || count > MAX_SAFE_DIGITS || (bytes[start] === ZERO && count > 1) ? undefined : { value, end };
}

function readKey(bytes: Uint8Array, start: number, end: number): unknown {
  for (const { key, text } of FREQUENT_KEYS) {
    if (text.length === end - start && hasAt(bytes, text, start)) return key;
  }
  return parseSlice(bytes, { start, end });
}

function readMember(bytes: Uint8Array, at: number): Member {
  if (bytes[at] !== QUOTE) throw malformed("a key is missing");
  const keyEnd = skipString(bytes, at);
  const key = readKey(bytes, at, keyEnd);
  const colon = skipSpace(bytes, keyEnd);
  if (typeof key !== "string" || bytes[colon] !== COLON) throw malformed("a colon is missing");
  const start = skipSpace(bytes, colon + 1);
  return { key, start, end: skipValue(bytes, start) };
}

function skipValue(bytes: Uint8Array, start: number): number {
  let depth = 0;
  let at = start;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) at = skipString(bytes, at);
    else {
      const isEnd = byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET;
      if (depth === 0 && isEnd) break;
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
      if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
      at += 1;
    }
  }
  if (at === start) throw malformed("a value is missing");
  return trimSpace(bytes, at);
}

/** Short strings are walked byte by byte; a native search pays only where a string is long. */
function skipString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length) {
    const near = at + SHORT_STRING_BYTES;
    while (at < near && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
    if (at < near && at < bytes.length) return at + 1;
    const quote = bytes.indexOf(QUOTE, at);
    if (quote < 0) break;
    if (!isEscaped(bytes, quote)) return quote + 1;
    at = quote + 1;
  }
  throw malformed("a string does not end");
}

function isEscaped(bytes: Uint8Array, quote: number): boolean {
  let backslashes = 0;
  while (bytes[quote - 1 - backslashes] === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}

function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  while (isSpace(bytes[at])) at += 1;
  return at;
}

function trimSpace(bytes: Uint8Array, end: number): number {
  let at = end;
  while (isSpace(bytes[at - 1])) at -= 1;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function malformed(why: string, cause?: unknown): McpctlError {
  return new McpctlError("upstream-protocol", `The server sent something that is no JSON-RPC message: ${why}`, {
    cause,
  });
}
