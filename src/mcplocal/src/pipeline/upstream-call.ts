import type { Upstream, UpstreamRequestOptions } from "@mcpctl/shared/mcp/upstream.ts";
import type { Params } from "../protocol/client-message.ts";

/** A request that is ready to be sent. */
export interface UpstreamCall {
  upstream: Upstream;
  method: string;
  params: Params;
  options: UpstreamRequestOptions;
}
