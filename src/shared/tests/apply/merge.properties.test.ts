import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyMerge, ownersAfterUpdate, type ApplyOutcome } from "../../src/apply/merge.ts";
import type { Json } from "../../src/json.ts";
import { listMapKeys, manifest } from "./arbitraries.ts";
import { EMPTY, leafValues, toCanonicalText } from "./leaf-values.ts";

interface Step {
  verb: "apply" | "force" | "update";
  manager: string;
  content: Json;
}

const step: fc.Arbitrary<Step> = fc.record({
  verb: fc.constantFrom("apply", "force", "update"),
  manager: fc.constantFrom("ada", "bob", "cid"),
  content: manifest,
});
const history = fc.array(step, { maxLength: 6 });
const nothing: ApplyOutcome = { object: {}, owners: [], conflicts: [] };

function apply(to: ApplyOutcome, manager: string, applied: Json, force = false): ApplyOutcome {
  return applyMerge({ current: to.object, owners: to.owners, applied, manager, force, listMapKeys });
}

/** What a server does: a refused apply changes nothing. */
function take(to: ApplyOutcome, { verb, manager, content }: Step): ApplyOutcome {
  if (verb === "update") {
    const owners = ownersAfterUpdate({ before: to.object, after: content, owners: to.owners, manager, listMapKeys });
    return { object: content, owners, conflicts: [] };
  }
  const outcome = apply(to, manager, content, verb === "force");
  return outcome.conflicts.length > 0 ? to : outcome;
}

function replay(steps: Step[]): ApplyOutcome {
  return steps.reduce(take, nothing);
}

function leaves(object: Json): Map<string, string> {
  return leafValues(object, listMapKeys);
}

/** Leaves without the empty objects and lists, which others may fill. */
function contents(object: Json): Map<string, string> {
  return new Map([...leaves(object)].filter(([, value]) => value !== EMPTY));
}

function fieldsOf({ owners }: ApplyOutcome, isAsked: (manager: string) => boolean): string[] {
  return owners.filter(({ manager }) => isAsked(manager)).flatMap(({ fields }) => fields);
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}

describe("applyMerge, whatever happened before", () => {
  it("changes nothing when the same manifest is applied again", () => {
    fc.assert(
      fc.property(history, manifest, (steps, applied) => {
        const once = apply(replay(steps), "ada", applied, true);
        const twice = apply(once, "ada", applied);
        expect(JSON.stringify(twice)).toBe(JSON.stringify(once));
      }),
    );
  });

  it("sets everything that is applied, and the manager owns exactly that", () => {
    fc.assert(
      fc.property(history, manifest, (steps, applied) => {
        const { object, owners } = apply(replay(steps), "ada", applied, true);
        const result = leaves(object);
        for (const [path, value] of contents(applied)) expect(result.get(path)).toBe(value);
        const own = owners.find(({ manager, operation }) => manager === "ada" && operation === "Apply");
        expect(own?.fields ?? []).toEqual([...leaves(applied).keys()].toSorted());
      }),
    );
  });

  it("without a conflict neither changes nor removes what another manager owns", () => {
    fc.assert(
      fc.property(history, manifest, (steps, applied) => {
        const before = replay(steps);
        const outcome = apply(before, "ada", applied);
        fc.pre(outcome.conflicts.length === 0);
        const isOther = (manager: string) => manager !== "ada";
        expect(fieldsOf(outcome, isOther)).toEqual(fieldsOf(before, isOther));
        const [old, now] = [contents(before.object), contents(outcome.object)];
        for (const path of fieldsOf(before, isOther)) expect(now.get(path)).toBe(old.get(path));
      }),
    );
  });

  it("gives with a conflict what it gives with force, and takes only what is in conflict", () => {
    fc.assert(
      fc.property(history, manifest, (steps, applied) => {
        const before = replay(steps);
        const { conflicts, ...outcome } = apply(before, "ada", applied);
        const forced = apply(before, "ada", applied, true);
        expect(forced).toEqual({ ...outcome, conflicts: [] });
        const kept = fieldsOf(forced, (manager) => manager !== "ada");
        const lost = fieldsOf(before, (manager) => manager !== "ada").filter((path) => !kept.includes(path));
        expect(lost.every((path) => conflicts.some((conflict) => path.startsWith(conflict.path)))).toBe(true);
        expect(lost.length > 0).toBe(conflicts.length > 0);
      }),
    );
  });

  it("removes with an empty manifest what the manager alone applied, and leaves the others their values", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const before = replay(steps);
        const outcome = apply(before, "ada", {});
        expect(outcome.conflicts).toEqual([]);
        expect(outcome.owners).toEqual(
          before.owners.filter(({ manager, operation }) => manager !== "ada" || operation !== "Apply"),
        );
        const [old, now] = [contents(before.object), contents(outcome.object)];
        const others = new Set(outcome.owners.flatMap(({ fields }) => fields));
        for (const path of others) expect(now.get(path)).toBe(old.get(path));
        const gone =
          before.owners.find(({ manager, operation }) => manager === "ada" && operation === "Apply")?.fields ?? [];
        for (const path of gone) if (!others.has(path) && now.has(path)) expect(path).toMatch(/\.(name|id)$/);
      }),
    );
  });

  it("lets two managers own one field only with one value", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const applied = new Map<string, Map<string, string>>();
        let state = nothing;
        for (const one of steps) {
          const next = take(state, one);
          if (next !== state)
            applied.set(`${one.manager} ${one.verb === "update" ? "Update" : "Apply"}`, contents(one.content));
          state = next;
        }
        const result = contents(state.object);
        for (const { manager, operation, fields } of state.owners) {
          for (const path of fields) expect(applied.get(`${manager} ${operation}`)?.get(path)).toBe(result.get(path));
        }
      }),
    );
  });

  it("changes none of its inputs", () => {
    fc.assert(
      fc.property(history, manifest, (steps, applied) => {
        const { object, owners } = freeze(replay(steps.map(freeze)));
        expect(() => apply({ ...nothing, object, owners }, "ada", freeze(applied))).not.toThrow();
        expect(() =>
          take({ ...nothing, object, owners }, { verb: "update", manager: "bob", content: applied }),
        ).not.toThrow();
      }),
    );
  });

  it("claims nothing that is not there, sorted and once", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const { object, owners } = replay(steps);
        const paths = [...leaves(object).keys()];
        for (const { fields } of owners) {
          expect(fields).toEqual([...new Set(fields)].toSorted());
          expect(fields.every((field) => paths.some((path) => path.startsWith(field)))).toBe(true);
        }
      }),
    );
  });
});

describe("applyMerge, one manager alone", () => {
  it("ends with exactly the last manifest, list order included", () => {
    fc.assert(
      fc.property(manifest, manifest, (first, second) => {
        const outcome = apply(apply(nothing, "ada", first), "ada", second);
        expect(outcome.conflicts).toEqual([]);
        expect(toCanonicalText(outcome.object)).toBe(toCanonicalText(second));
      }),
    );
  });
});

describe("applyMerge, two managers with disjoint fields", () => {
  const disjoint = fc.tuple(manifest, fc.infiniteStream(fc.boolean())).map(([whole, coin]) => split(whole, coin));

  it("never conflict, and both keep theirs", () => {
    fc.assert(
      fc.property(disjoint, ([left, right]) => {
        const first = apply(nothing, "ada", left);
        const both = apply(first, "bob", right);
        expect(both.conflicts).toEqual([]);
        const result = leaves(both.object);
        for (const [path, value] of [...contents(left), ...contents(right)]) expect(result.get(path)).toBe(value);
        expect(apply(both, "ada", left)).toEqual(both);
        expect(toCanonicalText(apply(both, "ada", {}).object)).toBe(toCanonicalText(right));
      }),
    );
  });

  const dealtLists = new Set(["env", "servers", "rules"]);

  /** Deals the fields of every object and the items of keyed lists and sets to two managers. */
  function split(value: Json, coin: Iterator<boolean>): [Json, Json] {
    if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Error("not an object");
    const hands: [[string, Json][], [string, Json][]] = [[], []];
    for (const [name, field] of Object.entries(value)) {
      if (Array.isArray(field) && dealtLists.has(name)) {
        const sides = field.map((item) => [coin.next().value === true, item] as const);
        for (const hand of [0, 1] as const) {
          hands[hand].push([name, sides.filter(([isLeft]) => isLeft === (hand === 0)).map(([, item]) => item)]);
        }
        continue;
      }
      const isObject = field !== null && typeof field === "object" && !Array.isArray(field);
      const isSplit = isObject && Object.keys(field).length > 1 && coin.next().value === true;
      if (isSplit) split(field, coin).forEach((part, hand) => hands[hand]?.push([name, part]));
      else hands[coin.next().value === true ? 0 : 1].push([name, field]);
    }
    return [Object.fromEntries(hands[0]), Object.fromEntries(hands[1])];
  }
});
