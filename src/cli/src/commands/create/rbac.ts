import { rbacDefinitions, type Subject } from "@mcpctl/shared/kinds/rbac-definitions.ts";
import { ACTIONS, SUBJECT_KINDS } from "@mcpctl/shared/rbac/vocabulary.ts";
import { usageError } from "../../args.ts";
import { defineCommand } from "../../command.ts";
import { createObject } from "../../create-object.ts";
import { unknownWord } from "../../usage-faults.ts";
import { parseRoleBinding } from "../rbac-bindings.ts";

export const createRbacCommand = defineCommand({
  description:
    "A binding is role:ROLE,resource:KIND[,name:NAME], or action:ACTION for what is no role on a kind. " +
    "Roles: view, create, delete, edit, run, admin. Resources: a kind in the plural, or * for all. " +
    `Actions: ${ACTIONS.join(", ")}.`,
  examples: [
    "mcpctl create rbac developers --subject User:alice@test.com --roleBindings role:edit,resource:servers",
    "mcpctl create rbac readers --subject Group:devs --roleBindings role:view,resource:servers,name:my-ha",
    "mcpctl create rbac support --subject Group:support --roleBindings action:logs",
  ],
  positionals: { name: { label: "NAME", required: true, description: "Name of the definition." } },
  flags: {
    subject: {
      type: "strings",
      placeholder: "KIND:NAME",
      description: "User:, Group: or McpToken:, and a name. May be repeated.",
    },
    roleBindings: {
      type: "strings",
      long: "roleBindings",
      placeholder: "KEY:VALUE,...",
      description: "What is granted. May be repeated.",
    },
    binding: { type: "strings", placeholder: "OLD", hidden: true, description: "Gone." },
    operation: { type: "strings", placeholder: "OLD", hidden: true, description: "Gone." },
  },

  async run(context, { name, subject, roleBindings, binding, operation }) {
    refuseOldForm(binding, operation);
    if (subject.length === 0)
      throw usageError("--subject is missing", "Say who is granted it: --subject User:alice@test.com");
    if (roleBindings.length === 0) {
      throw usageError("--roleBindings is missing", "Say what is granted: --roleBindings role:view,resource:servers");
    }
    const spec = { subjects: subject.map(parseSubject), roleBindings: roleBindings.map(parseRoleBinding) };
    await createObject(context, { kind: rbacDefinitions, name, spec });
  },
});

function parseSubject(text: string): Subject {
  const colon = text.indexOf(":");
  const word = text.slice(0, Math.max(0, colon)).trim();
  const name = text.slice(colon + 1).trim();
  if (colon < 0 || name === "") {
    throw usageError(`--subject "${text}" is not of the form KIND:NAME`, "For example: --subject User:alice@test.com");
  }
  const kind = SUBJECT_KINDS.find((candidate) => candidate === word);
  if (kind !== undefined) return { kind, name };
  throw unknownWord({ message: `--subject "${text}" has the unknown kind "${word}"`, word, candidates: SUBJECT_KINDS });
}

/** These flags were part of an earlier version; whoever still types them is given the present form to copy. */
function refuseOldForm(bindings: readonly string[], operations: readonly string[]): void {
  if (bindings.length === 0 && operations.length === 0) return;
  const present = [...bindings.map(presentBinding), ...operations.map((action) => `action:${action}`)];
  throw usageError(
    "--binding and --operation are gone",
    `Write ${present.map((binding) => `--roleBindings ${binding}`).join(" ")}`,
  );
}

/** `edit:servers` or `view:servers:my-ha`. */
function presentBinding(old: string): string {
  const [role = "ROLE", resource = "RESOURCE", ...name] = old.split(":");
  return `role:${role},resource:${resource}${name.length === 0 ? "" : `,name:${name.join(":")}`}`;
}
