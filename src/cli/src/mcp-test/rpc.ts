import type { Json } from "@mcpctl/shared/json.ts";
import type { RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import { ok, type Outcome, violated } from "./check.ts";
import type { HeaderFields, WireAnswer } from "./wire-exchange.ts";

export interface JsonObject {
  [key: string]: Json;
}

/** A request to be sent. */
export interface RpcCall {
  method: string;
  params?: JsonObject;
  /** What the header `Mcp-Name` repeats. */
  name?: string;
  id?: RequestId;
  /** More headers, such as `Mcp-Param-...`. */
  headers?: HeaderFields;
}

/** A request on its way out, where a check may spoil it. */
export interface Draft {
  httpMethod: "GET" | "POST" | "DELETE";
  headers: HeaderFields;
  /** Absent for requests without a body. */
  message: JsonObject | undefined;
  /** Sent instead of the message. */
  body?: string;
}

export type Spoil = (draft: Draft) => Draft;

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a message answers a request; an error may lack the id of what it answers. */
export function isResponse(message: Json): message is JsonObject {
  return isObject(message) && ("result" in message || "error" in message);
}

/** The JSON-RPC response in an answer. */
export function findResponse({ messages }: WireAnswer): JsonObject | undefined {
  return messages.find(isResponse);
}

export function findResult(answer: WireAnswer): JsonObject | undefined {
  const result = findResponse(answer)?.["result"];
  return answer.status === 200 && isObject(result) ? result : undefined;
}

export function findErrorCode(answer: WireAnswer): number | undefined {
  const error = findResponse(answer)?.["error"];
  return isObject(error) && typeof error["code"] === "number" ? error["code"] : undefined;
}

/** An answer in a few words, such as `200 with a result`. */
export function describeAnswer(answer: WireAnswer): string {
  const response = findResponse(answer);
  const error = response?.["error"];
  if (isObject(error)) return `${answer.status} with error ${inWords(error["code"])} (${inWords(error["message"])})`;
  if (response) return `${answer.status} with a result`;
  if (answer.status >= 300 && answer.status < 400) {
    return `${answer.status}, a redirect to ${answer.headers["location"] ?? "nowhere"}`;
  }
  if (answer.isStream) return `${answer.status} with a stream that has no response`;
  return `${answer.status} without a JSON-RPC response`;
}

/** A value of the server, which may be any. */
function inWords(value: Json | undefined): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "without one");
}

/** Passes when a request was refused with this status and, where given, one of these error codes. */
export function expectRefusal(answer: WireAnswer, status: number, codes?: readonly number[]): Outcome {
  const code = findErrorCode(answer);
  const isCode = codes === undefined || (code !== undefined && codes.includes(code));
  return answer.status === status && isCode ? ok() : violated(`got ${describeAnswer(answer)}`);
}

export function expectResult(answer: WireAnswer): Outcome {
  return findResult(answer) ? ok() : violated(`got ${describeAnswer(answer)}`);
}

/** Sends a header with another value, or not at all. */
export function withHeader(name: string, value: string | undefined): Spoil {
  return (draft) => {
    const { [name]: _, ...headers } = draft.headers;
    return { ...draft, headers: value === undefined ? headers : { ...headers, [name]: value } };
  };
}

/** Sends other members of `params._meta`, or no `_meta` at all. */
export function withMeta(change: ((meta: JsonObject) => JsonObject) | undefined): Spoil {
  return (draft) => {
    const params = draft.message?.["params"];
    const { _meta: meta, ...others } = isObject(params) ? params : {};
    const changed = change ? { ...others, _meta: change(isObject(meta) ? meta : {}) } : others;
    return { ...draft, message: { ...draft.message, params: changed } };
  };
}

export function spoilBoth(first: Spoil, second: Spoil): Spoil {
  return (draft) => second(first(draft));
}
