import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import { invalidParams } from "../protocol/rpc-failure.ts";
import type { Exchange } from "./exchange.ts";

/**
 * Answers `tools/list` out of memory. It waits only for servers that have never been seen, and only for a moment
 * once others have answered.
 *
 * @throws {RpcFailure} -32602 for a cursor: the list is one page, so none was ever given out.
 */
export function answerToolsList({ project, params, era }: Exchange): UpstreamReply | Promise<UpstreamReply> {
  if (params["cursor"] !== undefined) throw invalidParams("Unknown cursor");
  const build = (): UpstreamReply => ({ kind: "result", json: project.view().listResult(era) });
  return project.isListable ? build() : project.listable().then(build);
}
