import { describe, expect, it } from "vitest";
import * as z from "zod";
import { KINDS, kindWords } from "../../src/shared/src/kinds/index.ts";
import { CRUD, manifestSchema } from "../../src/shared/src/kinds/kind.ts";

type Schema = z.core.JSONSchema.BaseSchema;

it("no two kinds share a word", () => {
  const words = KINDS.flatMap(kindWords);
  expect(words).toEqual([...new Set(words)]);
});

describe.each(KINDS)("$kind", (kind) => {
  const spec = z.toJSONSchema(kind.spec, { io: "input" });

  it("has at least one example, and every example is valid", () => {
    expect(kind.examples.length).toBeGreaterThan(0);
    for (const example of kind.examples) manifestSchema(kind).parse({ kind: kind.kind, ...example });
  });

  it("describes every field of its spec", () => {
    expect(undescribed(spec, "spec")).toEqual([]);
  });

  it("describes its columns and itself", () => {
    expect(kind.summary).toMatch(/\.$/);
    for (const column of kind.columns) expect(column.description).toMatch(/\.$/);
  });

  it("has merge keys for lists that exist, with members of that name", () => {
    for (const [path, key] of Object.entries(kind.listMapKeys)) {
      const list = path.split(".").slice(1).reduce(memberOf, spec);
      expect(list?.type, path).toBe("array");
      const items = list?.items as Schema;
      if (key === "") expect(items.type, path).toBe("string");
      else expect(Object.keys(items.properties ?? {}), path).toContain(key);
    }
  });

  it("offers verbs that exist", () => {
    for (const verb of kind.verbs) expect(CRUD).toContain(verb);
  });
});

function memberOf(schema: Schema | undefined, name: string): Schema | undefined {
  const found = schema?.properties?.[name];
  return typeof found === "object" ? found : undefined;
}

function undescribed(schema: Schema, path: string): string[] {
  const variants = [schema, ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])] as Schema[];
  return variants.flatMap((variant) => {
    const items =
      typeof variant.items === "object" && !Array.isArray(variant.items) ? undescribed(variant.items, `${path}[]`) : [];
    const members = Object.entries(variant.properties ?? {}).flatMap(([name, field]) => {
      if (typeof field !== "object") return [];
      const self = field.description === undefined ? [`${path}.${name}`] : [];
      return [...self, ...undescribed(field, `${path}.${name}`)];
    });
    return [...items, ...members];
  });
}
