import { splitMessage, type UpstreamMessage } from "./envelope.ts";
import type { RequestId } from "./protocol.ts";

const ID_AT_START = /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,15})\s*[,}]/;
const ID_AT_END = /,\s*"id"\s*:\s*(\d{1,15})\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/;

const OPEN_BRACE = 0x7b;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** @returns undefined for a line that is no message. */
export function trySplitMessage(line: Uint8Array): UpstreamMessage | undefined {
  // Most of what is no message starts otherwise, and an error costs more than a look.
  if (line[0] !== OPEN_BRACE && !isSpace(line[0])) return undefined;
  try {
    return splitMessage(line);
  } catch {
    return undefined;
  }
}

/** Which request a line that cannot be read as a whole answers, told by its two ends. */
export function replyIdOf(head: Uint8Array, tail: Uint8Array): number | undefined {
  const id = ID_AT_START.exec(textOf(head))?.[1] ?? ID_AT_END.exec(textOf(tail))?.[1];
  return id === undefined ? undefined : Number(id);
}

/** The token of a progress notification and a copy of it for another token. */
export interface Progress {
  token: unknown;
  withToken(token: RequestId): Uint8Array;
}

/** @returns undefined when it is no progress notification. */
export function parseProgress(line: Uint8Array): Progress | undefined {
  const params = paramsOf(line);
  if (!params) return undefined;
  return {
    token: params["progressToken"],
    withToken(progressToken) {
      const message = { jsonrpc: "2.0", method: "notifications/progress", params: { ...params, progressToken } };
      return encoder.encode(JSON.stringify(message));
    },
  };
}

export function cancellationOf(requestId: number, reason: string): string {
  return JSON.stringify({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId, reason } });
}

function paramsOf(line: Uint8Array): Record<string, unknown> | undefined {
  const message = parseJson(line);
  const params = isObject(message) ? message["params"] : undefined;
  return isObject(params) ? params : undefined;
}

/** @returns undefined for what is no JSON. */
export function parseJson(json: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(json));
  } catch {
    return undefined;
  }
}

function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
