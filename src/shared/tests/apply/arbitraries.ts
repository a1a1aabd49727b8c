import * as fc from "fast-check";
import type { Json } from "../../src/json.ts";

export const listMapKeys = { "spec.env": "name", "spec.env.tags": "", "spec.servers": "", "spec.tools.rules": "id" };

/** Names that have hurt somebody before. */
export const oddNames = [
  "",
  "a.b",
  "a[b]",
  "a=b",
  '"',
  "\\",
  "team.io/name",
  "[=x]",
  "[x=y].z",
  "__proto__",
  "constructor",
  "toString",
  "ä\n",
  "1",
  "null",
  " ",
];

const scalar = fc.oneof(
  fc.constantFrom<Json[]>(null, true, false, "", "x", "y", "1", "null"),
  fc.integer({ min: -2, max: 2 }),
);
const name = fc.oneof({ weight: 3, arbitrary: fc.constantFrom("a", "b", "c") }, fc.constantFrom(...oddNames));
const atomicList = fc.array(scalar, { maxLength: 3 });

/** Small pools of names and values, so that two of these often meet. */
export const manifest: fc.Arbitrary<Json> = fc
  .letrec<{ value: Json; map: Json }>((tie) => ({
    value: fc.oneof({ maxDepth: 2, depthSize: "small" }, scalar, atomicList, tie("map")),
    map: toMap(name, tie("value")),
  }))
  .map.chain((any) => {
    const rule = fc.record({ with: scalar, args: atomicList }, { requiredKeys: [] });
    const source = fc.record({ value: scalar, ref: toMap(name, scalar), tags: toSet(scalar) }, { requiredKeys: [] });
    return toParts({
      "metadata.labels": toMap(name, scalar),
      "metadata.annotations": toMap(name, scalar),
      "spec.env": fc.oneof({ weight: 5, arbitrary: toKeyedList("name", name, source) }, scalar),
      "spec.servers": fc.oneof({ weight: 5, arbitrary: toSet(scalar) }, scalar),
      "spec.args": atomicList,
      "spec.tools": fc.record(
        { rules: toKeyedList("id", fc.integer({ min: 0, max: 3 }), rule), any: scalar },
        { requiredKeys: [] },
      ),
      "spec.any": fc.constant(any),
      "spec.other": fc.oneof(scalar, toMap(name, scalar)),
    });
  });

function toMap(names: fc.Arbitrary<string>, values: fc.Arbitrary<Json>): fc.Arbitrary<Json> {
  return fc
    .uniqueArray(fc.tuple(names, values), { selector: ([key]) => key, maxLength: 3 })
    .map((entries) => Object.fromEntries(entries));
}

function toSet(items: fc.Arbitrary<Json>): fc.Arbitrary<Json> {
  return fc.uniqueArray(items, { selector: (item) => JSON.stringify(item), maxLength: 4 });
}

function toKeyedList(key: string, keys: fc.Arbitrary<Json>, rest: fc.Arbitrary<object>): fc.Arbitrary<Json> {
  return fc
    .uniqueArray(fc.tuple(keys, rest), { selector: ([value]) => JSON.stringify(value), maxLength: 4 })
    .map((items) => items.map(([value, fields]) => ({ ...fields, [key]: value })));
}

/** An object of some of these parts, each under its two-step path; at times a whole half is there but empty. */
function toParts(parts: Record<string, fc.Arbitrary<Json>>): fc.Arbitrary<Json> {
  const chosen = fc
    .subarray(Object.keys(parts))
    .chain((paths) => fc.tuple(...paths.map((path) => (parts[path] ?? scalar).map((value) => [path, value] as const))));
  return fc.tuple(fc.subarray(["metadata", "spec"], { maxLength: 1 }), chosen).map(([empty, entries]) => {
    const halves = new Map<string, { [part: string]: Json }>(empty.map((half) => [half, {}]));
    for (const [path, value] of entries) {
      const [half = "", part = ""] = path.split(".");
      halves.set(half, { ...halves.get(half), [part]: value });
    }
    return Object.fromEntries(halves);
  });
}
