import { McpctlError } from "@mcpctl/shared/errors.ts";
import { measureJson } from "@mcpctl/shared/json-shape.ts";
import type { Upstream, UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import * as z from "zod";
import { isRecord } from "../protocol/client-message.ts";
import { type HeaderParam, readHeaderParams } from "../protocol/header-params.ts";
import { LISTED, type ListedKind, type ListName } from "./listed-kinds.ts";

const MAX_PAGES = 200;
const MAX_ENTRIES = 5_000;
const TOO_MANY = `the server offers more than ${MAX_ENTRIES} of them`;
const MAX_BYTES = 16 * 1_024 * 1_024;
const MAX_DEPTH = 128;

/** An entry of a list as its server describes it, ready to be listed under another name. */
export interface CatalogueEntry {
  /** What identifies it within its server: a name, an URI or a template of URIs. */
  name: string;
  /** JSON of everything but that, without the opening brace; unknown members and schemas as they came. */
  rest: string;
  /** The same for clients with sessions, where it must differ for them to accept it. */
  legacyRest: string | undefined;
  /** Arguments that a tool wants to see in headers; absent for the others. */
  headerParams?: readonly HeaderParam[];
}

export interface Listing {
  /** In the server's order. */
  entries: CatalogueEntry[];
  /** How many are so malformed that a client might refuse the whole list because of them. */
  leftOut: number;
}

/**
 * Lists one kind of what a server offers, across all pages.
 *
 * @throws {McpctlError} `upstream-protocol` when the server refuses, sends no list, repeats a cursor, or has more than
 *   200 pages, 5 000 entries or 16 MiB; `upstream-unavailable`, `upstream-timeout`.
 * @see MCP 2026-07-28, server/utilities/pagination
 */
export async function listAll(upstream: Upstream, list: ListName, signal: AbortSignal): Promise<Listing> {
  const kind: ListedKind = LISTED[list];
  const entries = new Map<string, CatalogueEntry>();
  const cursors = new Set<string>();
  let leftOut = 0;
  let bytes = 0;
  let cursor: string | undefined;
  for (let pages = 1; ; pages += 1) {
    const reply = await upstream.request(kind.method, cursor === undefined ? {} : { cursor }, { signal });
    bytes += reply.json.length;
    if (bytes > MAX_BYTES) throw unlistable(kind, `they take more than ${MAX_BYTES} bytes`);
    const found = readPage(kind, reply);
    if (found.entries.length > MAX_ENTRIES) throw unlistable(kind, TOO_MANY);
    for (const raw of found.entries) {
      const entry = toEntry(kind, raw);
      if (entry && !entries.has(entry.name)) entries.set(entry.name, entry);
      else leftOut += 1;
    }
    if (entries.size > MAX_ENTRIES) throw unlistable(kind, TOO_MANY);
    cursor = found.nextCursor;
    if (cursor === undefined) return { entries: [...entries.values()], leftOut };
    if (cursors.has(cursor)) throw unlistable(kind, "the pages lead in a circle");
    if (pages >= MAX_PAGES) throw unlistable(kind, `they fill more than ${MAX_PAGES} pages`);
    cursors.add(cursor);
  }
}

interface Page {
  entries: readonly unknown[];
  nextCursor: string | undefined;
}

const page = z.looseObject({ nextCursor: z.string().optional() });

function readPage(kind: ListedKind, { kind: outcome, json }: UpstreamReply): Page {
  if (measureJson(json, MAX_DEPTH).depth > MAX_DEPTH)
    throw unlistable(kind, `the list is nested more than ${MAX_DEPTH} levels deep`);
  const text = Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString("utf8");
  if (outcome === "error") throw unlistable(kind, `the server answered with the error ${text.slice(0, 200)}`);
  const parsed = page.safeParse(parseJson(kind, text));
  const entries: unknown = parsed.data?.[kind.member];
  if (!parsed.success || !Array.isArray(entries)) throw unlistable(kind, `the answer is no list of ${nounOf(kind)}`);
  return { entries, nextCursor: parsed.data.nextCursor };
}

function parseJson(kind: ListedKind, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unlistable(kind, "the answer is no JSON", cause);
  }
}

/** @returns undefined when a client could not read it. */
function toEntry({ key, schema, legacyObject }: ListedKind, raw: unknown): CatalogueEntry | undefined {
  if (!isRecord(raw) || !schema.safeParse(raw).success) return undefined;
  const name = raw[key];
  if (typeof name !== "string") return undefined;
  const rest = restOf(raw, [key]);
  // Hardly any tool has them, and looking for them takes a walk through the whole schema.
  const headerParams = rest.includes("x-mcp-header") ? readHeaderParams(raw["inputSchema"]) : [];
  if (!headerParams) return undefined;
  const restricted = legacyObject === undefined ? undefined : raw[legacyObject];
  const isForModernOnly = isRecord(restricted) && restricted["type"] !== "object";
  return {
    name,
    rest,
    legacyRest: isForModernOnly && legacyObject !== undefined ? restOf(raw, [key, legacyObject]) : undefined,
    ...(headerParams.length > 0 && { headerParams }),
  };
}

function restOf(raw: Record<string, unknown>, without: readonly string[]): string {
  const members = Object.entries(raw).filter(([member]) => !without.includes(member));
  return JSON.stringify(Object.fromEntries(members)).slice(1);
}

/** As people call it. */
export function nounOf({ member }: Pick<ListedKind, "member">): string {
  return member === "resourceTemplates" ? "resource templates" : member;
}

function unlistable(kind: ListedKind, why: string, cause?: unknown): McpctlError {
  return new McpctlError("upstream-protocol", `The ${nounOf(kind)} cannot be listed: ${why}`, { cause });
}
