import { parseSlice } from "@mcpctl/shared/mcp/json-bytes.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import { isRecord, type Params } from "../protocol/client-message.ts";
import { readResultType } from "./adapt-reply.ts";

/** A question as a stateless server puts it, into its answer. */
export interface InputRequest {
  method: string;
  params: Params;
}

/** What a client is to do before it sends its request again. @see MCP 2026-07-28, basic/patterns/mrtr */
export interface InputRequired {
  inputRequests: Readonly<Record<string, InputRequest>>;
  requestState: unknown;
}

/** @returns undefined for any other answer, malformed ones included. */
export function readInputRequired({ kind, json }: UpstreamReply): InputRequired | undefined {
  if (kind === "error" || readResultType(json) !== "input_required") return undefined;
  const result = parseSlice(json, { start: 0, end: json.length });
  if (!isRecord(result)) return undefined;
  const { inputRequests = {}, requestState } = result;
  if (!isRecord(inputRequests)) return undefined;
  const requests: Record<string, InputRequest> = {};
  for (const [key, request] of Object.entries(inputRequests)) {
    if (!isRecord(request) || typeof request["method"] !== "string") return undefined;
    const { method, params = {} } = request;
    if (!isRecord(params)) return undefined;
    requests[key] = { method, params };
  }
  return { inputRequests: requests, requestState };
}

export function toInputRequired(inputRequests: Record<string, InputRequest>, requestState: string): UpstreamReply {
  const result = { resultType: "input_required", inputRequests, requestState };
  return { kind: "result", json: Buffer.from(JSON.stringify(result)) };
}
