import fc from "fast-check";
import { ACTIONS, ANY_OTHER, type Binding, NAMES, RESOURCES, VERBS } from "./rights.ts";

/** People that every program begins with; the first may do everything. */
export const USERS = ["admin", "ann", "ben", "cal"];
export const GROUPS = ["devs", "ops"];
export const PROJECTS = ["a", "b"];

/** `who` picks an actor, `which` an object, among those that there are. */
export type Step =
  | {
      do: "define";
      who: number;
      name: string;
      subject: { kind: "User" | "Group" | "McpToken"; which: number };
      bindings: Binding[];
    }
  | { do: "undefine"; who: number; name: string }
  | { do: "members"; who: number; group: string; members: string[] }
  | { do: "mint"; who: number; project: string; rights: "empty" | "clone" | Binding[] }
  | { do: "revoke" | "delete-token"; who: number; which: number }
  | { do: "disable"; user: string; disabled: boolean }
  | { do: "ask"; who: number; verb: string; resource: string; name: string }
  /** Asks for something that a definition grants, whether it counts or not. */
  | { do: "ask-granted"; who: number; which: number }
  | { do: "ask-action"; who: number; action: string }
  | { do: "list"; who: number };

const anybody = fc.nat({ max: 30 });
/** Changes are mostly made by somebody who may: otherwise there is little to use. */
const who = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: anybody });
const binding: fc.Arbitrary<Binding> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      role: fc.constantFrom("view", "create", "delete", "edit", "run", "admin"),
      resource: fc.constantFrom(...RESOURCES),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      role: fc.constantFrom("view", "delete", "edit", "run", "admin"),
      resource: fc.constantFrom("*", ...RESOURCES),
      name: fc.constantFrom(...NAMES),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom("view", "edit", "admin").map((role) => ({ role, resource: "*" }) as const) },
  { weight: 2, arbitrary: fc.constantFrom(...ACTIONS).map((action) => ({ role: "run" as const, action })) },
) as fc.Arbitrary<Binding>;
const bindings = fc.array(binding, { minLength: 1, maxLength: 3 });
const named = fc.constantFrom("d0", "d1", "d2", "d3", "d4");

const changes: fc.Arbitrary<Step>[] = [
  fc.record({
    do: fc.constant("define" as const),
    who,
    name: named,
    subject: fc.record({ kind: fc.constantFrom("User" as const, "Group" as const, "McpToken" as const), which: who }),
    bindings,
  }),
  fc.record({ do: fc.constant("undefine" as const), who, name: named }),
  fc.record({
    do: fc.constant("members" as const),
    who,
    group: fc.constantFrom(...GROUPS),
    members: fc.subarray(USERS),
  }),
  fc.record({
    do: fc.constant("mint" as const),
    who: anybody.map((at) => at & ~1),
    project: fc.constantFrom(...PROJECTS),
    rights: fc.oneof(fc.constantFrom("empty" as const, "clone" as const), bindings),
  }),
  fc.record({ do: fc.constantFrom("revoke" as const, "delete-token" as const), who, which: who }),
  fc.record({ do: fc.constant("disable" as const), user: fc.constantFrom(...USERS.slice(1)), disabled: fc.boolean() }),
];
/** What a definition grants is where an error would show, above all to tokens, whose creators may have lost it. */
const uses: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("ask-granted" as const),
      who: anybody.map((at) => at | 1),
      which: fc.nat({ max: 1_000 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("ask" as const),
      who: anybody,
      verb: fc.constantFrom(...VERBS),
      resource: fc.constantFrom(...RESOURCES),
      name: fc.constantFrom("", ANY_OTHER, ...NAMES),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("ask-action" as const),
      who: anybody,
      action: fc.constantFrom(...ACTIONS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("list" as const), who: anybody }) },
);

/** A program, in which for each change there are a few uses. */
export function programs(length: number): fc.Arbitrary<Step[]> {
  const step = fc.oneof({ weight: 1, arbitrary: fc.oneof(...changes) }, { weight: 5, arbitrary: uses });
  return fc.array(step, { minLength: length, maxLength: length, size: "max" });
}
