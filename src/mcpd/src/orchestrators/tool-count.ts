import { setTimeout as sleep } from "node:timers/promises";
import type { Upstream, UpstreamIdentity } from "@mcpctl/shared/mcp/upstream.ts";
import * as z from "zod";
import { parseReply } from "@mcpctl/shared/mcp/shake-hands.ts";

const MAX_PAGES = 200;
const MAX_TOOLS = 5_000;

const toolsPage = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.string().optional() });

/**
 * Counts the tools of a server, across all pages up to a cap that also ends a list of pages that goes in a circle.
 *
 * @throws {McpctlError} `upstream-protocol`, `upstream-timeout`, `upstream-unavailable`
 */
export async function countTools(upstream: Upstream, identity: UpstreamIdentity, signal: AbortSignal): Promise<number> {
  if (identity.capabilities["tools"] === undefined) return 0;
  let count = 0;
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES && count < MAX_TOOLS; page += 1) {
    const reply = await upstream.request("tools/list", cursor === undefined ? {} : { cursor }, { signal });
    const { tools, nextCursor } = parseReply(toolsPage, "tools/list", reply);
    count += tools.length;
    if (nextCursor === undefined) break;
    cursor = nextCursor;
  }
  return Math.min(count, MAX_TOOLS);
}

const RECOUNT_DELAY_MS = 500;

interface ToolCountOptions {
  identity: UpstreamIdentity;
  signal: AbortSignal;
  onCount(count: number): void;
}

/** Counts again when the server says that its tools changed; a burst of such messages is one change. */
export function followToolCount(upstream: Upstream, { identity, signal, onCount }: ToolCountOptions): void {
  let isDue = false;

  async function recount(): Promise<void> {
    await sleep(RECOUNT_DELAY_MS, undefined, { ref: false });
    isDue = false;
    // The old count stays when the new one cannot be had; a server that is gone is somebody else's concern.
    const count = await countTools(upstream, identity, signal).catch(() => undefined);
    if (count !== undefined && !signal.aborted) onCount(count);
  }

  upstream.onChange(({ kind }) => {
    if (kind !== "tools") return;
    if (!isDue) void recount();
    isDue = true;
  });
}
