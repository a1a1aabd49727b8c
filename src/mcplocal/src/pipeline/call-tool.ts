import { McpctlError } from "@mcpctl/shared/errors.ts";
import { META } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { ProjectServer } from "../projects/project-server.ts";
import type { Condition, ExposedTool } from "../projects/project-view.ts";
import { isRecord, type Params } from "../protocol/client-message.ts";
import { invalidParams, type RpcFailure } from "../protocol/rpc-failure.ts";
import { adaptReply, saysToolError } from "./adapt-reply.ts";
import type { CallRecord, OnCall } from "./call-record.ts";
import type { Exchange, Method } from "./exchange.ts";
import { createProgressRelay, type ProgressRelay } from "./progress.ts";

/** Keys of `_meta` that belong to one hop. Of all others, trace context included, the server gets what the client sent. */
const HOP_KEYS: ReadonlySet<string> = new Set([...Object.values(META), "progressToken"]);

/** No tool has a longer name. What a client sends instead is not repeated to the end. */
const MAX_NAME_LENGTH = 256;

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
    let ending: Ending = { outcome: "error", code: undefined, replyBytes: 0 };
    try {
      tool = exchange.project.view().tools.get(name) ?? (await findLate(exchange, name));
      const reply = await forward(exchange, tool, relayProgress(exchange.params, exchange.notify));
      ending = endingOf(reply);
      return reply;
    } catch (thrown) {
      ending = failureOf(thrown, exchange.signal);
      throw thrown;
    } finally {
      const record = {
        principal: exchange.caller.principal,
        server: tool?.source.name,
        tool: tool?.name ?? name.slice(0, MAX_NAME_LENGTH),
      };
      onCall({ ...record, ...ending, durationMs: now() - startedAt });
    }
  };
}

type Ending = Pick<CallRecord, "outcome" | "code" | "replyBytes">;

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
  const upstream = source.upstream(caller.bearer);
  const options = onNotification ? { signal, onNotification } : { signal };
  try {
    const { era: upstreamEra } = await upstream.connect(signal);
    const reply = await upstream.request("tools/call", forwardedParams(params, name, token), options);
    return adaptReply(reply, { tool: name, upstreamEra, clientEra });
  } catch (thrown) {
    if (thrown instanceof McpctlError && thrown.code === "upstream-unavailable") source.lookSoon();
    throw thrown;
  }
}

/** `task` would start a task of 2025-11-25; a receiver that does not offer those answers as if it were not there. */
function forwardedParams(params: Params, name: string, progressToken: string | undefined): Params {
  const { task: _task, _meta: meta, ...rest } = params;
  const kept = isRecord(meta) ? Object.entries(meta).filter(([key]) => !HOP_KEYS.has(key)) : [];
  if (progressToken !== undefined) kept.push(["progressToken", progressToken]);
  return kept.length === 0 ? { ...rest, name } : { ...rest, name, _meta: Object.fromEntries(kept) };
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

function unavailable(fault: McpctlError): McpctlError {
  const hint = fault.hint ?? "An administrator finds the reason with: mcpctl get servers";
  return new McpctlError("upstream-unavailable", fault.message, { hint, cause: fault });
}

function endingOf(reply: UpstreamReply): Ending {
  const outcome = reply.kind === "error" ? "error" : saysToolError(reply) ? "tool-error" : "ok";
  return { outcome, code: undefined, replyBytes: reply.json.length };
}

function failureOf(thrown: unknown, signal: AbortSignal): Ending {
  if (signal.aborted) return { outcome: "cancelled", code: undefined, replyBytes: 0 };
  return { outcome: "error", code: thrown instanceof McpctlError ? thrown.code : undefined, replyBytes: 0 };
}
