import { randomBytes } from "node:crypto";
import { parseSlice } from "@mcpctl/shared/mcp/json-bytes.ts";
import { isRecord, metaOf, type Params } from "../protocol/client-message.ts";

export interface ProgressRelay {
  /** The token to give to the server; undefined when the client wants no progress. */
  token: string | undefined;
  /** Passes progress of this call on under the client's own token, and nothing else. */
  onNotification: ((message: Uint8Array) => void) | undefined;
}

/**
 * Makes the relay of progress. Tokens of all callers meet at a shared server, so each call gets one that no other has.
 */
export function createProgressRelay(): (params: Params, notify: (message: Uint8Array) => void) => ProgressRelay {
  const prefix = randomBytes(6).toString("base64url");
  let lastToken = 0;
  return (params, notify) => {
    const wanted = metaOf(params)["progressToken"];
    if (typeof wanted !== "string" && typeof wanted !== "number")
      return { token: undefined, onNotification: undefined };
    lastToken += 1;
    const token = `${prefix}-${lastToken}`;
    return { token, onNotification: (message) => passOn(message, { token, wanted, notify }) };
  };
}

interface Passage {
  token: string;
  wanted: string | number;
  notify: (message: Uint8Array) => void;
}

function passOn(bytes: Uint8Array, { token, wanted, notify }: Passage): void {
  const message = parseSlice(bytes, { start: 0, end: bytes.length });
  if (!isRecord(message) || message["method"] !== "notifications/progress") return;
  const { params } = message;
  if (!isRecord(params) || params["progressToken"] !== token) return;
  const restored = { jsonrpc: "2.0", method: "notifications/progress", params: { ...params, progressToken: wanted } };
  notify(Buffer.from(JSON.stringify(restored)));
}
