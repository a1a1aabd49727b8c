import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { ProjectServer } from "../projects/project-server.ts";
import type { Exposed } from "../projects/project-view.ts";
import { isRecord, type Params } from "../protocol/client-message.ts";
import { headersFor } from "../protocol/header-params.ts";
import { invalidParams } from "../protocol/rpc-failure.ts";
import { saysToolError } from "./adapt-reply.ts";
import type { CallRecord, OnCall } from "./call-record.ts";
import type { Exchange, Method } from "./exchange.ts";
import type { Forward } from "./forward.ts";
import { MAX_NAME_LENGTH, requireExposed } from "./require-exposed.ts";

interface CallToolDeps {
  forward: Forward;
  onCall: OnCall;
  /** Monotonic milliseconds. */
  now(): number;
}

/** Makes the method `tools/call`. */
export function createCallTool({ forward, onCall, now }: CallToolDeps): Method {
  return async function callTool(exchange: Exchange): Promise<UpstreamReply> {
    const startedAt = now();
    const name = readName(exchange.params);
    let tool: Exposed<ProjectServer> | undefined;
    let reply: UpstreamReply | undefined;
    let failure: unknown;
    try {
      tool = exchange.project.view().find("tools", name) ?? (await requireExposed(exchange.project, "tools", name));
      reply = await forward(exchange, {
        source: tool.source,
        method: "tools/call",
        params: forwardedParams(exchange.params, tool.name),
        subject: `tool "${tool.name}"`,
        mirrored: tool.headerParams && headersFor(tool.headerParams, exchange.params["arguments"]),
      });
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

/** `task` would start a task of 2025-11-25; a receiver that does not offer those answers as if it were not there. */
function forwardedParams(params: Params, name: string): Params {
  if (hasOnlyArguments(params)) return { name, arguments: params["arguments"] };
  const { task: _task, _meta, ...rest } = params;
  return { ...rest, name };
}

/** The rule, and worth a way of its own: copying an object of any form costs more than the rest of a call. */
function hasOnlyArguments(params: Params): boolean {
  for (const key in params)
    if (key !== "name" && key !== "arguments" && key !== "_meta" && key !== "task") return false;
  return true;
}
