import { McpctlError } from "@mcpctl/shared/errors.ts";
import { META } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { ProjectServer } from "../projects/project-server.ts";
import type { Condition, ExposedTool } from "../projects/project-view.ts";
import { isRecord, metaOf, type Params } from "../protocol/client-message.ts";
import { invalidParams, type RpcFailure } from "../protocol/rpc-failure.ts";
import { adaptReply, saysToolError } from "./adapt-reply.ts";
import type { CallRecord, OnCall } from "./call-record.ts";
import type { Exchange, Method } from "./exchange.ts";
import { createProgressRelay, type ProgressRelay } from "./progress.ts";

/** Keys of `_meta` that belong to one hop. Of all others, trace context included, the server gets what the client sent. */
const HOP_KEYS: ReadonlySet<string> = new Set([...Object.values(META), "progressToken"]);

/** No tool has a longer name. What a client sends instead is not repeated to the end. */
const MAX_NAME_LENGTH = 256;

/** A server that has so many calls of one project to answer gets no more: it hangs, or they would only wait. */
const MAX_CALLS_IN_FLIGHT = 1_024;

interface CallToolDeps {
  onCall: OnCall;
  /** Monotonic milliseconds. */
  now(): number;
}

/** Makes the method `tools/call`. */
export function createCallTool({ onCall, now }: CallToolDeps): Method {
  const relayProgress = createProgressRelay();
  return async function callTool(exchange: Exchange): Promise<UpstreamReply> {
    const startedAt = now();
    const name = readName(exchange.params);
    let tool: ExposedTool<ProjectServer> | undefined;
    let reply: UpstreamReply | undefined;
    let failure: unknown;
    try {
      tool = exchange.project.view().tools.get(name) ?? (await findLate(exchange, name));
      reply = await forward(exchange, tool, relayProgress(exchange.params, exchange.notify));
      return reply;
    } catch (thrown) {
      failure = thrown;
      throw thrown;
    } finally {
      onCall({
        principal: exchange.caller.principal,
        server: tool?.source.name,
        tool: tool?.name ?? name.slice(0, MAX_NAME_LENGTH),
        outcome: outcomeOf(reply, exchange.signal),
        code: failure instanceof McpctlError && !exchange.signal.aborted ? failure.code : undefined,
        durationMs: now() - startedAt,
        requestBytes: exchange.requestBytes,
        replyBytes: reply?.json.length ?? 0,
      });
    }
  };
}

function outcomeOf(reply: UpstreamReply | undefined, signal: AbortSignal): CallRecord["outcome"] {
  if (!reply) return signal.aborted ? "cancelled" : "error";
  if (reply.kind === "error") return "error";
  return saysToolError(reply) ? "tool-error" : "ok";
}

function readName({ name, arguments: args }: Params): string {
  if (typeof name !== "string") throw invalidParams("params.name is no string");
  if (args !== undefined && !isRecord(args)) throw invalidParams("params.arguments is no object");
  return name;
}

/** A tool may belong to a server that has not been seen yet; a client that listed it elsewhere calls without listing. */
async function findLate({ project }: Exchange, name: string): Promise<ExposedTool<ProjectServer>> {
  if (!project.isSettled) await project.settled();
  const { tools, conditions } = project.view();
  return tools.get(name) ?? Promise.reject(unknownTool(name, conditions));
}

async function forward(
  { params, signal, caller, era: clientEra }: Exchange,
  { name, source }: ExposedTool<ProjectServer>,
  { token, onNotification }: ProgressRelay,
): Promise<UpstreamReply> {
  if (source.fault) throw unavailable(source.fault);
  if (source.callsInFlight >= MAX_CALLS_IN_FLIGHT) throw tooManyCalls(source.name);
  const upstream = source.upstream(caller.bearer);
  const options = onNotification ? { signal, onNotification } : { signal };
  source.callsInFlight += 1;
  try {
    const { era: upstreamEra } = upstream.identity ?? (await upstream.connect(signal));
    const reply = await upstream.request("tools/call", forwardedParams(params, name, token), options);
    return adaptReply(reply, { tool: name, upstreamEra, clientEra });
  } catch (thrown) {
    if (thrown instanceof McpctlError && thrown.code === "upstream-unavailable") source.lookSoon();
    throw thrown;
  } finally {
    source.callsInFlight -= 1;
  }
}

/** `task` would start a task of 2025-11-25; a receiver that does not offer those answers as if it were not there. */
function forwardedParams(params: Params, name: string, progressToken: string | undefined): Params {
  const meta = forwardedMeta(metaOf(params), progressToken);
  if (!meta && hasOnlyArguments(params)) return { name, arguments: params["arguments"] };
  const { task: _task, _meta, ...rest } = params;
  return { ...rest, name, ...(meta && { _meta: meta }) };
}

/** The rule, and worth a way of its own: copying an object of any form costs more than the rest of a call. */
function hasOnlyArguments(params: Params): boolean {
  for (const key in params)
    if (key !== "name" && key !== "arguments" && key !== "_meta" && key !== "task") return false;
  return true;
}

/** @returns undefined when nothing is left of it, which is the rule. */
function forwardedMeta(meta: Params, progressToken: string | undefined): Params | undefined {
  let kept: Params | undefined;
  for (const key in meta) if (!HOP_KEYS.has(key)) (kept ??= {})[key] = meta[key];
  return progressToken === undefined ? kept : { ...kept, progressToken };
}

/**
 * The same words for a tool that does not exist and for one that the caller may not see. While a server is down, nobody
 * knows whether the tool would be one of its.
 */
function unknownTool(name: string, conditions: readonly Condition[]): RpcFailure {
  const message = `Unknown tool: ${name.slice(0, MAX_NAME_LENGTH)}`;
  if (conditions.length === 0) return invalidParams(message);
  const servers = conditions.map(({ server, message: why }) => `${server} (${why})`).join(", ");
  return invalidParams(message, { code: "not-found", hint: `The tools of these servers are missing now: ${servers}` });
}

function tooManyCalls(server: string): McpctlError {
  return new McpctlError(
    "too-many-requests",
    `Server "${server}" has ${MAX_CALLS_IN_FLIGHT} calls of this project to answer already`,
    { hint: "Try again when some of them have been answered" },
  );
}

function unavailable(fault: McpctlError): McpctlError {
  const hint = fault.hint ?? "An administrator finds the reason with: mcpctl get servers";
  return new McpctlError("upstream-unavailable", fault.message, { hint, cause: fault });
}
