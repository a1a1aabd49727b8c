import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { splitYaml } from "../../src/manifests/yaml-documents.ts";

function values(text: string): unknown[] {
  return splitYaml({ name: "test", text }).documents.map(({ value }) => value);
}

/** Faults as `LINE:COL message`. */
function faults(text: string): string[] {
  const split = splitYaml({ name: "test", text });
  return split.faults.map(({ offset, message }) => {
    const { line, col } = split.position(offset);
    return `${line}:${col} ${message}`;
  });
}

describe("splitYaml", () => {
  const key = fc.stringMatching(/^[a-z][a-zA-Z0-9-]{0,10}$/);
  const leaf = fc.oneof(fc.string({ unit: "grapheme" }), fc.integer(), fc.boolean(), fc.constant(null));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(key, tie("tree"), { maxKeys: 4 }),
    ),
  }));
  const object = fc.dictionary(key, tree, { minKeys: 1, maxKeys: 4, noNullPrototype: true });
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

  it("gives back every document of a YAML text, in order, whatever separates them", () => {
    const separator = fc.constantFrom("---\n", "---\n---\n", "...\n---\n", "--- # next\n");
    fc.assert(
      fc.property(fc.array(object, { maxLength: 4 }), separator, fc.boolean(), (objects, between, isMarked) => {
        const text = objects.map((one) => stringify(one)).join(between);
        expect(values(isMarked ? `---\n${text}` : text)).toEqual(plain(objects));
      }),
      { numRuns: 60 },
    );
  });

  it("gives back a JSON text", () => {
    fc.assert(
      fc.property(object, fc.constantFrom(0, 2, "\t"), (one, indent) => {
        expect(values(JSON.stringify(one, undefined, indent))).toEqual([plain(one)]);
      }),
      { numRuns: 60 },
    );
  });

  it("never throws, and places every fault inside the text", () => {
    const word = fc.oneof(
      fc.constantFrom("a: ", "- ", "{", "}", "[", "]", "&x ", "*x", "|\n", "---\n", "\n  ", '"', "? ", "!t "),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 20 }), (words) => {
        const text = words.join("");
        const split = splitYaml({ name: "test", text });
        for (const { offset } of split.faults) expect(offset).toBeLessThanOrEqual(text.length + 1);
      }),
      { numRuns: 300 },
    );
  });

  it("leaves empty documents and comments out", () => {
    expect(values("# nothing\n---\n---\na: 1\n---\n# end\n")).toEqual([{ a: 1 }]);
    expect(values("")).toEqual([]);
  });

  it("reads plain words as YAML 1.2 does: no dates, and yes is a word", () => {
    expect(values("a: yes\nb: 2026-01-01\nc: 0o14\nd: ~")).toEqual([{ a: "yes", b: "2026-01-01", c: 12, d: null }]);
  });

  it("expands aliases in reason", () => {
    expect(values("a: &x [1, 2]\nb: *x\n")).toEqual([{ a: [1, 2], b: [1, 2] }]);
  });

  it.each([
    ["a duplicate key", "a: 1\nb: 2\na: 3\n", "3:1 Map keys must be unique"],
    ["an unknown anchor", "a: *nope\n", "1:4 Unresolved alias (the anchor must be set before the alias): nope"],
    ["an alias of what it stands in", "a: &x { b: *x }\n", "1:12 *x stands inside its own anchor"],
    ["an unknown tag", "a: !!js/function x\n", "1:4 Unresolved tag: tag:yaml.org,2002:js/function"],
    ["a key that is an object", "? { a: 1 }\n: 2\n", "1:3 a key must be a plain word"],
    ["an unfinished quote", "a: 'x\n", "2:1 Missing closing 'quote"],
    ["depth", `${"[".repeat(100_000)}`, "1:61 nested deeper than 60 levels"],
  ])("says where %s is", (_, text, fault) => {
    expect(faults(text)[0]).toBe(fault);
  });

  it("refuses aliases that expand to too much", () => {
    const ten = (word: string) => `[${Array(10).fill(word).join(", ")}]`;
    expect(faults(`a: &a ${ten("1")}\nb: &b ${ten("*a")}\nc: &c ${ten("*b")}\nd: ${ten("*c")}\n`)[0]).toMatch(
      /^2:8 Excessive alias count/,
    );
  });

  it("refuses a text of too many documents", () => {
    expect(faults("a: 1\n---\n".repeat(10_001))[0]).toMatch(/more than 10000 documents/);
  });

  it("keeps a key that JavaScript gives a meaning to as a plain key", () => {
    const [value] = values("__proto__: { polluted: true }\n");
    expect(Object.keys(value as object)).toEqual(["__proto__"]);
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });
});
