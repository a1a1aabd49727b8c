import { McpctlError } from "@mcpctl/shared/errors.ts";
import { isObject } from "./client-message.ts";
import type { ToolPolicyCheck } from "./exchange.ts";

/**
 * Takes the tools that the caller may not see out of the result of `tools/list`; leaves other results alone. A list that
 * the server calls public is so no longer: what one caller may see is not for the cache of another.
 *
 * @throws {McpctlError} `upstream-protocol` when it is no JSON: what cannot be read cannot be filtered.
 */
export function filterResult(json: Uint8Array, policy: ToolPolicyCheck): Uint8Array {
  const result = parse(json);
  const filtered = withAllowedTools(result, policy);
  return filtered === result ? json : Buffer.from(JSON.stringify(filtered));
}

/** As `filterResult`, for a whole JSON-RPC message. */
export function filterMessage(json: Uint8Array, policy: ToolPolicyCheck): Uint8Array {
  const message = parse(json);
  if (Array.isArray(message)) return Buffer.from(JSON.stringify(message.map((one) => withFilteredResult(one, policy))));
  const filtered = withFilteredResult(message, policy);
  return filtered === message ? json : Buffer.from(JSON.stringify(filtered));
}

function withFilteredResult(message: unknown, policy: ToolPolicyCheck): unknown {
  if (!isObject(message)) return message;
  const result = withAllowedTools(message["result"], policy);
  return result === message["result"] ? message : { ...message, result };
}

function withAllowedTools(result: unknown, policy: ToolPolicyCheck): unknown {
  if (!isObject(result) || !Array.isArray(result["tools"])) return result;
  const all: unknown[] = result["tools"];
  const tools = all.filter((tool) => isObject(tool) && typeof tool["name"] === "string" && policy(tool["name"]));
  const isPublic = result["cacheScope"] === "public";
  if (tools.length === all.length && !isPublic) return result;
  return { ...result, tools, ...(isPublic && { cacheScope: "private" }) };
}

function parse(json: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString());
  } catch (cause) {
    throw new McpctlError("upstream-protocol", "The server's list of tools is no JSON", { cause });
  }
}
