import { RPC } from "@mcpctl/shared/mcp/protocol.ts";
import type { HeaderLines } from "../http1/header-lines.ts";
import { isRecord } from "./client-message.ts";
import { decodeHeaderValue } from "@mcpctl/shared/mcp/header-value.ts";
import { RpcFailure } from "./rpc-failure.ts";

const ANNOTATION = "x-mcp-header";
const PREFIX = "Mcp-Param-";
/** @see RFC 9110, section 5.6.2 */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
/** No fractions: the same number can be written in several ways. */
const TYPES: readonly unknown[] = ["string", "integer", "boolean"];
/** Keywords whose members are schemas under names of the author's choice. */
const MAPS: readonly string[] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];
/** Keywords whose values are no schemas. */
const DATA: readonly string[] = ["const", "enum", "default", "examples"];

/** An argument that a request repeats in a header. */
export interface HeaderParam {
  /** Name of the header, with its prefix. */
  header: string;
  /** Where the argument is: names of members, outermost first. */
  path: readonly string[];
}

/**
 * Finds the arguments that a tool wants to see in headers.
 *
 * @param schema - JSON Schema of the arguments.
 * @returns undefined when it asks for what cannot be done, so that no client can call the tool over HTTP.
 * @see MCP 2026-07-28, transports/streamable-http, "Custom Headers from Tool Parameters"
 */
export function readHeaderParams(schema: unknown): HeaderParam[] | undefined {
  const found = collect(schema, []);
  const names = new Set(found.map(({ header }) => header.toLowerCase()));
  const isWhole = names.size === found.length && count(schema) === found.length;
  return isWhole && found.every(({ header }) => TOKEN.test(header.slice(PREFIX.length))) ? found : undefined;
}

/** Those that are reached by members alone, whatever the arguments are. */
function collect(schema: unknown, path: readonly string[]): HeaderParam[] {
  const properties = isRecord(schema) ? schema["properties"] : undefined;
  if (!isRecord(properties)) return [];
  return Object.entries(properties).flatMap(([name, member]) => {
    if (!isRecord(member)) return [];
    const own = member[ANNOTATION];
    const isFit = typeof own === "string" && TYPES.includes(member["type"]);
    const here = isFit ? [{ header: `${PREFIX}${own}`, path: [...path, name] }] : [];
    return [...here, ...collect(member, [...path, name])];
  });
}

/** How often the annotation is used anywhere. */
function count(schema: unknown): number {
  if (Array.isArray(schema)) return sum(schema.map(count));
  if (!isRecord(schema)) return 0;
  const nested = Object.entries(schema).map(([keyword, value]) => {
    if (keyword === ANNOTATION) return 1;
    if (DATA.includes(keyword)) return 0;
    return MAPS.includes(keyword) && isRecord(value) ? sum(Object.values(value).map(count)) : count(value);
  });
  return sum(nested);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Headers for a call, by name and not yet encoded. */
export function headersFor(params: readonly HeaderParam[], args: unknown): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { header, path } of params) {
    const text = textAt(args, path);
    if (text !== undefined) headers[header] = text;
  }
  return headers;
}

/**
 * Checks that the headers of a call say what its arguments say.
 *
 * @throws {RpcFailure} 400 with -32020.
 */
export function checkHeaderParams(params: readonly HeaderParam[], args: unknown, headers: HeaderLines): void {
  for (const { header, path } of params) {
    const found = headers.get(header.toLowerCase());
    const expected = textAt(args, path);
    if (found === undefined && expected === undefined) continue;
    if (found !== undefined && expected !== undefined && decodeHeaderValue(found) === expected) continue;
    const message = `Header mismatch: ${header} does not say what params.arguments.${path.join(".")} says`;
    throw new RpcFailure(400, { code: RPC.headerMismatch, message });
  }
}

/** @returns undefined for an argument that is absent or null, which has no header. */
function textAt(args: unknown, path: readonly string[]): string | undefined {
  let value = args;
  for (const name of path) value = isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}
