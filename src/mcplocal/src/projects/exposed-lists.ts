import { createHash } from "node:crypto";
import { type Era, META } from "@mcpctl/shared/mcp/protocol.ts";
import { IDENTITY } from "../identity.ts";
import { LISTED, type ListName } from "./listed-kinds.ts";
import type { CatalogueEntry } from "./listing.ts";

/** What a client may rely on before it asks again, when nothing changes. */
const TTL_MS = 30_000;
const PARTIAL_TTL_MS = 1_000;
const CONDITIONS_KEY = "mcpctl.io/conditions";

/** Why something that belongs to a project is not offered now. */
export interface Condition {
  server: string;
  code: string;
  message: string;
}

/** An entry under the name that clients know. */
export interface ExposedEntry {
  exposed: string;
  entry: CatalogueEntry;
}

/** The lists of a project as its members get them, written once for all of them. */
export interface ExposedLists {
  /** JSON of the result of `*\/list`. */
  result(list: ListName, era: Era): Uint8Array;
  /** Equal for lists that are equal, on every replica. */
  digestOf(lists: readonly ListName[]): string;
}

export function createExposedLists(
  entries: Readonly<Record<ListName, readonly ExposedEntry[]>>,
  conditions: readonly Condition[],
): ExposedLists {
  const results = new Map<string, Uint8Array>();
  const toJson = (list: ListName, era: Era) => entriesJson(list, entries[list], era);
  return {
    result(list, era) {
      const key = `${list} ${era}`;
      const built = results.get(key) ?? Buffer.from(resultJson(list, toJson(list, era), { conditions, era }));
      results.set(key, built);
      return built;
    },
    digestOf(lists) {
      const hash = createHash("sha256");
      for (const list of lists) hash.update(toJson(list, "modern"));
      return hash.digest("hex");
    },
  };
}

function entriesJson(list: ListName, entries: readonly ExposedEntry[], era: Era): string {
  const { key } = LISTED[list];
  const written = entries.toSorted(byName).map(({ exposed, entry }) => {
    const rest = (era === "legacy" ? entry.legacyRest : undefined) ?? entry.rest;
    return `{"${key}":${JSON.stringify(exposed)}${rest === "}" ? "" : ","}${rest}`;
  });
  return `[${written.join(",")}]`;
}

/** The order of UTF-16 code units, whatever the locale. */
function byName(a: ExposedEntry, b: ExposedEntry): number {
  return a.exposed < b.exposed ? -1 : 1;
}

interface Surroundings {
  conditions: readonly Condition[];
  era: Era;
}

function resultJson(list: ListName, entries: string, { conditions, era }: Surroundings): string {
  const { member } = LISTED[list];
  const isPartial = conditions.length > 0;
  const partial = isPartial ? { [CONDITIONS_KEY]: conditions } : {};
  if (era === "legacy") return `{"${member}":${entries}${isPartial ? `,"_meta":${JSON.stringify(partial)}` : ""}}`;
  const meta = JSON.stringify({ [META.serverInfo]: IDENTITY, ...partial });
  const ttlMs = isPartial ? PARTIAL_TTL_MS : TTL_MS;
  return `{"resultType":"complete","${member}":${entries},"ttlMs":${ttlMs},"cacheScope":"private","_meta":${meta}}`;
}
