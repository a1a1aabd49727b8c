import { McpctlError } from "./errors.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const MAX_DEPTH = 64;
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Parses JSON from outside.
 *
 * Nesting is bounded, because a parser takes a depth at which everything behind it (serialising, logging) overflows
 * the stack.
 *
 * @throws {McpctlError} `bad-request` when it is no UTF-8, no JSON, or nested deeper than 64 levels.
 */
export function parseBoundedJson(input: Uint8Array | string): Json {
  try {
    const text = typeof input === "string" ? input : decoder.decode(input);
    if (depthOf(text) > MAX_DEPTH)
      throw new McpctlError("bad-request", `JSON is nested deeper than ${MAX_DEPTH} levels`);
    return parse(text);
  } catch (cause) {
    if (cause instanceof McpctlError) throw cause;
    const why = cause instanceof Error ? cause.message : "unreadable";
    throw new McpctlError("bad-request", `The body is no valid JSON: ${why}`, { cause });
  }
}

/** A value as JSON carries it: without members that are undefined, and with dates as text. */
export function toJson(value: unknown): Json {
  return parse(JSON.stringify(value));
}

function parse(text: string): Json {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a JSON parser returns is JSON
  return JSON.parse(text) as Json;
}

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === 0x22) at = endOfString(text, at);
    else if (char === 0x7b || char === 0x5b) deepest = Math.max(deepest, (depth += 1));
    else if (char === 0x7d || char === 0x5d) depth -= 1;
  }
  return deepest;
}

function endOfString(text: string, start: number): number {
  let at = text.indexOf('"', start + 1);
  while (at > 0) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return at;
    at = text.indexOf('"', at + 1);
  }
  return text.length;
}
