import * as z from "zod";
import { ACTIONS, RESOURCE_ROLES, SUBJECT_KINDS } from "../rbac/vocabulary.ts";
import { CRUD, defineKind, type ResourceOf } from "./kind.ts";

const subject = z.strictObject({
  kind: z.enum(SUBJECT_KINDS).describe("User, Group, or McpToken."),
  name: z.string().min(1).max(253).describe("Name of the user or group; hex SHA-256 of the token."),
});

const resourceBinding = z.strictObject({
  role: z.enum(RESOURCE_ROLES).describe("What may be done."),
  resource: z.string().min(1).describe("Plural of a kind, its singular or short name, or * for all."),
  name: z.string().min(1).max(253).optional().describe("Narrows the binding to one object."),
});

const actionBinding = z.strictObject({
  role: z.literal("run").describe("Actions are run."),
  action: z.enum(ACTIONS).describe("The action that may be run."),
});

export const roleBinding = z.union([resourceBinding, actionBinding]);

export const rbacDefinitions = defineKind({
  kind: "RbacDefinition",
  singular: "rbac",
  plural: "rbac",
  shortNames: ["rbacdefinition", "rbacdefinitions"],
  scope: "global",
  nameForm: "subdomain",
  summary: "Grants roles to people, groups and tokens.",
  verbs: CRUD,
  spec: z.strictObject({
    subjects: z.array(subject).max(1_000).default([]).describe("Who is granted the bindings."),
    roleBindings: z
      .array(roleBinding)
      .max(1_000)
      .default([])
      .describe("What is granted: { role, resource, name? } or { role: run, action }."),
  }),
  status: z.strictObject({}),
  listMapKeys: {},
  columns: [
    {
      header: "Subjects",
      description: "Who is granted the bindings.",
      value: (r) => r.spec.subjects.map((s) => `${s.kind}:${s.name}`).join(",") || undefined,
    },
    { header: "Bindings", description: "How many roles it grants.", value: (r) => `${r.spec.roleBindings.length}` },
  ],
  examples: [
    {
      metadata: { name: "developers" },
      spec: {
        subjects: [
          { kind: "User", name: "alice@test.com" },
          { kind: "Group", name: "devs" },
        ],
        roleBindings: [
          { role: "edit", resource: "servers" },
          { role: "view", resource: "servers", name: "my-ha" },
          { role: "run", action: "logs" },
        ],
      },
    },
  ],
});

export type RbacDefinition = ResourceOf<typeof rbacDefinitions>;
export type Subject = z.output<typeof subject>;
export type RoleBinding = z.output<typeof roleBinding>;
