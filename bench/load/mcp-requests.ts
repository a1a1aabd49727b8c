import { META, MODERN_VERSION } from "@mcpctl/shared/mcp/protocol.ts";

export const ERAS = ["modern", "legacy"] as const;
export type Era = (typeof ERAS)[number];
const LEGACY_VERSION = "2025-11-25";
/** All ids have as many digits, so that the length of a request does not depend on its id. */
const FIRST_ID = 1_000_000_000;
/** More than what any server writes around a result. */
const END_BYTES = 160;

/** Where requests go and what they carry. */
export interface Endpoint {
  port: number;
  path: string;
  bearer: string | undefined;
  era: Era;
  /** Of a session, for clients that have one. */
  sessionId?: string | undefined;
}

export interface RpcMessage {
  method: string;
  params?: Record<string, unknown>;
}

let lastId = FIRST_ID;

/** An id that no other request of this run has. */
export function nextId(): number {
  lastId += 1;
  return lastId;
}

/** Makes the bytes of requests that differ in nothing but the id. */
export function prepareRequest(endpoint: Endpoint, { method, params = {} }: RpcMessage): (id: number) => string {
  const isModern = endpoint.era === "modern";
  const sent = isModern ? { ...params, _meta: ENVELOPE } : params;
  const tail = `,"method":${JSON.stringify(method)},"params":${JSON.stringify(sent)}}`;
  const length = '{"jsonrpc":"2.0","id":'.length + String(FIRST_ID).length + Buffer.byteLength(tail);
  const head = headOf(endpoint, { method, name: params["name"], length });
  return (id) => `${head}{"jsonrpc":"2.0","id":${id}${tail}`;
}

export function prepareNotification(endpoint: Endpoint, method: string): string {
  const body = JSON.stringify({ jsonrpc: "2.0", method });
  return headOf(endpoint, { method, name: undefined, length: body.length }) + body;
}

/** Ends a session. */
export function prepareDelete(endpoint: Endpoint): string {
  return headOf(endpoint, { method: "", name: undefined, length: 0 }).replace("POST", "DELETE");
}

export const INITIALIZE: RpcMessage = {
  method: "initialize",
  params: { protocolVersion: LEGACY_VERSION, capabilities: {}, clientInfo: { name: "bench", version: "1" } },
};

export function sessionIdOf(head: string): string | undefined {
  return /\r\nmcp-session-id: *([^\r]+)/i.exec(head)?.[1];
}

/** Whether a reply answers this request with a result. Looks at both ends alone: what lies between may be large. */
export function isResult(body: Buffer, id: number): boolean {
  const ends = body.toString("latin1", 0, END_BYTES) + body.toString("latin1", Math.max(0, body.length - END_BYTES));
  return ends.includes(`"id":${id}`) && ends.includes('"result"') && !ends.includes('"isError":true');
}

const ENVELOPE = {
  [META.protocolVersion]: MODERN_VERSION,
  [META.clientInfo]: { name: "bench", version: "1" },
  [META.clientCapabilities]: {},
};

interface Sent {
  method: string;
  name: unknown;
  length: number;
}

function headOf({ port, path, bearer, era, sessionId }: Endpoint, { method, name, length }: Sent): string {
  const isModern = era === "modern";
  const lines = [
    `POST ${path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    ...(bearer === undefined ? [] : [`authorization: Bearer ${bearer}`]),
    "content-type: application/json",
    "accept: application/json, text/event-stream",
    `content-length: ${length}`,
    ...(isModern ? [`mcp-protocol-version: ${MODERN_VERSION}`, `mcp-method: ${method}`] : []),
    ...(isModern && typeof name === "string" ? [`mcp-name: ${name}`] : []),
    ...(sessionId === undefined ? [] : [`mcp-session-id: ${sessionId}`, `mcp-protocol-version: ${LEGACY_VERSION}`]),
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}
