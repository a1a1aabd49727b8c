import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { ListName } from "../projects/listed-kinds.ts";
import { invalidParams } from "../protocol/rpc-failure.ts";
import type { Method } from "./exchange.ts";

/**
 * Makes a list method, which answers out of memory. It waits only for servers that have never been seen, and only for a
 * moment once others have answered. For a cursor it fails with -32602: a list is one page, so none was ever given out.
 */
export function createListMethod(list: ListName): Method {
  return ({ project, params, era }) => {
    if (params["cursor"] !== undefined) throw invalidParams("Unknown cursor");
    const build = (): UpstreamReply => ({ kind: "result", json: project.view().listResult(list, era) });
    return project.isListable ? build() : project.listable().then(build);
  };
}
