import { McpctlError, type FieldError } from "../errors.ts";
import type { Json } from "../json.ts";
import { findMergeKey, ROOT, toBranch, toItem, type ListMapKeys, type Place } from "./branch.ts";

/**
 * Refuses a manifest in which the items of a keyed list or a set cannot be told apart.
 *
 * @throws {McpctlError} `invalid` naming every item that repeats another or lacks its key.
 */
export function refuseAmbiguousLists(manifest: Json, listMapKeys: ListMapKeys): void {
  const fields = listFaults(manifest, ROOT, listMapKeys);
  if (fields.length === 0) return;
  throw new McpctlError("invalid", "The manifest has lists whose items cannot be told apart", {
    hint: "Give every item of these lists its own key, once.",
    fields,
  });
}

function listFaults(value: Json, place: Place, listMapKeys: ListMapKeys): FieldError[] {
  const ownFaults = Array.isArray(value) ? listItemFaults(value, place, listMapKeys) : [];
  const children = [...(toBranch(value, place, listMapKeys)?.children.values() ?? [])];
  return [...ownFaults, ...children.flatMap((child) => listFaults(child.value, child.place, listMapKeys))];
}

function listItemFaults(list: readonly Json[], place: Place, listMapKeys: ListMapKeys): FieldError[] {
  const key = findMergeKey(place, listMapKeys);
  if (key === undefined) return [];
  const seen = new Set<string>();
  return list.flatMap((item, index) => {
    const path = toItem(item, key, place)?.place.path;
    if (path === undefined) {
      return [
        { path: `${place.path}[${index}]`, message: key === "" ? "must be a scalar" : `needs a scalar "${key}"` },
      ];
    }
    if (seen.has(path)) return [{ path, message: "is given more than once" }];
    seen.add(path);
    return [];
  });
}
