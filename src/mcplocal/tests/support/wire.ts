import { request } from "node:http";

// oxlint-disable-next-line typescript/no-explicit-any -- tests read JSON by its path; a wrong path fails the test
export type Json = any;

export interface WireAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** The body parsed, or the last message of an event stream. */
  json: Json;
  /** All messages of an event stream. */
  events: Json[];
}

export interface WireRequest {
  method?: string;
  path?: string;
  token?: string | undefined;
  headers?: Record<string, string | string[]>;
  body?: unknown;
}

/** Sends one request, exactly as written. A body that is no string or buffer is sent as JSON. */
export function send(base: string, wanted: WireRequest): Promise<WireAnswer> {
  const { method = "POST", path = "/mcp", token, headers, body } = wanted;
  const payload = body === undefined || typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const all = {
    accept: "application/json, text/event-stream",
    ...(payload !== undefined && { "content-type": "application/json", "content-length": Buffer.byteLength(payload) }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...headers,
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(path, base), { method, headers: all, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, ...parse(text) });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(payload);
  });
}

const KEY = "io.modelcontextprotocol/";

/** A request of the stateless revision, with all that it must carry. */
export function modern(method: string, params: Json = {}, id: Json = 1): WireRequest {
  const meta = { [`${KEY}protocolVersion`]: "2026-07-28", [`${KEY}clientCapabilities`]: {}, ...params._meta };
  const name = params.name ?? params.uri;
  return {
    headers: {
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": method,
      ...(typeof name === "string" && { "mcp-name": name }),
    },
    body: { jsonrpc: "2.0", id, method, params: { ...params, _meta: meta } },
  };
}

/** A request within a session. */
export function legacy(session: string, method: string, params: Json = {}, id: Json = 1): WireRequest {
  const headers = { "mcp-session-id": session, "mcp-protocol-version": "2025-11-25" };
  return { headers, body: { jsonrpc: "2.0", id, method, params } };
}

/** A notification within a session. */
export function notification(session: string, method: string, params: Json): WireRequest {
  return { headers: { "mcp-session-id": session }, body: { jsonrpc: "2.0", method, params } };
}

export function initialize(protocolVersion = "2025-11-25"): WireRequest {
  const params = { protocolVersion, capabilities: {}, clientInfo: { name: "test", version: "1" } };
  return { body: { jsonrpc: "2.0", id: 0, method: "initialize", params } };
}

/** Opens a session. @returns its id. */
export async function openSession(base: string, token: string, version?: string): Promise<string> {
  const { headers } = await send(base, { ...initialize(version), token });
  return String(headers["mcp-session-id"]);
}

function parse(text: string): { json: Json; events: Json[] } {
  const events = text
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => JSON.parse(line.slice(6)));
  return { json: events.length > 0 ? events.at(-1) : tryJson(text), events };
}

function tryJson(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
