import { describe, expect, it } from "vitest";
import { applyMerge, type ApplyOutcome, type FieldOwner } from "../../src/apply/merge.ts";
import type { Json } from "../../src/json.ts";

const none = { current: undefined, owners: [], force: false, listMapKeys: {} };

function own(manager: string, ...fields: string[]): FieldOwner {
  return { manager, operation: "Apply", fields };
}

function updated(manager: string, ...fields: string[]): FieldOwner {
  return { manager, operation: "Update", fields };
}

function apply(manager: string, applied: Json, to: Partial<ApplyOutcome> & { force?: boolean } = {}): ApplyOutcome {
  const { object: current, owners = [], force = false } = to;
  return applyMerge({ ...none, current, owners, force, applied, manager });
}

describe("applyMerge, fields", () => {
  it("creates what does not exist, and the manager owns every leaf", () => {
    const applied = { metadata: { labels: { team: "core" } }, spec: { url: "u", args: ["a", "b"] } };
    expect(apply("ada", applied)).toEqual({
      object: applied,
      owners: [own("ada", "metadata.labels.team", "spec.args", "spec.url")],
      conflicts: [],
    });
  });

  it("merges objects field by field", () => {
    const first = apply("ada", { spec: { limits: { cpu: 1 } } });
    const both = apply("bob", { spec: { limits: { memory: 2 }, url: "u" } }, first);
    expect(both).toEqual({
      object: { spec: { limits: { cpu: 1, memory: 2 }, url: "u" } },
      owners: [own("ada", "spec.limits.cpu"), own("bob", "spec.limits.memory", "spec.url")],
      conflicts: [],
    });
  });

  it("removes a field that the manager no longer applies", () => {
    const first = apply("ada", { spec: { url: "u", replicas: 2 } });
    expect(apply("ada", { spec: { url: "u" } }, first)).toEqual({
      object: { spec: { url: "u" } },
      owners: [own("ada", "spec.url")],
      conflicts: [],
    });
  });

  it("keeps a field that another manager owns too", () => {
    const shared = apply("bob", { spec: { replicas: 2 } }, apply("ada", { spec: { replicas: 2 } }));
    expect(shared.owners).toEqual([own("ada", "spec.replicas"), own("bob", "spec.replicas")]);
    expect(apply("ada", {}, shared)).toEqual({
      object: { spec: { replicas: 2 } },
      owners: [own("bob", "spec.replicas")],
      conflicts: [],
    });
  });

  it("keeps a field that nobody owns, and takes it without a conflict", () => {
    const object = { spec: { url: "u", timeoutSeconds: 30 } };
    expect(apply("ada", { spec: { url: "v" } }, { object })).toEqual({
      object: { spec: { url: "v", timeoutSeconds: 30 } },
      owners: [own("ada", "spec.url")],
      conflicts: [],
    });
  });

  it("treats null as a value like any other", () => {
    const first = apply("ada", { spec: { a: null } });
    expect(first).toMatchObject({ object: { spec: { a: null } }, owners: [own("ada", "spec.a")] });
    expect(apply("bob", { spec: { a: null } }, first).conflicts).toEqual([]);
    expect(apply("bob", { spec: { a: 1 } }, first).conflicts).toEqual([
      { path: "spec.a", managers: ["ada"], current: null, wanted: 1 },
    ]);
    expect(apply("bob", { spec: { a: { b: 1 } } }, first).conflicts).toHaveLength(1);
  });

  it("keeps an empty object and an empty list that a manager applies", () => {
    const applied = { metadata: { labels: {} }, spec: { a: {}, b: [] } };
    const first = apply("ada", applied);
    expect(first).toMatchObject({ object: applied, owners: [own("ada", "metadata.labels", "spec.a", "spec.b")] });
    expect(apply("ada", applied, first)).toEqual(first);
    expect(apply("ada", { spec: { b: [] } }, first).object).toEqual({ spec: { b: [] } });
  });

  it("keeps an object empty when the manager applies it empty after it was filled", () => {
    const first = apply("ada", { spec: { a: { x: 1 } } });
    expect(apply("ada", { spec: { a: {} } }, first)).toMatchObject({
      object: { spec: { a: {} } },
      owners: [own("ada", "spec.a")],
    });
  });

  it("lets others fill an object that a manager applied empty, and leaves it there when they go", () => {
    const filled = apply("bob", { spec: { a: { x: 1 } } }, apply("ada", { spec: { a: {} } }));
    expect(filled).toMatchObject({ conflicts: [], owners: [own("ada", "spec.a"), own("bob", "spec.a.x")] });
    expect(apply("bob", {}, filled)).toMatchObject({ object: { spec: { a: {} } }, owners: [own("ada", "spec.a")] });
  });

  it("drops an object as a whole, defaults included, when its last owner lets go of it", () => {
    const first = apply("ada", { spec: { url: "u", probe: { tool: "ping" } } });
    const object = { spec: { url: "u", probe: { tool: "ping", periodSeconds: 10 } } };
    expect(apply("ada", { spec: { url: "u" } }, { ...first, object }).object).toEqual({ spec: { url: "u" } });
  });

  it("never drops labels, annotations or spec as a whole", () => {
    const object = { metadata: { labels: { a: "1", b: "2" } }, spec: { x: 1, y: 2 } };
    const owners = [own("ada", "metadata.labels.a", "spec.x")];
    expect(apply("ada", {}, { object, owners }).object).toEqual({ metadata: { labels: { b: "2" } }, spec: { y: 2 } });
  });

  it("forgets a claim to a field that is no longer there", () => {
    const owners = [own("bob", "spec.gone", "spec.url.deeper")];
    expect(apply("ada", { spec: { gone: 1 } }, { object: { spec: { url: "u" } }, owners })).toEqual({
      object: { spec: { url: "u", gone: 1 } },
      owners: [own("ada", "spec.gone")],
      conflicts: [],
    });
  });

  it("answers owners sorted, once each and without empty entries", () => {
    const owners = [own("cid", "spec.a", "spec.a"), own("bob"), updated("ada", "spec.a"), own("cid", "spec.Z")];
    expect(apply("bob", { spec: { a: 1 } }, { object: { spec: { a: 1, Z: 1 } }, owners }).owners).toEqual([
      updated("ada", "spec.a"),
      own("bob", "spec.a"),
      own("cid", "spec.Z", "spec.a"),
    ]);
  });

  it("takes odd keys as plain data", () => {
    const applied: Json = JSON.parse('{"spec":{"__proto__":{"x":1},"constructor":"c","team.io/name":"t","a]=\\"":1}}');
    const first = apply("ada", applied);
    expect(JSON.stringify(first.object)).toBe(JSON.stringify(applied));
    expect(first.owners).toEqual([
      own("ada", "spec.__proto__.x", "spec.constructor", String.raw`spec["a]=\""]`, 'spec["team.io/name"]'),
    ]);
    expect(apply("ada", applied, first)).toEqual(first);
    expect(JSON.stringify(apply("bob", { spec: { x: 1 } }, first).object)).toContain('"__proto__":{"x":1}');
    expect(apply("ada", {}, first).object).toEqual({});
    expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
  });

  it("does not take an inherited field for a current one or for a merge key", () => {
    expect(apply("ada", { spec: { toString: ["a", "a"] } }, { object: { spec: {} } })).toMatchObject({ conflicts: [] });
    expect(apply("ada", { constructor: ["a", "a"] }).owners).toEqual([own("ada", "constructor")]);
  });
});

describe("applyMerge, conflicts", () => {
  const stored = apply("ada", { spec: { replicas: 2, args: ["a"], limits: { cpu: 1, memory: 1 } } });

  it("reports a leaf that another manager owns with a different value", () => {
    expect(apply("bob", { spec: { replicas: 3 } }, stored)).toEqual({
      object: { spec: { replicas: 3, args: ["a"], limits: { cpu: 1, memory: 1 } } },
      owners: [own("ada", "spec.args", "spec.limits.cpu", "spec.limits.memory"), own("bob", "spec.replicas")],
      conflicts: [{ path: "spec.replicas", managers: ["ada"], current: 2, wanted: 3 }],
    });
  });

  it("gives the field to the manager with force, and reports nothing", () => {
    const { conflicts, ...outcome } = apply("bob", { spec: { replicas: 3 } }, stored);
    expect(conflicts).toHaveLength(1);
    expect(apply("bob", { spec: { replicas: 3 } }, { ...stored, force: true })).toEqual({ ...outcome, conflicts: [] });
  });

  it("shares ownership without a conflict when the values are the same", () => {
    expect(apply("bob", { spec: { args: ["a"], replicas: 2 } }, stored)).toMatchObject({
      conflicts: [],
      owners: [{ manager: "ada" }, own("bob", "spec.args", "spec.replicas")],
    });
  });

  it("takes a list without a merge key as one leaf", () => {
    expect(apply("bob", { spec: { args: ["a", "b"] } }, stored).conflicts).toEqual([
      { path: "spec.args", managers: ["ada"], current: ["a"], wanted: ["a", "b"] },
    ]);
  });

  it("compares such a list with all the fields of its items", () => {
    const subjects = [{ kind: "User", name: "ada" }];
    const first = apply("ada", { spec: { subjects } });
    expect(apply("bob", { spec: { subjects: [{ name: "ada", kind: "User" }] } }, first).conflicts).toEqual([]);
    const others = [
      [{ kind: "User", name: "ada", x: 1 }],
      [{ kind: "User" }],
      [{ kind: "User", constructor: "ada" }],
      [["User"]],
    ];
    for (const other of others) expect(apply("bob", { spec: { subjects: other } }, first).conflicts).toHaveLength(1);
  });

  it("names every manager that owns the leaf, sorted", () => {
    const three = apply("abe", { spec: { replicas: 2 } }, apply("bob", { spec: { replicas: 2 } }, stored));
    expect(apply("cid", { spec: { replicas: 9 } }, three).conflicts).toMatchObject([
      { managers: ["abe", "ada", "bob"] },
    ]);
  });

  it("is one conflict when a scalar takes the place of an object that another manager filled", () => {
    const outcome = apply("bob", { spec: { limits: null } }, stored);
    expect(outcome.conflicts).toEqual([
      { path: "spec.limits", managers: ["ada"], current: { cpu: 1, memory: 1 }, wanted: null },
    ]);
    expect(outcome.object).toMatchObject({ spec: { limits: null } });
    expect(outcome.owners).toEqual([own("ada", "spec.args", "spec.replicas"), own("bob", "spec.limits")]);
  });

  it("is one conflict when an object takes the place of another manager's scalar", () => {
    const outcome = apply("bob", { spec: { replicas: { min: 1 } } }, stored);
    expect(outcome.conflicts).toEqual([{ path: "spec.replicas", managers: ["ada"], current: 2, wanted: { min: 1 } }]);
    expect(outcome.owners).toContainEqual(own("bob", "spec.replicas.min"));
    expect(outcome.owners[0]?.fields).not.toContain("spec.replicas");
  });

  it("is one when a scalar takes the place of an object that another manager wants empty", () => {
    const empty = apply("ada", { spec: { a: {} } });
    expect(apply("bob", { spec: { a: 1 } }, empty).conflicts).toMatchObject([{ path: "spec.a", managers: ["ada"] }]);
    expect(apply("bob", { spec: { a: [] } }, empty).conflicts).toMatchObject([{ current: {}, wanted: [] }]);
  });

  it("is one with a manager that changed the field by an update", () => {
    const owners = [updated("ui", "spec.replicas")];
    expect(apply("ada", { spec: { replicas: 1 } }, { ...stored, owners }).conflicts).toMatchObject([
      { managers: ["ui"] },
    ]);
  });

  it("is none with what the same manager changed by an update: its apply takes that over", () => {
    const owners = [updated("ada", "spec.replicas", "spec.args")];
    expect(apply("ada", { spec: { replicas: 1 } }, { object: stored.object, owners })).toMatchObject({
      conflicts: [],
      owners: [own("ada", "spec.replicas"), updated("ada", "spec.args")],
    });
  });

  it("takes over what the same manager had already set to that value by an update", () => {
    const owners = [updated("ada", "spec.replicas")];
    expect(apply("ada", { spec: { replicas: 2 } }, { object: { spec: { replicas: 2 } }, owners }).owners).toEqual([
      own("ada", "spec.replicas"),
    ]);
  });

  it("does not remove what the same manager only ever set by an update", () => {
    const owners = [updated("ada", "spec.replicas")];
    const object = { spec: { replicas: 2 } };
    expect(apply("ada", {}, { object, owners })).toEqual({ object, owners, conflicts: [] });
  });
});
