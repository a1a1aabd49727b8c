import type { ServerResponse } from "node:http";
import { encodeHeaderValue } from "@mcpctl/shared/mcp/header-value.ts";
import {
  type HttpFixture,
  keepStream,
  type Message,
  type SeenRequest,
  startFixture,
  writeEvent,
} from "../../../../tests/fixtures/http-fixture-server.ts";
import { answerMethod, CAPABILITIES, SERVER_INFO } from "./conforming-methods.ts";

export const MODERN = "2026-07-28";
const LEGACY = ["2025-11-25", "2025-06-18"];
export const KEY = "io.modelcontextprotocol/";
export const TOKEN = "right-token";
const LEGACY_CAPABILITIES = { ...CAPABILITIES, logging: {}, resources: { subscribe: true } };
const WITH_EMPTY_RESULT = new Set(["ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"]);
const NAMED_BY: Message = { "tools/call": "name", "prompts/get": "name", "resources/read": "uri" };

/** An answer before it is written. */
export interface Reply {
  status: number;
  headers?: Record<string, string>;
  /** JSON of the body. */
  message?: Message;
  /** The body as it is. */
  text?: string;
  /** Messages of a stream that stays open. */
  events?: Message[];
}

export type Decide = (seen: SeenRequest) => Reply;
/** Breaks a rule, and leaves everything else to the server. */
export type Plant = (seen: SeenRequest, decide: Decide) => Reply | Promise<Reply>;

export interface ConformingOptions {
  plant?: Plant | undefined;
  eras?: readonly ("modern" | "legacy")[];
  /** Asks for TOKEN. */
  isProtected?: boolean;
}

/** A server of both eras that breaks no rule, apart from the one that is planted. */
export function startConformingServer(options: ConformingOptions = {}): Promise<HttpFixture> {
  const { plant = (seen, decide) => decide(seen), eras = ["modern", "legacy"], isProtected = true } = options;
  const sessions = new Set<string>();
  let opened = 0;
  const open = () => {
    const id = `session-${(opened += 1)}`;
    sessions.add(id);
    return id;
  };
  const decide: Decide = (seen) => decideAll(seen, { eras, isProtected, sessions, open });
  return startFixture({}, async (seen, response, state) => {
    const reply = await plant(seen, decide);
    if (reply.events) {
      keepStream(state, response, {});
      for (const event of reply.events) writeEvent(response, event);
      return;
    }
    write(response, reply);
  });
}

function write(response: ServerResponse, { status, headers = {}, message, text = "" }: Reply): void {
  const body = message === undefined ? text : JSON.stringify({ jsonrpc: "2.0", ...message });
  const type = message === undefined ? {} : { "content-type": "application/json" };
  response.writeHead(status, { ...type, ...headers });
  response.end(body);
}

interface Known {
  eras: readonly string[];
  isProtected: boolean;
  sessions: Set<string>;
  open(): string;
}

export function isModern({ body, headers }: SeenRequest): boolean {
  const claimed = body["params"]?._meta?.[`${KEY}protocolVersion`];
  return claimed !== undefined || headers["mcp-protocol-version"] === MODERN;
}

function decideAll(seen: SeenRequest, known: Known): Reply {
  const { headers, httpMethod, path } = seen;
  if (path.startsWith("/.well-known/")) return { status: 404, message: { error: "not found" } };
  if (headers.origin !== undefined) return refuse(seen, 403, -32000);
  if (!/^127\.0\.0\.1(:|$)/.test(headers.host ?? "")) return refuse(seen, 403, -32000);
  if (known.isProtected && headers.authorization !== `Bearer ${TOKEN}`) {
    return { status: 401, headers: { "www-authenticate": 'Bearer realm="test"' }, message: { error: "unauthorized" } };
  }
  const isStateless = isModern(seen);
  if (httpMethod !== "POST") return isStateless ? { status: 405 } : decideBodiless(seen, known);
  if (headers["content-type"] !== "application/json") return refuse(seen, 415, -32000);
  if (!/json|event-stream/.test(headers.accept ?? "")) return refuse(seen, 406, -32000);
  if (!seen.isJson) return refuse(seen, 400, -32700);
  if (!known.eras.includes(isStateless ? "modern" : "legacy")) return refuse(seen, 400, -32600);
  return isStateless ? decideModern(seen) : decideLegacy(seen, known);
}

export function refuse({ body }: SeenRequest, status: number, code: number, data?: unknown): Reply {
  return { status, message: { id: body["id"] ?? null, error: { code, message: "refused", data } } };
}

function decideModern(seen: SeenRequest): Reply {
  const { body, headers } = seen;
  const { id, method, params = {} } = body;
  const meta = params._meta ?? {};
  const version = meta[`${KEY}protocolVersion`];
  if (version === undefined || meta[`${KEY}clientCapabilities`] === undefined) return refuse(seen, 400, -32602);
  const name = NAMED_BY[method] && params[NAMED_BY[method]];
  const isSame =
    headers["mcp-protocol-version"] === version &&
    headers["mcp-method"] === method &&
    (name === undefined || headers["mcp-name"] === encodeHeaderValue(name));
  if (!isSame) return refuse(seen, 400, -32020);
  if (version !== MODERN) return refuse(seen, 400, -32022, { supported: [MODERN], requested: version });
  if (method === "subscriptions/listen") {
    const tag = { [`${KEY}subscriptionId`]: id };
    const granted = { _meta: tag, notifications: params.notifications };
    return { status: 200, events: [{ method: "notifications/subscriptions/acknowledged", params: granted }] };
  }
  const common = { resultType: "complete", ttlMs: 0, cacheScope: "private" };
  const info = { _meta: { [`${KEY}serverInfo`]: SERVER_INFO } };
  if (method === "server/discover") {
    const result = { ...common, ...info, supportedVersions: [MODERN], capabilities: CAPABILITIES };
    return { status: 200, message: { id, result } };
  }
  const answer = answerMethod(method, params, headers);
  if (answer === undefined) return refuse(seen, 404, -32601);
  if (answer.error) return { status: 200, message: { id, error: answer.error } };
  return { status: 200, message: { id, result: { ...common, ...answer.result } } };
}

function decideLegacy(seen: SeenRequest, known: Known): Reply {
  const { id, method, params = {} } = seen.body;
  if (method === "initialize") {
    const protocolVersion = LEGACY.includes(params.protocolVersion) ? params.protocolVersion : LEGACY[0];
    const result = { protocolVersion, capabilities: LEGACY_CAPABILITIES, serverInfo: SERVER_INFO };
    return { status: 200, headers: { "mcp-session-id": known.open() }, message: { id, result } };
  }
  const refused = refuseSession(seen, known);
  if (refused) return refused;
  if (id === undefined) return { status: 202 };
  if (WITH_EMPTY_RESULT.has(method)) return { status: 200, message: { id, result: {} } };
  const answer = answerMethod(method, params, {});
  if (answer === undefined) return refuse(seen, 200, -32601);
  return { status: 200, message: { id, ...answer } };
}

function refuseSession(seen: SeenRequest, { sessions }: Known): Reply | undefined {
  const version = seen.headers["mcp-protocol-version"];
  if (version !== undefined && !LEGACY.includes(String(version))) return refuse(seen, 400, -32600);
  const session = seen.headers["mcp-session-id"];
  if (session === undefined) return refuse(seen, 400, -32600);
  return sessions.has(String(session)) ? undefined : refuse(seen, 404, -32600);
}

function decideBodiless(seen: SeenRequest, known: Known): Reply {
  const refused = known.eras.includes("legacy") ? refuseSession(seen, known) : refuse(seen, 405, -32600);
  if (refused) return refused;
  if (seen.httpMethod === "GET") return { status: 200, events: [] };
  known.sessions.delete(String(seen.headers["mcp-session-id"]));
  return { status: 200 };
}
