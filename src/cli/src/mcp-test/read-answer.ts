import type { IncomingMessage } from "node:http";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { type Json, parseBoundedJson } from "@mcpctl/shared/json.ts";
import { SseParser } from "@mcpctl/shared/mcp/sse-parser.ts";
import { isResponse } from "./rpc.ts";
import type { WireAnswer, WireRequest } from "./wire-exchange.ts";

const MAX_BYTES = 32 * 1024 * 1024;

interface Reading {
  isDone: WireRequest["isDone"];
  startedAt: number;
}

/** Reads a body of JSON to its end, and a stream of events up to the message that ends the exchange. */
export async function readAnswer(incoming: IncomingMessage, { isDone, startedAt }: Reading): Promise<WireAnswer> {
  const isStream = /^text\/event-stream\b/i.test(incoming.headers["content-type"] ?? "");
  const head = { status: incoming.statusCode ?? 0, headers: fieldsOf(incoming), isStream };
  const messages: Json[] = [];
  const chunks: Buffer[] = [];
  const answer = (): WireAnswer => ({
    ...head,
    messages,
    text: Buffer.concat(chunks).toString("utf8"),
    durationMs: performance.now() - startedAt,
  });
  const isEnough = isDone ?? (({ messages: sofar }: WireAnswer) => isStream && sofar.some(isResponse));
  const events = new SseParser({ maxEventBytes: MAX_BYTES, onMessage: (data) => messages.push(parseEvent(data)) });
  let size = 0;
  if (isDone?.(answer())) incoming.destroy();
  else {
    for await (const bytes of chunksOf(incoming)) {
      size += bytes.length;
      if (size > MAX_BYTES) throw new McpctlError("upstream-protocol", `the answer is larger than ${MAX_BYTES} bytes`);
      if (isStream) events.push(bytes);
      else chunks.push(bytes);
      if (isStream && isEnough(answer())) break;
    }
  }
  if (!isStream) messages.push(...findJson(Buffer.concat(chunks)));
  return answer();
}

/** A request that sets no encoding gets bytes. */
async function* chunksOf(incoming: AsyncIterable<string | Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of incoming) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
}

function fieldsOf({ headers }: IncomingMessage): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) fields[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return fields;
}

function parseEvent(data: Buffer): Json {
  try {
    return parseBoundedJson(data);
  } catch (cause) {
    throw new McpctlError("upstream-protocol", "the stream has an event that is no JSON", { cause });
  }
}

/** A body may be anything; what is no JSON has no message in it. */
function findJson(bytes: Buffer): Json[] {
  if (bytes.length === 0) return [];
  try {
    return [parseBoundedJson(bytes)];
  } catch (thrown) {
    if (thrown instanceof McpctlError) return [];
    throw thrown;
  }
}
