import type { Json } from "../json.ts";
import type { FieldOwner } from "../kinds/metadata.ts";
import { listPaths, ROOT, toBranch, type ListMapKeys, type Place } from "./branch.ts";
import { isEqualJson } from "./json-values.ts";
import { filterFields, keepLivingClaims, normalizeOwners } from "./ownership.ts";

interface UpdateInput {
  before: Json | undefined;
  after: Json;
  owners: readonly FieldOwner[];
  manager: string;
  listMapKeys: ListMapKeys;
}

interface Comparison {
  readonly listMapKeys: ListMapKeys;
  /** Leaves that are new or have another value. */
  readonly changed: Set<string>;
  /** Values in whose place another one stands. */
  readonly replaced: Set<string>;
}

/**
 * Ownership after a plain update: what the manager changed becomes its own and nobody else's, what disappeared leaves
 * everyone, what stayed as it was keeps its owners. The order of a list belongs to nobody.
 */
export function ownersAfterUpdate({ before, after, owners, manager, listMapKeys }: UpdateInput): FieldOwner[] {
  const comparison: Comparison = { listMapKeys, changed: new Set(), replaced: new Set() };
  compare(comparison, ROOT, { before, after });
  const stillThere = listPaths(after, ROOT, listMapKeys).all;
  const others = filterFields(
    keepLivingClaims(owners, before, listMapKeys),
    (_, field) => stillThere.has(field) && !comparison.replaced.has(field),
  );
  return normalizeOwners([...others, { manager, operation: "Update", fields: [...comparison.changed] }]);
}

function compare(found: Comparison, place: Place, { before, after }: Pick<UpdateInput, "before" | "after">): void {
  const old = before === undefined ? undefined : toBranch(before, place, found.listMapKeys);
  const now = toBranch(after, place, found.listMapKeys);
  if (old && old.type === now?.type) {
    // Emptied, it has become a leaf. Whoever owned it as such still does: it was there all the time.
    if (now.children.size === 0 && old.children.size > 0 && place !== ROOT) found.changed.add(place.path);
    for (const [path, child] of now.children) {
      compare(found, child.place, { before: old.children.get(path)?.value, after: child.value });
    }
  } else if (!isEqualJson(after, before)) {
    found.replaced.add(place.path);
    for (const path of listPaths(after, place, found.listMapKeys).leaves) found.changed.add(path);
  }
}
