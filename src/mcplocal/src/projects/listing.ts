import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import * as z from "zod";
import { isRecord } from "../protocol/client-message.ts";
import { measureJson } from "@mcpctl/shared/json-shape.ts";

const MAX_PAGES = 200;
const MAX_TOOLS = 5_000;
const MAX_DEPTH = 128;

/** A tool as its server describes it, ready to be listed under another name. */
export interface CatalogueTool {
  /** The name that the server gives it. */
  name: string;
  /** JSON of everything but the name, without the opening brace; unknown members and schemas as they came. */
  rest: string;
  /** The same for clients with sessions, where it must differ for them to accept it. */
  legacyRest: string | undefined;
}

export interface Listing {
  /** In the server's order. */
  tools: CatalogueTool[];
  /** How many tools are so malformed that a client might refuse the whole list because of them. */
  leftOut: number;
}

const page = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.string().optional() });

const object = z.looseObject({});
const tool = z.looseObject({
  name: z.string().min(1).max(1_024),
  title: z.string().optional(),
  description: z.string().optional(),
  inputSchema: z.looseObject({ type: z.literal("object") }),
  outputSchema: object.optional(),
  annotations: object.optional(),
  execution: object.optional(),
  icons: z.array(object).optional(),
  _meta: object.optional(),
});

/**
 * Lists the tools that a server offers, across all pages.
 *
 * @throws {McpctlError} `upstream-protocol` when the server refuses, sends no list, repeats a cursor, or has more than
 *   200 pages or 5 000 tools; `upstream-unavailable`, `upstream-timeout`.
 * @see MCP 2026-07-28, server/utilities/pagination
 */
export async function listTools(upstream: Upstream, signal: AbortSignal): Promise<Listing> {
  const tools = new Map<string, CatalogueTool>();
  const cursors = new Set<string>();
  let leftOut = 0;
  let cursor: string | undefined;
  for (let pages = 1; ; pages += 1) {
    const found = await readPage(upstream, cursor, signal);
    for (const raw of found.tools) {
      const entry = toCatalogueTool(raw);
      if (entry && !tools.has(entry.name)) tools.set(entry.name, entry);
      else leftOut += 1;
    }
    if (tools.size > MAX_TOOLS) throw unlistable(`it offers more than ${MAX_TOOLS} tools`);
    cursor = found.nextCursor;
    if (cursor === undefined) return { tools: [...tools.values()], leftOut };
    if (cursors.has(cursor)) throw unlistable("its pages lead in a circle");
    if (pages >= MAX_PAGES) throw unlistable(`its tools fill more than ${MAX_PAGES} pages`);
    cursors.add(cursor);
  }
}

async function readPage(
  upstream: Upstream,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<z.output<typeof page>> {
  const { kind, json } = await upstream.request("tools/list", cursor === undefined ? {} : { cursor }, { signal });
  if (measureJson(json, MAX_DEPTH).depth > MAX_DEPTH)
    throw unlistable(`its list is nested more than ${MAX_DEPTH} levels deep`);
  const text = Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString("utf8");
  if (kind === "error") throw unlistable(`it answered with the error ${text.slice(0, 200)}`);
  const parsed = page.safeParse(parseJson(text));
  if (!parsed.success) throw unlistable("its answer is no list of tools");
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unlistable("its answer is no JSON", cause);
  }
}

/** @returns undefined when a client could not read it. */
function toCatalogueTool(raw: unknown): CatalogueTool | undefined {
  const parsed = tool.safeParse(raw);
  if (!parsed.success || !isRecord(raw)) return undefined;
  const { name, outputSchema } = parsed.data;
  // Revisions with sessions know no output but objects, and their clients refuse a list that says otherwise.
  const isForModernOnly = outputSchema !== undefined && outputSchema["type"] !== "object";
  return {
    name,
    rest: restOf(raw, ["name"]),
    legacyRest: isForModernOnly ? restOf(raw, ["name", "outputSchema"]) : undefined,
  };
}

function restOf(raw: Record<string, unknown>, without: readonly string[]): string {
  const members = Object.entries(raw).filter(([key]) => !without.includes(key));
  return JSON.stringify(Object.fromEntries(members)).slice(1);
}

function unlistable(why: string, cause?: unknown): McpctlError {
  return new McpctlError("upstream-protocol", `The tools cannot be listed: ${why}`, { cause });
}
