import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatPath, listPathsTo, parsePath, type PathSegment } from "../../src/apply/field-path.ts";
import { oddNames } from "./arbitraries.ts";

const field = (name: string): PathSegment => ({ type: "field", name });
const item = (key: string, value: string | number | boolean | null): PathSegment => ({ type: "item", key, value });

const written: [string, PathSegment[]][] = [
  ["", []],
  ["metadata.labels.team", [field("metadata"), field("labels"), field("team")]],
  ["spec.env[name=LOG_LEVEL].value", [field("spec"), field("env"), item("name", "LOG_LEVEL"), field("value")]],
  ["spec.servers[=files]", [field("spec"), field("servers"), item("", "files")]],
  ['metadata.labels["team.io/name"]', [field("metadata"), field("labels"), field("team.io/name")]],
  ['["a.b"].c[""]', [field("a.b"), field("c"), field("")]],
  ['x[=1][="1"]', [field("x"), item("", 1), item("", "1")]],
  ['x[=null][="null"][=true]', [field("x"), item("", null), item("", "null"), item("", true)]],
  ['x["my key"="a]b"]', [field("x"), item("my key", "a]b")]],
  ["x[version=2026.8.31]", [field("x"), item("version", "2026.8.31")]],
  [String.raw`["say \"hi\" \\ ="]`, [field('say "hi" \\ =')]],
  ["__proto__.constructor", [field("__proto__"), field("constructor")]],
];

const anyText = fc.oneof(fc.string({ unit: "binary" }), fc.string(), fc.constantFrom(...oddNames));
const anyScalar = fc.oneof(
  anyText,
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)),
  fc.boolean(),
  fc.constant(null),
);
const anySegment = fc.oneof(
  anyText.map(field),
  fc.tuple(anyText, anyScalar).map(([key, value]) => item(key, value)),
);
const anyPath = fc.array(anySegment, { maxLength: 6 });

describe("a field path", () => {
  it.each(written)("is written as %s and read back", (text, segments) => {
    expect(formatPath(segments)).toBe(text);
    expect(parsePath(text)).toEqual(segments);
  });

  it.each([
    ".a",
    "a.",
    "a..b",
    "a b",
    "a[",
    "a[x]",
    "a[=]",
    "a[x=y",
    'a["x"',
    String.raw`a["\q"]`,
    'a["x"]b',
    "a]",
    "ä",
  ])("is not %s", (text) => {
    expect(() => parsePath(text)).toThrow(
      expect.objectContaining({ code: "invalid", fields: [expect.objectContaining({ path: text })] }),
    );
  });

  it("survives arbitrary names, keys and values", () => {
    fc.assert(
      fc.property(anyPath, (segments) => {
        expect(parsePath(formatPath(segments))).toEqual(segments);
      }),
    );
  });

  it("differs when the segments differ", () => {
    const segments = fc.array(
      fc.oneof(
        fc.constantFrom(...oddNames).map(field),
        fc.constantFrom(...oddNames).map((name) => item(name, name)),
      ),
    );
    fc.assert(
      fc.property(segments, segments, (left, right) => {
        expect(formatPath(left) === formatPath(right)).toBe(JSON.stringify(left) === JSON.stringify(right));
      }),
    );
  });

  it("leads through every path above it, itself included", () => {
    expect(listPathsTo('spec.env[name="a]b"].value')).toEqual([
      "spec",
      "spec.env",
      'spec.env[name="a]b"]',
      'spec.env[name="a]b"].value',
    ]);
  });
});
