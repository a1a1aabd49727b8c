import { McpctlError } from "@mcpctl/shared/errors.ts";
import { META, MODERN_VERSION, RPC } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamIdentity, UpstreamReply, UpstreamRequestOptions } from "@mcpctl/shared/mcp/upstream.ts";
import { type ClientRequest, isObject, parseClientMessage, toolNameOf, withoutReservedMeta } from "./client-message.ts";
import { answerWithProgress } from "./progress-answer.ts";
import type { ProcessTarget, RelayRequest, RelayResponse } from "./exchange.ts";
import {
  CLIENT_CLOSED_REQUEST,
  emptyResponse,
  errorResponse,
  failureResponse,
  jsonResponse,
  methodNotAllowed,
  methodNotFound,
  resultResponse,
  toEnvelope,
  unknownTool,
} from "./rpc-response.ts";
import { filterResult } from "./tool-list-filter.ts";

interface Exchange extends ProcessTarget {
  request: ClientRequest;
  signal: AbortSignal;
  acceptsEvents: boolean;
}

/**
 * Speaks Streamable HTTP for a server that mcpd runs, without sessions, in the era of the server.
 *
 * What a client notifies is taken note of and goes nowhere: ids of callers mean nothing on the shared connection. A
 * caller cancels by closing its request.
 */
export async function relayToProcess(http: RelayRequest, target: ProcessTarget): Promise<RelayResponse> {
  if (http.method !== "POST") return methodNotAllowed("POST");
  const message = parseClientMessage(http.body);
  if (message.type === "invalid") return errorResponse(message.id, message.error, 400);
  if (message.type !== "request") return emptyResponse(202);
  const exchange = { ...target, request: message, signal: http.signal, acceptsEvents: acceptsEvents(http) };
  try {
    return await answer(exchange);
  } catch (error) {
    if (http.signal.aborted) return emptyResponse(CLIENT_CLOSED_REQUEST);
    if (error instanceof McpctlError) return failureResponse(message.id, error);
    throw error;
  }
}

async function answer(exchange: Exchange): Promise<RelayResponse> {
  const { request, upstream, signal } = exchange;
  switch (request.method) {
    case "tools/call":
      return callTool(exchange);
    case "tools/list":
      return listTools(exchange);
    case "initialize":
      return initialize(request, await upstream.connect(signal));
    case "server/discover":
      return discover(request, await upstream.connect(signal));
    case "ping":
      return ping(request, await upstream.connect(signal));
    default:
      return methodNotFound(request.id);
  }
}

function initialize({ id, params }: ClientRequest, identity: UpstreamIdentity): RelayResponse {
  const { era, protocolVersion, instructions, serverInfo = { name: "unknown", version: "0" } } = identity;
  if (era === "modern") {
    const data = { supported: [protocolVersion], requested: params["protocolVersion"] };
    return errorResponse(id, { code: RPC.unsupportedVersion, message: "Unsupported protocol version", data }, 400);
  }
  return resultResponse(id, { protocolVersion, capabilities: offered(identity), serverInfo, instructions });
}

function discover({ id }: ClientRequest, identity: UpstreamIdentity): RelayResponse {
  if (identity.era === "legacy") return methodNotFound(id);
  const { instructions, serverInfo } = identity;
  return resultResponse(id, {
    resultType: "complete",
    supportedVersions: [MODERN_VERSION],
    capabilities: offered(identity),
    instructions,
    // A restart may change all of it, and nobody could be told.
    ttlMs: 0,
    cacheScope: "private",
    _meta: serverInfo && { [META.serverInfo]: serverInfo },
  });
}

function ping({ id }: ClientRequest, { era }: UpstreamIdentity): RelayResponse {
  return era === "legacy" ? resultResponse(id, {}) : methodNotFound(id);
}

/** Only what the relay carries: not the server's prompts, and no word of changes, which need a stream of their own. */
function offered({ capabilities }: UpstreamIdentity): object {
  return capabilities["tools"] === undefined ? {} : { tools: {} };
}

async function listTools(exchange: Exchange): Promise<RelayResponse> {
  const { upstream, request, signal, policy } = exchange;
  const reply = await upstream.request(request.method, withoutReservedMeta(request.params), { signal });
  if (reply.kind === "error") return respond(exchange, reply);
  return respond(exchange, { ...reply, json: filterResult(reply.json, policy) });
}

async function callTool(exchange: Exchange): Promise<RelayResponse> {
  const { upstream, request, signal, policy, acceptsEvents } = exchange;
  const named = toolNameOf(request.params);
  if ("fault" in named) return errorResponse(request.id, { code: RPC.invalidParams, message: named.fault }, 200);
  if (!policy(named.name)) return unknownTool(request.id, named.name);
  const send = (options: UpstreamRequestOptions) =>
    upstream.request(request.method, withoutReservedMeta(request.params), options);
  if (!acceptsEvents || !wantsProgress(request)) return respond(exchange, await send({ signal }));
  return answerWithProgress({
    id: request.id,
    send: (onNotification) => send({ signal, onNotification }),
    respond: (reply) => respond(exchange, reply),
  });
}

/** A server of the new era says by the status what went wrong with the protocol. */
const MODERN_STATUS: ReadonlyMap<unknown, number> = new Map([
  [RPC.methodNotFound, 404],
  [RPC.headerMismatch, 400],
  [RPC.missingCapability, 400],
  [RPC.unsupportedVersion, 400],
]);

async function respond({ upstream, request, signal }: Exchange, reply: UpstreamReply): Promise<RelayResponse> {
  const body = toEnvelope(request.id, reply);
  if (reply.kind === "result") return jsonResponse(body);
  const { era } = await upstream.connect(signal);
  return jsonResponse(body, era === "modern" ? (MODERN_STATUS.get(errorCodeOf(reply)) ?? 200) : 200);
}

function errorCodeOf({ json }: UpstreamReply): unknown {
  try {
    const error: unknown = JSON.parse(Buffer.from(json).toString());
    return isObject(error) ? error["code"] : undefined;
  } catch {
    return undefined;
  }
}

function acceptsEvents({ headers }: RelayRequest): boolean {
  return /text\/event-stream|\*\/\*/.test(headers.accept ?? "");
}

function wantsProgress({ params: { _meta: meta } }: ClientRequest): boolean {
  return isObject(meta) && meta["progressToken"] !== undefined;
}
