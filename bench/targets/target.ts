import type { Endpoint, Era } from "../load/mcp-requests.ts";

/** One way to the tools: straight to the server, or through something in between. */
export interface Target {
  name: string;
  endpointOf(era: Era): Endpoint;
  /** What the target calls the tool `echo`. */
  toolOf(era: Era): string;
  /** The processes whose time is the target's own. */
  pids: readonly number[];
}
