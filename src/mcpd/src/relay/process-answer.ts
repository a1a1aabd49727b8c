import { META, MODERN_VERSION, RPC, type RpcError } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamIdentity, UpstreamReply, UpstreamRequestOptions } from "@mcpctl/shared/mcp/upstream.ts";
import { type ClientRequest, isObject, toolNameOf, withoutReservedMeta } from "./client-message.ts";
import type { ProcessTarget } from "./exchange.ts";
import { METHOD_NOT_FOUND, toReply, unknownTool } from "./rpc-response.ts";
import { filterResult } from "./tool-list-filter.ts";

/** What a caller gets for a request, whichever way it came. */
export interface ProcessAnswer {
  reply: UpstreamReply;
  /** What HTTP says with it. */
  status: number;
}

/**
 * Decides what a caller may do with a server that mcpd runs, and does it. Nobody else decides: HTTP and links are two
 * ways to here.
 *
 * @throws {McpctlError} what the upstream throws, and the reason of the signal.
 */
export function answerRequest(
  request: ClientRequest,
  target: ProcessTarget,
  options: UpstreamRequestOptions,
): Promise<ProcessAnswer> {
  if (request.method === "tools/call") return callTool(request, target, options);
  if (request.method === "tools/list") return listTools(request, target, options);
  if (PASSED_ON.has(request.method)) return passOn(request, target, options);
  const greeting = GREETINGS.get(request.method);
  if (!greeting) return Promise.resolve(refusal(METHOD_NOT_FOUND, 404));
  return target.upstream.connect(options.signal).then((identity) => greeting(identity, request));
}

/** What the caller may ask of every server that it may use. Only tools have rules of their own. */
const PASSED_ON: ReadonlySet<string> = new Set([
  "prompts/list",
  "prompts/get",
  "resources/list",
  "resources/templates/list",
  "resources/read",
  "completion/complete",
]);

type Greeting = (identity: UpstreamIdentity, request: ClientRequest) => ProcessAnswer;

/** What is answered from the handshake with the server. */
const GREETINGS: ReadonlyMap<string, Greeting> = new Map([
  ["initialize", initialize],
  ["server/discover", discover],
  ["ping", ping],
]);

/** Whether progress may come before the answer. */
export function wantsProgress({ method, params: { _meta: meta } }: ClientRequest): boolean {
  return method === "tools/call" && isObject(meta) && meta["progressToken"] !== undefined;
}

function initialize(identity: UpstreamIdentity, { params }: ClientRequest): ProcessAnswer {
  const { era, protocolVersion, instructions, serverInfo = { name: "unknown", version: "0" } } = identity;
  if (era === "modern") {
    const data = { supported: [protocolVersion], requested: params["protocolVersion"] };
    return refusal({ code: RPC.unsupportedVersion, message: "Unsupported protocol version", data }, 400);
  }
  return success({ protocolVersion, capabilities: offered(identity), serverInfo, instructions });
}

function discover(identity: UpstreamIdentity): ProcessAnswer {
  if (identity.era === "legacy") return refusal(METHOD_NOT_FOUND, 404);
  const { instructions, serverInfo } = identity;
  return success({
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

function ping({ era }: UpstreamIdentity): ProcessAnswer {
  return era === "legacy" ? success({}) : refusal(METHOD_NOT_FOUND, 404);
}

const CARRIED = ["tools", "prompts", "resources", "completions", "logging", "extensions"] as const;

/** Only what the relay carries: no tasks, and no word of changes where there is no stream for it. */
function offered({ capabilities }: UpstreamIdentity): object {
  const carried = CARRIED.flatMap((name): [string, object][] => {
    const capability = capabilities[name];
    if (!isObject(capability)) return [];
    const { listChanged: _listChanged, ...rest } = capability;
    return [[name, rest]];
  });
  return Object.fromEntries(carried);
}

async function listTools(
  { method, params }: ClientRequest,
  { upstream, policy }: ProcessTarget,
  { signal }: UpstreamRequestOptions,
): Promise<ProcessAnswer> {
  const reply = await upstream.request(method, withoutReservedMeta(params), { signal });
  if (reply.kind === "error") return { reply, status: await statusOf(reply, upstream, signal) };
  return { reply: { ...reply, json: filterResult(reply.json, policy) }, status: 200 };
}

/** Calls are many; each promise less in their way shows. */
function callTool(
  { method, params }: ClientRequest,
  { upstream, policy }: ProcessTarget,
  options: UpstreamRequestOptions,
): Promise<ProcessAnswer> {
  const named = toolNameOf(params);
  if ("fault" in named) return Promise.resolve(refusal({ code: RPC.invalidParams, message: named.fault }, 200));
  if (!policy(named.name)) return Promise.resolve(refusal(unknownTool(named.name), 200));
  return ask(upstream, { method, params: withoutReservedMeta(params) }, options);
}

function passOn(
  { method, params }: ClientRequest,
  { upstream }: ProcessTarget,
  options: UpstreamRequestOptions,
): Promise<ProcessAnswer> {
  return ask(upstream, { method, params: withoutReservedMeta(params) }, options);
}

function ask(
  upstream: ProcessTarget["upstream"],
  { method, params }: Pick<ClientRequest, "method" | "params">,
  options: UpstreamRequestOptions,
): Promise<ProcessAnswer> {
  return upstream
    .request(method, params, options)
    .then((reply) =>
      reply.kind === "result"
        ? { reply, status: 200 }
        : statusOf(reply, upstream, options.signal).then((status) => ({ reply, status })),
    );
}

function success(result: object): ProcessAnswer {
  return { reply: toReply("result", result), status: 200 };
}

function refusal(error: RpcError, status: number): ProcessAnswer {
  return { reply: toReply("error", error), status };
}

/** A server of the new era says by the status what went wrong with the protocol. */
const MODERN_STATUS: ReadonlyMap<unknown, number> = new Map([
  [RPC.methodNotFound, 404],
  [RPC.headerMismatch, 400],
  [RPC.missingCapability, 400],
  [RPC.unsupportedVersion, 400],
]);

async function statusOf(
  reply: UpstreamReply,
  upstream: ProcessTarget["upstream"],
  signal: AbortSignal,
): Promise<number> {
  const { era } = await upstream.connect(signal);
  return era === "modern" ? (MODERN_STATUS.get(errorCodeOf(reply)) ?? 200) : 200;
}

function errorCodeOf({ json }: UpstreamReply): unknown {
  try {
    const error: unknown = JSON.parse(Buffer.from(json).toString());
    return isObject(error) ? error["code"] : undefined;
  } catch {
    return undefined;
  }
}
