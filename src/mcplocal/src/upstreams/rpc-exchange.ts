import { Buffer } from "node:buffer";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { splitMessage } from "@mcpctl/shared/mcp/envelope.ts";
import type { RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import { isRecord } from "../protocol/client-message.ts";
import { measureJson } from "@mcpctl/shared/json-shape.ts";
import type { HeaderBlock } from "../http1/header-block.ts";
import type { HeaderLines } from "../http1/header-lines.ts";
import { askHttp, type HttpAnswer, type HttpCall, type HttpTarget, mediaTypeOf, sendHttp } from "./http-exchange.ts";
import { goOnReading } from "./resume-stream.ts";

/** A refusal that is larger or deeper than this is not worth reading. */
const MAX_ERROR_BYTES = 65_536;
const MAX_ERROR_DEPTH = 64;

/** What a server sends besides the reply. */
export interface SideMessages {
  onNotification(method: string, message: Uint8Array): void;
  onRequest(id: RequestId, method: string, message: Uint8Array): void;
}

export interface RpcCall {
  id: number;
  method: string;
  /** JSON of the params. */
  params: string;
  headers: HeaderBlock;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Asked for only when the server sends something besides the reply. */
  side?: () => SideMessages;
  /** Whether the server waits for an answer of ours, so that it is not late. */
  isWaiting?: (() => boolean) | undefined;
  /** Headers to go on with under when the server ends the stream early; absent where that cannot be. */
  resumeHeaders?: HeaderBlock | undefined;
}

export interface RpcOutcome {
  status: number;
  headers: HeaderLines;
  /** Absent when the answer held no JSON-RPC reply to this request. */
  reply: UpstreamReply | undefined;
  /** What a refusal said, when it was no JSON-RPC reply. */
  body: Buffer;
  /** Reads the rest of a stream that the server has ended early. */
  goOn?: () => Promise<RpcOutcome>;
}

/**
 * Sends one JSON-RPC request over HTTP and reads the reply out of whichever form the server chose.
 *
 * @throws {McpctlError} as `sendHttp`, and `upstream-protocol` when a success is no JSON-RPC or answers another request.
 */
export function sendRpc(target: HttpTarget, call: RpcCall): Promise<RpcOutcome> {
  const { id, method, params, headers, timeoutMs, signal, side, isWaiting, resumeHeaders } = call;
  let streamed: UpstreamReply | undefined;
  const request: HttpCall = {
    method: "POST",
    headers,
    body: `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${params}}`,
    timeoutMs,
    signal,
    isWaiting,
    // Nothing that comes before an answer to our own questions means that it is on its way.
    isExtended: side !== undefined,
    onMessage(data) {
      streamed = readMessage(target.name, data, id, side?.());
      return streamed !== undefined;
    },
  };
  const read = (answer: HttpAnswer): RpcOutcome => ({
    ...answer,
    reply: streamed ?? readAnswer(target.name, answer, id),
  });
  return askHttp(target, request, (answer) => {
    if (streamed || resumeHeaders === undefined || !answer.resumption) return read(answer);
    const goOn = () => goOnReading(target, { request, answer, headers: resumeHeaders }).then(read);
    return { ...answer, reply: undefined, goOn };
  });
}

/** Sends a notification or a reply, as JSON or what becomes it; what the server thinks of it is of no interest. */
export async function sendOneWay(target: HttpTarget, headers: HeaderBlock, message: object | string): Promise<void> {
  const body = typeof message === "string" ? message : JSON.stringify({ jsonrpc: "2.0", ...message });
  await sendHttp(target, { method: "POST", headers, body, timeoutMs: 5_000, onMessage: () => true });
}

/** @returns the reply when this message is the one. */
export function readMessage(
  name: string,
  data: Buffer,
  id: number,
  side: SideMessages | undefined,
): UpstreamReply | undefined {
  const message = splitMessage(data);
  if (message.type === "notification") side?.onNotification(message.method, data);
  if (message.type === "request") side?.onRequest(message.id, message.method, data);
  if (message.type !== "reply") return undefined;
  const isOurs = message.id === id || (message.id === null && message.reply.kind === "error");
  if (!isOurs) throw protocolError(name, "it answered another request than the one that was sent");
  return message.reply;
}

function readAnswer(name: string, answer: HttpAnswer, id: number): UpstreamReply | undefined {
  if (answer.status !== 200) return readErrorBody(answer.body);
  const type = mediaTypeOf(answer.headers);
  if (type === "text/event-stream") {
    throw new McpctlError("upstream-unavailable", `Server "${name}" ended the stream before it answered`, {
      hint: `Look at it with: mcpctl describe server ${name}`,
    });
  }
  if (type !== "application/json")
    throw protocolError(name, `it answered with ${type === "" ? "no content type" : type}`);
  const reply = readMessage(name, answer.body, id, undefined);
  if (!reply) throw protocolError(name, "its answer is no reply");
  return reply;
}

/** The JSON-RPC error in the body of a refusal, which may lack an id. */
function readErrorBody(body: Buffer): UpstreamReply | undefined {
  if (body.length > MAX_ERROR_BYTES || measureJson(body, MAX_ERROR_DEPTH).depth > MAX_ERROR_DEPTH) return undefined;
  let message: unknown;
  try {
    message = JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
  const error = isRecord(message) && message["jsonrpc"] === "2.0" ? message["error"] : undefined;
  if (!isRecord(error) || !Number.isInteger(error["code"]) || typeof error["message"] !== "string") return undefined;
  return { kind: "error", json: Buffer.from(JSON.stringify(error)) };
}

export function protocolError(name: string, why: string): McpctlError {
  return new McpctlError("upstream-protocol", `Server "${name}" does not speak MCP as expected: ${why}`, {
    hint: `Check its address with: mcpctl describe server ${name}`,
  });
}
