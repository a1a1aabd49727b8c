import { isRecord } from "../protocol/client-message.ts";
import type { CatalogueEntry } from "./listing.ts";

/** In `_meta` of a tool, before the member `ui` took its place. */
const FORMER_KEY = "ui/resourceUri";

/** Gives the resource that shows a tool the address under which clients know it. @see MCP Apps, SEP-1865 */
export function withExposedUi(entry: CatalogueEntry, expose: (uri: string) => string): CatalogueEntry {
  const { rest, legacyRest } = entry;
  if (!rest.includes("resourceUri")) return entry;
  return { ...entry, rest: rewrite(rest, expose), legacyRest: legacyRest && rewrite(legacyRest, expose) };
}

/** @param rest - JSON of an object without its opening brace. */
function rewrite(rest: string, expose: (uri: string) => string): string {
  const tool: unknown = JSON.parse(`{${rest}`);
  const meta = isRecord(tool) ? tool["_meta"] : undefined;
  if (!isRecord(tool) || !isRecord(meta)) return rest;
  const { ui, [FORMER_KEY]: former } = meta;
  const own = isRecord(ui) ? ui["resourceUri"] : undefined;
  const rewritten = {
    ...meta,
    ...(typeof own === "string" && isRecord(ui) && { ui: { ...ui, resourceUri: expose(own) } }),
    ...(typeof former === "string" && { [FORMER_KEY]: expose(former) }),
  };
  return JSON.stringify({ ...tool, _meta: rewritten }).slice(1);
}
