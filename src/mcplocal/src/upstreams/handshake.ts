import { discoverResult, initializeResult, legacyIdentity, modernIdentity } from "@mcpctl/shared/mcp/handshake.ts";
import { LATEST_LEGACY_VERSION, MODERN_VERSION, RPC, type Era } from "@mcpctl/shared/mcp/protocol.ts";
import { hasCode } from "@mcpctl/shared/errors.ts";
import type { ClientCapabilities, UpstreamIdentity } from "@mcpctl/shared/mcp/upstream.ts";
import * as z from "zod";
import { encodeHeaderValue } from "@mcpctl/shared/mcp/header-value.ts";
import { IDENTITY, MODERN_META } from "../identity.ts";
import { type HeaderBlock, joinHeaderBlocks, toHeaderBlock } from "../http1/header-block.ts";
import type { HttpTarget } from "./http-exchange.ts";
import { refusalError } from "./refusal.ts";
import { protocolError, type RpcOutcome, sendOneWay, sendRpc } from "./rpc-exchange.ts";

const PROBE_TIMEOUT_MS = 5_000;
const SESSION_ID = /^[\x21-\x7e]{1,1024}$/;

/** A server that has been greeted, and what every request to it carries from then on. */
export interface Connection {
  identity: UpstreamIdentity;
  headers: HeaderBlock;
  /** Session of a server with `initialize` that keeps one. */
  sessionId: string | undefined;
}

export interface HandshakeOptions {
  target: HttpTarget;
  /** Headers that the server is to get with every request. */
  headers: HeaderBlock;
  timeoutMs: number;
  /** What the server was found to speak before; absent when it must be found out. */
  knownEra: Era | undefined;
  /** What clients can be asked for; a server with sessions hears of it only once. */
  capabilities: ClientCapabilities;
}

/**
 * Finds out which era a server speaks and greets it accordingly: stateless first, `initialize` where that is not
 * understood.
 *
 * @throws {McpctlError} `upstream-unavailable`, `upstream-timeout`, `upstream-protocol`.
 * @see MCP 2026-07-28, basic/versioning, "Backward Compatibility with Initialization-Based Versions"
 */
export async function greet(options: HandshakeOptions): Promise<Connection> {
  if (options.knownEra !== "legacy") {
    const modern = await probe(options);
    if (modern) return modern;
  }
  return initialize(options);
}

/** Names of tools are few; whoever makes up more of them pays for it alone. */
const MAX_REMEMBERED = 1_000;

/** Makes the headers of requests to one server: those of a stateless server repeat what the body says. */
export function createRequestHeaders({ identity, headers }: Connection) {
  const remembered = new Map<string, HeaderBlock>();
  return function requestHeaders(method: string, name: string | undefined): HeaderBlock {
    if (identity.era === "legacy") return headers;
    const key = name === undefined ? method : `${method} ${name}`;
    const known = remembered.get(key);
    if (known !== undefined) return known;
    const made = modernHeaders(headers, method, name);
    if (remembered.size < MAX_REMEMBERED) remembered.set(key, made);
    return made;
  };
}

/** Headers of one request to a stateless server. */
export function modernHeaders(base: HeaderBlock, method: string, name: string | undefined): HeaderBlock {
  const repeated = { "mcp-protocol-version": MODERN_VERSION, "mcp-method": method };
  const named = name === undefined ? repeated : { ...repeated, "mcp-name": encodeHeaderValue(name) };
  return joinHeaderBlocks(base, toHeaderBlock(named));
}

/** @returns undefined when the server does not speak the stateless revision. */
async function probe(options: HandshakeOptions): Promise<Connection | undefined> {
  const { target, headers } = options;
  const first = await discover(options);
  // Who refuses the very version that it says it speaks is asked once more.
  const outcome = first && speaksOurs(first) ? await discover(options) : first;
  if (!outcome) return undefined;
  if (isUnusable(outcome)) throw refusalError(target.name, outcome);
  const found = outcome.status === 200 ? parseResult(discoverResult, outcome) : undefined;
  const identity = found && modernIdentity(found);
  return identity && { identity, headers, sessionId: undefined };
}

function discover({ target, headers, timeoutMs }: HandshakeOptions): Promise<RpcOutcome | undefined> {
  return sendRpc(target, {
    id: 0,
    method: "server/discover",
    params: JSON.stringify({ _meta: MODERN_META }),
    headers: modernHeaders(headers, "server/discover", undefined),
    timeoutMs: Math.min(timeoutMs, PROBE_TIMEOUT_MS),
  }).catch(ignoreWhatOldServersDo);
}

const unsupportedVersion = z.looseObject({
  code: z.literal(RPC.unsupportedVersion),
  data: z.looseObject({ supported: z.array(z.string()) }),
});

function speaksOurs({ status, reply }: RpcOutcome): boolean {
  if (status !== 400 || reply?.kind !== "error") return false;
  return unsupportedVersion.safeParse(parseJson(reply.json)).data?.data.supported.includes(MODERN_VERSION) === true;
}

/** A server from before the probe existed may say nothing or something odd; `initialize` shows what it really is. */
function ignoreWhatOldServersDo(thrown: unknown): undefined {
  if (hasCode(thrown, "upstream-timeout") || hasCode(thrown, "upstream-protocol")) return undefined;
  throw thrown;
}

/** Whether the answer says nothing about the era: it comes from whoever stands in front of the server. */
function isUnusable({ status, reply }: RpcOutcome): boolean {
  if (reply) return false;
  return status === 401 || status === 403 || status === 429 || status >= 500 || (status >= 300 && status < 400);
}

async function initialize({ target, headers, timeoutMs, capabilities }: HandshakeOptions): Promise<Connection> {
  const params = { protocolVersion: LATEST_LEGACY_VERSION, capabilities, clientInfo: IDENTITY };
  const outcome = await sendRpc(target, {
    id: 0,
    method: "initialize",
    params: JSON.stringify(params),
    headers,
    timeoutMs,
  });
  if (outcome.status !== 200) throw refusalError(target.name, outcome);
  const found = parseResult(initializeResult, outcome);
  if (!found) throw protocolError(target.name, "it refused initialize");
  const { protocolVersion } = found;
  const identity = legacyIdentity(found);
  if (!identity) {
    throw protocolError(target.name, `it wants protocol version ${JSON.stringify(protocolVersion.slice(0, 64))}`);
  }
  const sessionId = readSessionId(target.name, outcome);
  const session = sessionId === undefined ? undefined : { "mcp-session-id": sessionId };
  const connection: Connection = {
    identity,
    headers: joinHeaderBlocks(headers, toHeaderBlock({ "mcp-protocol-version": protocolVersion, ...session })),
    sessionId,
  };
  await sendOneWay(target, connection.headers, { method: "notifications/initialized" });
  return connection;
}

function readSessionId(name: string, { headers }: RpcOutcome): string | undefined {
  const id = headers.get("mcp-session-id");
  if (id === undefined || SESSION_ID.test(id)) return id;
  throw protocolError(name, "its session id is malformed");
}

/** @returns undefined when the reply is an error or not of this form. */
function parseResult<T>(schema: z.ZodType<T>, { reply }: RpcOutcome): T | undefined {
  if (reply?.kind !== "result") return undefined;
  const parsed = schema.safeParse(parseJson(reply.json));
  return parsed.success ? parsed.data : undefined;
}

function parseJson(json: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(json).toString("utf8"));
  } catch {
    return undefined;
  }
}
