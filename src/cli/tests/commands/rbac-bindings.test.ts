import { McpctlError } from "@mcpctl/shared/errors.ts";
import { RBAC_RESOURCES, RESOURCE_ALIASES } from "@mcpctl/shared/kinds/index.ts";
import { rbacDefinitions, type RoleBinding } from "@mcpctl/shared/kinds/rbac-definitions.ts";
import { ACTIONS, RESOURCE_ROLES } from "@mcpctl/shared/rbac/vocabulary.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatRoleBinding, parseRoleBinding } from "../../src/commands/rbac-bindings.ts";

/** What a refusal says, in one line. */
function refusal(entry: string): string {
  try {
    parseRoleBinding(entry);
  } catch (thrown) {
    if (thrown instanceof McpctlError && thrown.code === "invalid") return `${thrown.message} | ${thrown.hint}`;
    throw thrown;
  }
  throw new Error(`${entry} was accepted`);
}

describe("parseRoleBinding", () => {
  it.each<[string, RoleBinding]>([
    ["role:view,resource:servers", { role: "view", resource: "servers" }],
    ["role:view,resource:servers,name:my-ha", { role: "view", resource: "servers", name: "my-ha" }],
    ["resource:servers,role:edit", { role: "edit", resource: "servers" }],
    ["role:admin,resource:*", { role: "admin", resource: "*" }],
    ["role:run,resource:projects,name:demo", { role: "run", resource: "projects", name: "demo" }],
    ["action:logs", { role: "run", action: "logs" }],
    ["action:run-command", { role: "run", action: "run-command" }],
  ])("reads %s", (entry, binding) => {
    expect(parseRoleBinding(entry)).toEqual(binding);
  });

  it("trims keys and values", () => {
    expect(parseRoleBinding("  role : view ,resource: servers , name:\tx ")).toEqual({
      role: "view",
      resource: "servers",
      name: "x",
    });
  });

  it("ends a key at its first colon, so that a name may have colons", () => {
    expect(parseRoleBinding("role:view,resource:users,name:oidc:alice:1")).toEqual({
      role: "view",
      resource: "users",
      name: "oidc:alice:1",
    });
  });

  it("takes every word of a kind, in any case, for its plural", () => {
    for (const [alias, resource] of Object.entries(RESOURCE_ALIASES)) {
      expect(parseRoleBinding(`role:view,resource:${alias}`)).toEqual({ role: "view", resource });
      expect(parseRoleBinding(`role:view,resource:${alias.toUpperCase()}`)).toEqual({ role: "view", resource });
    }
  });

  it("takes role:run beside an action, as files have it", () => {
    expect(parseRoleBinding("role:run,action:logs")).toEqual({ role: "run", action: "logs" });
  });

  it.each([
    ["", /has an empty pair \| Write it as role:view,resource:servers/],
    ["role:view,,resource:servers", /has an empty pair \| .*single commas/],
    ["role:view,resource:servers,", /has an empty pair/],
    ["view", /has "view", which is no key:value pair \| Write it as role:view,resource:servers or action:logs/],
    ["role=view,resource=servers", /no key:value pair \| Write role:view, with a colon/],
    ["role:,resource:servers", /has no value for "role" \| Write it as role:VALUE/],
    ["role:view,resource: ", /has no value for "resource"/],
    ["role:view,resource:servers,name:", /has no value for "name"/],
    ["action:", /has no value for "action"/],
    [":view", /has the unknown key "" \| The keys are role, resource, name, action/],
    ["rol:view,resource:servers", /has the unknown key "rol" \| Did you mean "role"\?/],
    ["toString:x", /has the unknown key "toString"/],
    ["__proto__:x", /has the unknown key "__proto__"/],
    ["edit:servers", /has the unknown key "edit" \| Write it as role:edit,resource:servers/],
    ["role:view,role:edit,resource:servers", /names "role" twice \| Keep one role:/],
    ["role:view,resource:servers,resource:users", /names "resource" twice/],
    ["action:logs,action:audit", /names "action" twice/],
    ["action:logs,resource:servers", /has both action and resource \| An action has no resource: write action:logs/],
    ["action:logs,name:x", /has both action and name \| An action has no name/],
    ["role:view,action:logs", /has both action and role:view \| Actions are run: write action:logs alone/],
    ["resource:servers", /has no role \| Add one, such as role:view; the roles are view, create/],
    ["name:x", /has no role/],
    ["role:view", /has no resource \| Add one, such as resource:servers, or resource:\* for all/],
    ["role:view,name:x", /has no resource/],
    ["role:run", /has no resource \| .*for an action write action:logs/],
    [
      "role:veiw,resource:servers",
      /has the unknown role "veiw" \| The roles are|has the unknown role "veiw" \| Did you mean/,
    ],
    ["role:edti,resource:servers", /has the unknown role "edti"/],
    ["role:viewer,resource:servers", /has the unknown role "viewer" \| Did you mean role:view\?/],
    [
      "role:owner,resource:servers",
      /has the unknown role "owner" \| The roles are view, create, delete, edit, run, admin/,
    ],
    ["role:toString,resource:servers", /has the unknown role "toString"/],
    ["role:view,resource:serverz", /has the unknown resource "serverz" \| Did you mean resource:servers?\?/],
    ["role:view,resource:pods", /has the unknown resource "pods"/],
    ["role:view,resource:constructor", /has the unknown resource "constructor" \| The resources are \*, servers/],
    ["action:log", /has the unknown action "log" \| Did you mean action:logs\?/],
    ["action:fly", /has the unknown action "fly" \| The actions are logs, restart/],
  ])("refuses %j and names the fix", (entry, message) => {
    expect(refusal(entry)).toMatch(message);
  });

  it("quotes the entry, so that it is found among several", () => {
    expect(refusal("role:view")).toMatch(/^Role binding "role:view" has no resource/);
  });
});

describe("formatRoleBinding", () => {
  const name = fc.stringMatching(/^[a-z0-9][a-z0-9:@._-]{0,20}$/);
  const onResource = fc.record(
    { role: fc.constantFrom(...RESOURCE_ROLES), resource: fc.constantFrom(...RBAC_RESOURCES), name },
    { requiredKeys: ["role", "resource"] },
  );
  const onAction = fc.record({ role: fc.constant("run" as const), action: fc.constantFrom(...ACTIONS) });
  const binding: fc.Arbitrary<RoleBinding> = fc.oneof(onResource, onAction);

  it("is undone by parsing", () => {
    fc.assert(
      fc.property(binding, (given) => {
        expect(parseRoleBinding(formatRoleBinding(given))).toEqual(given);
      }),
    );
  });

  it("is undone by parsing in any order and with any spaces", () => {
    fc.assert(
      fc.property(binding, fc.boolean(), fc.constantFrom("", " ", "\t "), (given, isReversed, space) => {
        const pairs = formatRoleBinding(given).split(",");
        const typed = (isReversed ? pairs.toReversed() : pairs).map(
          (pair) => space + pair.replace(":", `${space}:${space}`) + space,
        );
        expect(parseRoleBinding(typed.join(","))).toEqual(given);
      }),
    );
  });

  it("never lets anything through that the schema of a definition refuses", () => {
    const word = fc.oneof(
      fc.constantFrom("role", "resource", "name", "action", "view", "servers", "logs", "run"),
      fc.string(),
    );
    const entry = fc.array(
      fc.oneof(
        fc.tuple(word, word).map((pair) => pair.join(":")),
        fc.string(),
      ),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(entry, (parts) => {
        const parsed = attempt(parts.join(","));
        if (parsed) expect(rbacDefinitions.spec.safeParse({ subjects: [], roleBindings: [parsed] }).success).toBe(true);
      }),
    );
  });
});

function attempt(entry: string): RoleBinding | undefined {
  try {
    return parseRoleBinding(entry);
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: "invalid", hint: expect.stringMatching(/./) });
    return undefined;
  }
}
