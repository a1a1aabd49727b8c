import { describe, expect, it } from "vitest";
import { applyMerge, type ApplyOutcome } from "../../src/apply/merge.ts";
import type { Json } from "../../src/json.ts";

const listMapKeys = { "spec.env": "name", "spec.servers": "", "spec.env.tags": "" };

function apply(manager: string, spec: Json | undefined, to: Partial<ApplyOutcome> = {}): ApplyOutcome {
  const { object: current, owners = [] } = to;
  const applied = spec === undefined ? {} : { spec };
  return applyMerge({ current, owners, applied, manager, force: false, listMapKeys });
}

function fieldsOf(outcome: ApplyOutcome, manager: string): string[] | undefined {
  return outcome.owners.find((owner) => owner.manager === manager)?.fields;
}

const variable = (name: string, value: Json = "v") => ({ name, value });

describe("applyMerge, keyed lists", () => {
  const first = apply("ada", { env: [variable("A"), variable("B")] });

  it("owns the key and the fields of every item", () => {
    expect(fieldsOf(first, "ada")).toEqual([
      "spec.env[name=A].name",
      "spec.env[name=A].value",
      "spec.env[name=B].name",
      "spec.env[name=B].value",
    ]);
  });

  it("merges items by their key, in whatever order they come", () => {
    const second = apply("bob", { env: [{ name: "B", tags: ["t"] }, variable("C")] }, first);
    expect(second.conflicts).toEqual([]);
    expect(second.object).toEqual({ spec: { env: [variable("A"), { ...variable("B"), tags: ["t"] }, variable("C")] } });
    expect(fieldsOf(second, "bob")).toEqual([
      "spec.env[name=B].name",
      "spec.env[name=B].tags[=t]",
      "spec.env[name=C].name",
      "spec.env[name=C].value",
    ]);
  });

  it("reports a conflict at the field of the item", () => {
    expect(apply("bob", { env: [variable("B", "w")] }, first).conflicts).toEqual([
      { path: "spec.env[name=B].value", managers: ["ada"], current: "v", wanted: "w" },
    ]);
  });

  it("removes an item that the manager no longer applies, and keeps the others'", () => {
    const both = apply("bob", { env: [variable("C")] }, first);
    expect(apply("ada", { env: [variable("B")] }, both).object).toEqual({
      spec: { env: [variable("B"), variable("C")] },
    });
    expect(apply("ada", undefined, both)).toMatchObject({
      object: { spec: { env: [variable("C")] } },
      owners: [{ manager: "bob" }],
    });
  });

  it("drops the item with what nobody owns in it", () => {
    const object = { spec: { env: [{ ...variable("A"), optional: false }, variable("B")] } };
    expect(apply("ada", { env: [variable("B")] }, { ...first, object }).object).toEqual({
      spec: { env: [variable("B")] },
    });
  });

  it("keeps the key of an item as long as somebody owns something in it", () => {
    const owners = [
      { manager: "ada", operation: "Apply" as const, fields: ["spec.env[name=A].name"] },
      { manager: "ui", operation: "Update" as const, fields: ["spec.env[name=A].value"] },
    ];
    const left = apply("ada", undefined, { object: { spec: { env: [variable("A")] } }, owners });
    expect(left).toEqual({ object: { spec: { env: [variable("A")] } }, owners: owners.slice(1), conflicts: [] });
  });

  it("keeps the stored order and appends new items in the applied order", () => {
    const second = apply("bob", { env: [variable("D"), variable("B"), variable("C")] }, first);
    expect(second.object).toEqual({ spec: { env: ["A", "B", "D", "C"].map((name) => variable(name)) } });
  });

  it("takes the applied order when the manager owns every item", () => {
    const env = [variable("C"), variable("B"), variable("A")];
    expect(apply("ada", { env }, first).object).toEqual({ spec: { env } });
  });

  it("keeps an empty list that is applied, and the list that is emptied", () => {
    const empty = apply("ada", { env: [] });
    expect(empty).toMatchObject({ object: { spec: { env: [] } }, owners: [{ fields: ["spec.env"] }] });
    expect(apply("ada", { env: [] }, first)).toEqual(empty);
    expect(apply("bob", { env: [variable("A")] }, empty)).toMatchObject({ conflicts: [] });
  });

  it("replaces an object that stands where the list belongs", () => {
    const object = { spec: { env: { A: "v" } } };
    expect(apply("ada", { env: [variable("A")] }, { object }).object).toEqual({ spec: { env: [variable("A")] } });
    expect(apply("ada", { env: {} }, first).object).toEqual({ spec: { env: {} } });
  });

  it("tells a number from its text", () => {
    const applied = { env: [variable("1"), { name: 1, value: "w" }] };
    expect(fieldsOf(apply("ada", applied), "ada")).toContain('spec.env[name="1"].value');
    expect(apply("ada", applied).object).toEqual({ spec: applied });
  });

  it("takes odd keys as plain data", () => {
    const env = ["__proto__", "a.b", "a]", '"', "="].map((name) => variable(name));
    expect(apply("ada", { env }, apply("ada", { env })).object).toEqual({ spec: { env } });
  });
});

describe("applyMerge, sets", () => {
  const first = apply("ada", { servers: ["files", "search"] });

  it("owns each item", () => {
    expect(fieldsOf(first, "ada")).toEqual(["spec.servers[=files]", "spec.servers[=search]"]);
  });

  it("unites the items of all managers, and never conflicts", () => {
    const second = apply("bob", { servers: ["jira", "search"] }, first);
    expect(second).toMatchObject({ object: { spec: { servers: ["files", "search", "jira"] } }, conflicts: [] });
    expect(apply("ada", { servers: ["files"] }, second).object).toEqual({
      spec: { servers: ["files", "search", "jira"] },
    });
    expect(apply("ada", undefined, second).object).toEqual({ spec: { servers: ["search", "jira"] } });
  });

  it("takes the applied order when the manager owns every item", () => {
    const servers = ["search", "jira", "files"];
    expect(apply("ada", { servers }, first).object).toEqual({ spec: { servers } });
  });
});

describe("applyMerge, lists whose items cannot be told apart", () => {
  it("refuses a manifest with them, naming each", () => {
    const env = [variable("A"), variable("B"), variable("A"), { value: "x" }, "text", { name: { a: 1 } }];
    expect(() => apply("ada", { env, servers: ["a", "a", ["b"]] })).toThrow(
      expect.objectContaining({
        code: "invalid",
        fields: [
          { path: "spec.env[name=A]", message: "is given more than once" },
          { path: "spec.env[3]", message: 'needs a scalar "name"' },
          { path: "spec.env[4]", message: 'needs a scalar "name"' },
          { path: "spec.env[5]", message: 'needs a scalar "name"' },
          { path: "spec.servers[=a]", message: "is given more than once" },
          { path: "spec.servers[2]", message: "must be a scalar" },
        ],
      }),
    );
  });

  it("does not take an inherited field for a key", () => {
    const input = { current: undefined, owners: [], applied: { a: [{}] }, manager: "ada", force: false };
    expect(() => applyMerge({ ...input, listMapKeys: { a: "constructor" } })).toThrow(
      expect.objectContaining({ fields: [{ path: "a[0]", message: 'needs a scalar "constructor"' }] }),
    );
  });

  it("refuses them inside the items of a list", () => {
    expect(() => apply("ada", { env: [{ name: "A", tags: [1, 1] }] })).toThrow(
      expect.objectContaining({ fields: [{ path: "spec.env[name=A].tags[=1]", message: "is given more than once" }] }),
    );
  });

  it("takes a stored list with them as one leaf", () => {
    const object = { spec: { servers: ["a", "a"] } };
    const owners = [{ manager: "ui", operation: "Update" as const, fields: ["spec.servers"] }];
    expect(apply("ada", { servers: ["a"] }, { object, owners })).toEqual({
      object: { spec: { servers: ["a"] } },
      owners: [{ manager: "ada", operation: "Apply", fields: ["spec.servers[=a]"] }],
      conflicts: [{ path: "spec.servers", managers: ["ui"], current: ["a", "a"], wanted: ["a"] }],
    });
  });

  it("lets a list without a merge key repeat itself", () => {
    expect(apply("ada", { args: ["-v", "-v"] }).object).toEqual({ spec: { args: ["-v", "-v"] } });
  });
});
