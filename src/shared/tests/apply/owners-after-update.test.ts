import { describe, expect, it } from "vitest";
import { applyMerge, ownersAfterUpdate, type FieldOwner } from "../../src/apply/merge.ts";
import type { Json } from "../../src/json.ts";

const listMapKeys = { "spec.env": "name", "spec.servers": "" };

function ada(...fields: string[]): FieldOwner {
  return { manager: "ada", operation: "Apply", fields };
}

function ui(...fields: string[]): FieldOwner {
  return { manager: "ui", operation: "Update", fields };
}

function update(before: Json | undefined, after: Json, owners: FieldOwner[] = []): FieldOwner[] {
  return ownersAfterUpdate({ before, after, owners, manager: "ui", listMapKeys });
}

describe("ownersAfterUpdate", () => {
  it("gives everything to whoever creates the object", () => {
    expect(update(undefined, { metadata: { labels: {} }, spec: { a: 1, servers: ["x"] } }, [ada("spec.a")])).toEqual([
      ui("metadata.labels", "spec.a", "spec.servers[=x]"),
    ]);
  });

  it("changes nothing when the update changed nothing", () => {
    const object = { spec: { a: 1, empty: {}, list: [1], env: [{ name: "A", value: 1 }] } };
    expect(update(object, structuredClone(object), [ada("spec.a", "spec.list")])).toEqual([ada("spec.a", "spec.list")]);
  });

  it("gives changed fields to the manager alone and leaves the others where they are", () => {
    const owners = [ada("spec.a", "spec.b", "spec.list")];
    expect(update({ spec: { a: 1, b: 1, list: [1] } }, { spec: { a: 2, b: 1, list: [1, 2], c: 1 } }, owners)).toEqual([
      ada("spec.b"),
      ui("spec.a", "spec.c", "spec.list"),
    ]);
  });

  it("takes fields that disappeared from everyone", () => {
    const owners = [ada("spec.a", "spec.b.c"), ui("spec.b.d")];
    expect(update({ spec: { a: 1, b: { c: 1, d: 1 } } }, { spec: { a: 1 } }, owners)).toEqual([ada("spec.a")]);
  });

  it("looks into keyed lists and sets, and takes their order for nobody's", () => {
    const before = { spec: { env: [{ name: "A", value: 1 }, { name: "B" }], servers: ["x", "y"] } };
    const after = { spec: { env: [{ name: "C" }, { name: "A", value: 2 }], servers: ["z", "y"] } };
    const owners = [ada("spec.env[name=A].name", "spec.env[name=A].value", "spec.servers[=x]", "spec.servers[=y]")];
    expect(update(before, after, owners)).toEqual([
      ada("spec.env[name=A].name", "spec.servers[=y]"),
      ui("spec.env[name=A].value", "spec.env[name=C].name", "spec.servers[=z]"),
    ]);
    expect(update({ spec: { servers: ["x", "y"] } }, { spec: { servers: ["y", "x"] } }, [])).toEqual([]);
  });

  it("gives an emptied object to the manager, and leaves it to whoever wanted it there", () => {
    expect(update({ spec: { a: { x: 1 } } }, { spec: { a: {} } }, [ada("spec.a.x")])).toEqual([ui("spec.a")]);
    expect(update({ spec: { a: { x: 1 } } }, { spec: { a: {} } }, [ada("spec.a")])).toEqual([
      ada("spec.a"),
      ui("spec.a"),
    ]);
    expect(update({ spec: { a: {} } }, { spec: { a: { x: 1 } } }, [ada("spec.a")])).toEqual([
      ada("spec.a"),
      ui("spec.a.x"),
    ]);
  });

  it("takes a value of another shape for a changed one", () => {
    expect(update({ spec: { a: { x: 1 } } }, { spec: { a: 1 } }, [ada("spec.a.x")])).toEqual([ui("spec.a")]);
    expect(update({ spec: { a: 1 } }, { spec: { a: { x: 1 } } }, [ada("spec.a")])).toEqual([ui("spec.a.x")]);
    expect(update({ spec: { a: {} } }, { spec: { a: null } }, [ada("spec.a")])).toEqual([ui("spec.a")]);
    expect(update({ spec: { servers: ["x"] } }, { spec: { servers: ["x", "x"] } }, [ada("spec.servers[=x]")])).toEqual([
      ui("spec.servers"),
    ]);
  });

  it("moves what the manager itself had applied to its updates", () => {
    const owners: FieldOwner[] = [{ manager: "ui", operation: "Apply", fields: ["spec.a", "spec.b"] }];
    expect(update({ spec: { a: 1, b: 1 } }, { spec: { a: 2, b: 1 } }, owners)).toEqual([
      { manager: "ui", operation: "Apply", fields: ["spec.b"] },
      ui("spec.a"),
    ]);
  });

  it("makes a later apply of the old value a conflict", () => {
    const first = {
      current: { spec: { a: 1 } },
      applied: { spec: { a: 1 } },
      manager: "ada",
      force: false,
      listMapKeys,
    };
    const applied = applyMerge({ ...first, owners: [] });
    const owners = update(applied.object, { spec: { a: 2 } }, applied.owners);
    expect(applyMerge({ ...first, current: { spec: { a: 2 } }, owners }).conflicts).toEqual([
      { path: "spec.a", managers: ["ui"], current: 2, wanted: 1 },
    ]);
  });
});
