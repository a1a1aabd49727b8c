import { McpctlError } from "./errors.ts";
import { measureJson } from "./json-shape.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const MAX_DEPTH = 64;
const encoder = new TextEncoder();
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
    const { depth } = measureJson(typeof input === "string" ? encoder.encode(input) : input, MAX_DEPTH);
    if (depth > MAX_DEPTH) throw new McpctlError("bad-request", `JSON is nested deeper than ${MAX_DEPTH} levels`);
    return parse(typeof input === "string" ? input : decoder.decode(input));
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
