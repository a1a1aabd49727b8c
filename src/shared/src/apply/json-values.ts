import type { Json } from "../json.ts";

export type JsonScalar = Exclude<Json, object>;

export function isJsonScalar(value: Json | undefined): value is JsonScalar {
  return value !== undefined && (value === null || typeof value !== "object");
}

export function isJsonObject(value: Json): value is { [key: string]: Json } {
  return !isJsonScalar(value) && !Array.isArray(value);
}

/** Reads an own field, so that a key such as `constructor` finds data or nothing, never a prototype. */
export function findField(object: { [key: string]: Json }, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Same data; the order of an object's keys does not count, the order of a list does. */
export function isEqualJson(left: Json, right: Json | undefined): boolean {
  if (right === undefined || isJsonScalar(left) || isJsonScalar(right)) return left === right;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, index) => isEqualJson(item, right[index]));
  }
  const entries = Object.entries(left);
  if (entries.length !== Object.keys(right).length) return false;
  return entries.every(([name, value]) => isEqualJson(value, findField(right, name)));
}
