import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  rbacDefinitions,
  type RbacDefinition,
  type RoleBinding,
  type Subject,
} from "../../src/kinds/rbac-definitions.ts";
import { canAccess, canRunOperation, covers, type Definitions, getAllowedScope } from "../../src/rbac/evaluate.ts";
import type { TokenPrincipal, UserPrincipal } from "../../src/rbac/principal.ts";
import { ACTIONS, RESOURCE_ROLES, ROLE_VERBS } from "../../src/rbac/vocabulary.ts";

const SHA = "a".repeat(64);
const alice: UserPrincipal = { kind: "User", name: "alice", groups: ["devs"] };
const token: TokenPrincipal = { kind: "McpToken", name: "ci", project: "demo", sha: SHA, creator: alice };

function grant(subject: Subject, ...roleBindings: RoleBinding[]): Definitions[number] {
  const metadata = { name: "given" } as RbacDefinition["metadata"];
  return { metadata, spec: rbacDefinitions.spec.parse({ subjects: [subject], roleBindings }) };
}
const toAlice = (...bindings: RoleBinding[]) => grant({ kind: "User", name: "alice" }, ...bindings);
const toToken = (...bindings: RoleBinding[]) => grant({ kind: "McpToken", name: SHA }, ...bindings);

describe("canAccess", () => {
  it("refuses everything when nothing is granted", () => {
    expect(canAccess([], alice, { verb: "get", resource: "servers", name: "files" }).allowed).toBe(false);
    expect(canRunOperation([], alice, "logs").allowed).toBe(false);
  });

  it("names the binding that decided", () => {
    const definitions = [toAlice({ role: "edit", resource: "servers" })];
    expect(canAccess(definitions, alice, { verb: "update", resource: "servers", name: "x" })).toEqual({
      allowed: true,
      by: "given: edit servers",
    });
  });

  it("grants a group's members what the group has", () => {
    const definitions = [grant({ kind: "Group", name: "devs" }, { role: "view", resource: "projects" })];
    expect(canAccess(definitions, alice, { verb: "list", resource: "projects" }).allowed).toBe(true);
    expect(canAccess(definitions, { ...alice, groups: [] }, { verb: "list", resource: "projects" }).allowed).toBe(
      false,
    );
  });

  it("keeps a name-scoped binding from listing the others and from creating", () => {
    const definitions = [toAlice({ role: "edit", resource: "servers", name: "mine" })];
    const can = (verb: "get" | "list" | "create" | "update", name?: string) =>
      canAccess(definitions, alice, { verb, resource: "servers", name }).allowed;
    expect([can("get", "mine"), can("update", "mine")]).toEqual([true, true]);
    expect([can("get", "other"), can("list"), can("create"), can("create", "mine")]).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(getAllowedScope(definitions, alice, { verb: "list", resource: "servers" })).toEqual(new Set(["mine"]));
  });

  it("lets admin on * do every verb and every action", () => {
    const definitions = [toAlice({ role: "admin", resource: "*" })];
    for (const verb of ROLE_VERBS.admin)
      expect(canAccess(definitions, alice, { verb, resource: "secrets" }).allowed).toBe(true);
    for (const action of ACTIONS) expect(canRunOperation(definitions, alice, action).allowed).toBe(true);
  });

  it("grants nothing for a role that it does not know", () => {
    const definitions = [
      { ...toAlice(), spec: { ...toAlice().spec, roleBindings: [{ role: "constructor", resource: "*" }] } },
    ];
    expect(canAccess(definitions as unknown as Definitions, alice, { verb: "get", resource: "servers" }).allowed).toBe(
      false,
    );
  });
});

describe("a token", () => {
  const useDemo = { verb: "use", resource: "projects", name: "demo" } as const;

  it("may use its own project while its creator may view it", () => {
    expect(canAccess([toAlice({ role: "view", resource: "projects" })], token, useDemo).allowed).toBe(true);
    expect(canAccess([], token, useDemo)).toEqual({
      allowed: false,
      by: "its creator alice may not view project demo",
    });
  });

  it("may not use another project", () => {
    const definitions = [toAlice({ role: "admin", resource: "*" })];
    expect(canAccess(definitions, token, { ...useDemo, name: "other" }).allowed).toBe(false);
  });

  it("has no right that its creator lacks, whoever granted it", () => {
    const edit = { role: "edit", resource: "servers" } as const;
    const update = { verb: "update", resource: "servers", name: "x" } as const;
    expect(canAccess([toToken(edit)], token, update).allowed).toBe(false);
    expect(canAccess([toToken(edit), toAlice(edit)], token, update).allowed).toBe(true);
    expect(canRunOperation([toToken({ role: "run", action: "logs" })], token, "logs").allowed).toBe(false);
  });

  it("can never grant", () => {
    const all = { role: "admin", resource: "*" } as const;
    expect(canAccess([toToken(all), toAlice(all)], token, { verb: "grant", resource: "servers" }).allowed).toBe(false);
  });
});

const resource = fc.constantFrom("servers", "projects", "*");
const name = fc.option(fc.constantFrom("a", "b"), { nil: undefined });
const binding: fc.Arbitrary<RoleBinding> = fc.oneof(
  fc
    .record({ role: fc.constantFrom(...RESOURCE_ROLES), resource, name })
    .map(({ name: scoped, ...rest }) => (scoped === undefined ? rest : { ...rest, name: scoped })),
  fc.constantFrom(...ACTIONS).map((action) => ({ role: "run" as const, action })),
);
const bindings = fc.array(binding, { maxLength: 4 });

describe("any set of bindings", () => {
  const access = fc.record({
    verb: fc.constantFrom(...ROLE_VERBS.admin),
    resource: fc.constantFrom("servers", "projects"),
    name,
  });

  it("gives a token at most what its creator has, its own project apart", () => {
    fc.assert(
      fc.property(bindings, bindings, access, (own, creators, asked) => {
        const definitions = [toToken(...own), toAlice(...creators)];
        const isOwnProject = asked.verb === "use" && asked.resource === "projects" && String(asked.name) === "demo";
        fc.pre(!isOwnProject);
        if (!canAccess(definitions, token, asked).allowed) return true;
        return canAccess(definitions, alice, asked).allowed;
      }),
    );
  });

  it("shows in a list exactly the names that may be got", () => {
    fc.assert(
      fc.property(bindings, (own) => {
        const definitions = [toAlice(...own)];
        const scope = getAllowedScope(definitions, alice, { verb: "get", resource: "servers" });
        return ["a", "b"].every((each) => {
          const inScope = scope === "all" || scope.has(each);
          return inScope === canAccess(definitions, alice, { verb: "get", resource: "servers", name: each }).allowed;
        });
      }),
    );
  });

  it("covers a binding only where granting it gives nothing new", () => {
    fc.assert(
      fc.property(bindings, binding, access, (own, handed, asked) => {
        const definitions = [toAlice(...own)];
        fc.pre(covers(definitions, alice, handed));
        const bob: UserPrincipal = { kind: "User", name: "bob", groups: [] };
        const withBob = [...definitions, grant({ kind: "User", name: "bob" }, handed)];
        return !canAccess(withBob, bob, asked).allowed || canAccess(definitions, alice, asked).allowed;
      }),
      { numRuns: 1_000 },
    );
  });
});
