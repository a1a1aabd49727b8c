import { McpctlError } from "@mcpctl/shared/errors.ts";
import { type Era, RPC } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { Condition } from "../projects/exposed-lists.ts";
import type { ProjectServer } from "../projects/project-server.ts";
import type { Project } from "../projects/project.ts";
import type { ResourceOwner } from "../projects/resource-table.ts";
import { invalidParams, RpcFailure } from "../protocol/rpc-failure.ts";
import { errorCodeOf, LEGACY_NOT_FOUND } from "./adapt-reply.ts";
import type { Exchange, Method } from "./exchange.ts";
import type { Forward, Forwarding } from "./forward.ts";
import { missingHint } from "./require-exposed.ts";

const MAX_SHOWN_URI = 512;

/**
 * Makes the method `resources/read`. An address that nobody lists is asked for at each server that may know it, one after the
 * other: reading changes nothing.
 *
 * @see MCP 2026-07-28, server/resources
 */
export function createReadResource(forward: Forward): Method {
  return async (exchange) => {
    const { uri } = exchange.params;
    if (typeof uri !== "string" || uri === "") throw invalidParams("params.uri is no address");
    let refusal: UpstreamReply | undefined;
    let failure: McpctlError | RpcFailure | undefined;
    for (const owner of await ownersOf(exchange.project, uri)) {
      try {
        const reply = await forward(exchange, toForwarding(owner, exchange));
        if (!saysNotFound(reply)) return reply;
        refusal = reply;
      } catch (thrown) {
        if (exchange.signal.aborted || !isOfOneServer(thrown)) throw thrown;
        failure = thrown;
      }
    }
    if (failure) throw failure;
    if (refusal) return refusal;
    throw notFound(uri, exchange.era, exchange.project.view().conditions);
  };
}

/** Whether another server may still have the resource, or know the state that the client came back with. */
function isOfOneServer(thrown: unknown): thrown is McpctlError | RpcFailure {
  if (thrown instanceof RpcFailure) return thrown.rpc.code === RPC.invalidParams;
  return thrown instanceof McpctlError;
}

async function ownersOf(project: Project, uri: string): Promise<ResourceOwner<ProjectServer>[]> {
  const known = project.view().resources.ownersOf(uri);
  if (known.length === 1 || project.isSettled) return known;
  await project.settled();
  return project.view().resources.ownersOf(uri);
}

function toForwarding({ source, uri }: ResourceOwner<ProjectServer>, { params }: Exchange): Forwarding {
  const { _meta, ...rest } = params;
  const subject = `resource ${uri.slice(0, MAX_SHOWN_URI)}`;
  return { source, method: "resources/read", params: { ...rest, uri }, subject };
}

function saysNotFound(reply: UpstreamReply): boolean {
  if (reply.kind === "result") return false;
  const code = errorCodeOf(reply);
  return code === LEGACY_NOT_FOUND || code === RPC.invalidParams;
}

function notFound(uri: string, era: Era, conditions: readonly Condition[]): RpcFailure {
  const hint = conditions.length > 0 && { code: "not-found", hint: missingHint("resources", conditions) };
  return new RpcFailure(200, {
    code: era === "modern" ? RPC.invalidParams : LEGACY_NOT_FOUND,
    message: "Resource not found",
    data: { uri: uri.slice(0, MAX_SHOWN_URI), ...hint },
  });
}
