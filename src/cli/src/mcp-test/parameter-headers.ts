import type { Json } from "@mcpctl/shared/json.ts";
import { encodeHeaderValue } from "@mcpctl/shared/mcp/header-value.ts";
import { isObject, type JsonObject } from "./rpc.ts";
import type { HeaderFields } from "./wire-exchange.ts";

const ANNOTATION = "x-mcp-header";
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const PLAIN_TYPES: readonly Json[] = ["string", "number", "integer", "boolean"];

interface ParameterHeader {
  /** What follows `Mcp-Param-`. */
  name: string;
  /** Members that lead to the argument. */
  path: readonly string[];
}

interface ParameterHeaders {
  found: ParameterHeader[];
  faults: string[];
}

/**
 * Reads which arguments of a tool are repeated in headers, and which annotations break the rules.
 *
 * @see MCP 2026-07-28, basic/transports, "Custom Headers"
 */
export function findParameterHeaders(inputSchema: Json | undefined): ParameterHeaders {
  const result: ParameterHeaders = { found: [], faults: [] };
  visit(inputSchema, [], result);
  const names = result.found.map(({ name }) => name.toLowerCase());
  const twice = result.found.filter(({ name }, at) => names.indexOf(name.toLowerCase()) !== at);
  result.faults.push(...twice.map(({ name }) => `"${name}" is used twice`));
  return result;
}

/** The headers that repeat the arguments of a call. */
export function parameterHeaders(inputSchema: Json | undefined, args: JsonObject): HeaderFields {
  const fields: Record<string, string> = {};
  for (const { name, path } of findParameterHeaders(inputSchema).found) {
    let value: Json | undefined = args;
    for (const member of path) value = isObject(value) ? value[member] : undefined;
    if (value === undefined || value === null) continue;
    const text = typeof value === "string" ? value : JSON.stringify(value);
    fields[`mcp-param-${name.toLowerCase()}`] = encodeHeaderValue(text);
  }
  return fields;
}

/** `path` is undefined where no chain of `properties` leads. */
function visit(schema: Json | undefined, path: readonly string[] | undefined, result: ParameterHeaders): void {
  if (Array.isArray(schema)) for (const inner of schema) visit(inner, undefined, result);
  if (!isObject(schema)) return;
  if (ANNOTATION in schema) judge(schema, path, result);
  for (const [key, inner] of Object.entries(schema)) {
    if (key !== "properties" || !isObject(inner)) visit(inner, undefined, result);
    else for (const [name, property] of Object.entries(inner)) visit(property, path && [...path, name], result);
  }
}

function judge(schema: JsonObject, path: readonly string[] | undefined, { found, faults }: ParameterHeaders): void {
  const { [ANNOTATION]: name, type } = schema;
  const where = path === undefined || path.length === 0 ? "an inner schema" : `argument "${path.join(".")}"`;
  if (typeof name !== "string" || !TOKEN.test(name)) faults.push(`${where} has an annotation that is no header name`);
  else if (path === undefined || path.length === 0) faults.push(`"${name}" is not reached through properties alone`);
  else if (type === undefined || !PLAIN_TYPES.includes(type)) faults.push(`${where} is no string, number or boolean`);
  else found.push({ name, path });
}
