import type { Json } from "../json.ts";
import { joinPath } from "./field-path.ts";
import { findField, isJsonObject, isJsonScalar, type JsonScalar } from "./json-values.ts";

/** Merge key of a list by its path without items; "" means a set of scalars. Any other list is one leaf. */
export type ListMapKeys = Readonly<Record<string, string>>;

/** Where a value stands. */
export interface Place {
  readonly path: string;
  /** The path without list items, as merge keys are declared. */
  readonly listPath: string;
  /** The field that tells this list item from its siblings. */
  readonly itemKey?: string;
}

export interface Child {
  readonly place: Place;
  /** Name in its object; "" in a list. */
  readonly name: string;
  readonly value: Json;
}

/** A value that is merged part by part. The children are by path, in the order of the value. */
export interface Branch {
  readonly type: "object" | "list";
  readonly children: ReadonlyMap<string, Child>;
}

export const ROOT: Place = { path: "", listPath: "" };

/** @returns undefined for a leaf: a scalar, a list without merge key, a list whose items cannot be told apart. */
export function toBranch(value: Json, place: Place, listMapKeys: ListMapKeys): Branch | undefined {
  if (isJsonScalar(value)) return undefined;
  if (isJsonObject(value)) return { type: "object", children: byPath(toFields(value, place)) };
  const key = findMergeKey(place, listMapKeys);
  if (key === undefined) return undefined;
  const items = value.map((item) => toItem(item, key, place)).filter((item) => item !== undefined);
  const children = byPath(items);
  return children.size === value.length ? { type: "list", children } : undefined;
}

export function fromBranch(type: Branch["type"], children: readonly Child[]): Json {
  if (type === "list") return children.map(({ value }) => value);
  // fromEntries defines own fields, also one that is named __proto__.
  return Object.fromEntries(children.map(({ name, value }) => [name, value]));
}

export function findMergeKey(place: Place, listMapKeys: ListMapKeys): string | undefined {
  return Object.hasOwn(listMapKeys, place.listPath) ? listMapKeys[place.listPath] : undefined;
}

/** @returns undefined when the item has no scalar under the key, or is itself no scalar in a set (key ""). */
export function toItem(item: Json, key: string, list: Place): Child | undefined {
  const value = findItemValue(item, key);
  if (value === undefined) return undefined;
  const path = joinPath(list.path, { type: "item", key, value });
  return { place: { path, listPath: list.listPath, itemKey: key }, name: "", value: item };
}

/** What stands in a value: the paths of its leaves (empty objects and lists are leaves), and of all its parts. */
export function listPaths(value: Json, place: Place, listMapKeys: ListMapKeys): { leaves: string[]; all: Set<string> } {
  const found = { leaves: new Array<string>(), all: new Set<string>() };
  visit({ place, name: "", value });
  return found;

  function visit(child: Child): void {
    const children = toBranch(child.value, child.place, listMapKeys)?.children;
    const isNamed = child.place.path !== "";
    if (isNamed) found.all.add(child.place.path);
    if (isNamed && !children?.size) found.leaves.push(child.place.path);
    children?.forEach(visit);
  }
}

function findItemValue(item: Json, key: string): JsonScalar | undefined {
  if (key === "") return isJsonScalar(item) ? item : undefined;
  const value = isJsonObject(item) ? findField(item, key) : undefined;
  return isJsonScalar(value) ? value : undefined;
}

function toFields(object: { [key: string]: Json }, { path, listPath }: Place): Child[] {
  return Object.entries(object).map(([name, value]) => {
    const segment = { type: "field", name } as const;
    return { place: { path: joinPath(path, segment), listPath: joinPath(listPath, segment) }, name, value };
  });
}

function byPath(children: readonly Child[]): Map<string, Child> {
  return new Map(children.map((child) => [child.place.path, child]));
}
