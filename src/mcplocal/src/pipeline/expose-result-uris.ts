import { membersOf } from "@mcpctl/shared/mcp/json-bytes.ts";
import { parseJson } from "@mcpctl/shared/mcp/line-messages.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import { asBuffer } from "../as-buffer.ts";
import { isRecord } from "../protocol/client-message.ts";

type Expose = (uri: string) => string;
type Rewrite = (value: unknown, expose: Expose) => unknown;

const URI_KEY = Buffer.from('"uri"');

/** Where results speak of resources, by method. */
const PLACES: ReadonlyMap<string, { member: string; rewrite: Rewrite }> = new Map([
  ["tools/call", { member: "content", rewrite: inEach(inBlock) }],
  ["prompts/get", { member: "messages", rewrite: inEach(inMessage) }],
  ["resources/read", { member: "contents", rewrite: inEach(inResource) }],
]);

/**
 * Gives the resources in a result the addresses under which clients know them. Whatever else it holds stays as it is, to
 * the byte.
 */
export function exposeResultUris(reply: UpstreamReply, method: string, expose: Expose): UpstreamReply {
  const place = PLACES.get(method);
  if (!place || reply.kind === "error" || !asBuffer(reply.json).includes(URI_KEY)) return reply;
  const members = membersOf(reply.json);
  const found = members.find(({ key }) => key === place.member);
  const value = found && parseJson(reply.json.subarray(found.start, found.end));
  if (value === undefined) return reply;
  const before = JSON.stringify(value);
  const after = JSON.stringify(place.rewrite(value, expose));
  if (after === before) return reply;
  const parts = members.flatMap(({ key, start, end }, at) => [
    Buffer.from(`${at === 0 ? "{" : ","}${JSON.stringify(key)}:`),
    key === place.member ? Buffer.from(after) : reply.json.subarray(start, end),
  ]);
  return { kind: reply.kind, json: Buffer.concat([...parts, Buffer.from("}")]) };
}

function inEach(rewrite: Rewrite): Rewrite {
  return (value, expose) => (Array.isArray(value) ? value.map((one: unknown) => rewrite(one, expose)) : value);
}

function inMessage(message: unknown, expose: Expose): unknown {
  if (!isRecord(message)) return message;
  const { content } = message;
  return { ...message, content: Array.isArray(content) ? inEach(inBlock)(content, expose) : inBlock(content, expose) };
}

/** @see MCP 2026-07-28, server/tools, "Resource Links" and "Embedded Resources" */
function inBlock(block: unknown, expose: Expose): unknown {
  if (!isRecord(block)) return block;
  if (block["type"] === "resource_link") return inResource(block, expose);
  return block["type"] === "resource" ? { ...block, resource: inResource(block["resource"], expose) } : block;
}

function inResource(resource: unknown, expose: Expose): unknown {
  if (!isRecord(resource) || typeof resource["uri"] !== "string") return resource;
  return { ...resource, uri: expose(resource["uri"]) };
}
