import { formatPath, type PathSegment } from "../../src/apply/field-path.ts";
import type { ListMapKeys } from "../../src/apply/merge.ts";
import type { Json } from "../../src/json.ts";

/** Text that is equal for equal data: object keys are sorted, also odd ones such as `__proto__`. */
export function toCanonicalText(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(toCanonicalText).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, field]) => `${JSON.stringify(name)}:${toCanonicalText(field)}`);
  return `{${fields.toSorted().join(",")}}`;
}

/** Stands for a leaf that could be filled without being changed: an empty object, keyed list or set. */
export const EMPTY = "empty";

/** An oracle written apart from the code under test: the canonical text of every leaf, or `EMPTY`, by its path. */
export function leafValues(object: Json, listMapKeys: ListMapKeys): Map<string, string> {
  return new Map(list([], object));

  function list(path: PathSegment[], value: Json): [string, string][] {
    const children = listChildren(path, value);
    if (children && children.length > 0) return children.flatMap(([segment, child]) => list([...path, segment], child));
    return path.length === 0 ? [] : [[formatPath(path), children ? EMPTY : toCanonicalText(value)]];
  }

  function listChildren(path: PathSegment[], value: Json): [PathSegment, Json][] | undefined {
    if (value === null || typeof value !== "object") return undefined;
    if (!Array.isArray(value)) return Object.entries(value).map(([name, child]) => [{ type: "field", name }, child]);
    const key = new Map(Object.entries(listMapKeys)).get(formatPath(path.filter(({ type }) => type === "field")));
    if (key === undefined) return undefined;
    return value.map((item) => [{ type: "item", key, value: keyOf(item, key) }, item]);
  }
}

function keyOf(item: Json, key: string): string | number | boolean | null {
  const value = item !== null && typeof item === "object" && !Array.isArray(item) ? item[key] : item;
  if (value === undefined || (value !== null && typeof value === "object")) throw new Error("not a scalar key");
  return value;
}
