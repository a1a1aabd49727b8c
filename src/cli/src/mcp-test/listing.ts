import type { Json } from "@mcpctl/shared/json.ts";
import { describeAnswer, findResult, isObject, type JsonObject, type RpcCall } from "./rpc.ts";
import type { WireAnswer } from "./wire-exchange.ts";

/** More pages than any server that means well has. */
const MAX_PAGES = 200;
const MAX_ITEMS = 20_000;

export const LISTS = {
  tools: { method: "tools/list", member: "tools", capability: "tools" },
  prompts: { method: "prompts/list", member: "prompts", capability: "prompts" },
  resources: { method: "resources/list", member: "resources", capability: "resources" },
  templates: { method: "resources/templates/list", member: "resourceTemplates", capability: "resources" },
} as const;
export type ListKind = keyof typeof LISTS;
export const LIST_KINDS = ["tools", "prompts", "resources", "templates"] as const satisfies readonly ListKind[];

export interface Listing {
  /** Of all pages that could be read. */
  items: JsonObject[];
  pages: { result: JsonObject; durationMs: number }[];
  /** Why the first page could not be read. */
  fault?: string;
  /** Why the walk ended before the last page. */
  pagingFault?: string;
}

type Send = (call: RpcCall) => Promise<WireAnswer>;

/** Reads a list from its first page to its last. */
export async function walkList(kind: ListKind, send: Send): Promise<Listing> {
  const { method, member } = LISTS[kind];
  const listing: Listing = { items: [], pages: [] };
  const cursors = new Set<string>();
  let cursor: string | undefined;
  for (;;) {
    const answer = await send({ method, ...(cursor !== undefined && { params: { cursor } }) });
    const result = findResult(answer);
    const items = result?.[member];
    if (!result || !Array.isArray(items) || !items.every(isObject)) {
      return { ...listing, ...faultOf(answer, member, cursor) };
    }
    listing.items.push(...items);
    listing.pages.push({ result, durationMs: answer.durationMs });
    const next = result["nextCursor"];
    if (next === undefined) return listing;
    const pagingFault = cursorFault(next, cursors, listing);
    if (pagingFault !== undefined || typeof next !== "string") return { ...listing, pagingFault: `${pagingFault}` };
    cursors.add(next);
    cursor = next;
  }
}

function faultOf(answer: WireAnswer, member: string, cursor: string | undefined): Partial<Listing> {
  const seen = findResult(answer) ? `the result has no array "${member}" of objects` : `got ${describeAnswer(answer)}`;
  return cursor === undefined ? { fault: seen } : { pagingFault: `a later page: ${seen}` };
}

function cursorFault(next: Json, cursors: ReadonlySet<string>, { pages, items }: Listing): string | undefined {
  if (typeof next !== "string") return "nextCursor is no string";
  if (cursors.has(next)) return "a cursor came twice: the pages never end";
  if (items.length > MAX_ITEMS) return `there are more than ${MAX_ITEMS} items`;
  return pages.length >= MAX_PAGES ? `there are more than ${MAX_PAGES} pages` : undefined;
}
