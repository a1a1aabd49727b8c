import * as z from "zod";
import { CRUD, defineKind, type ResourceOf } from "./kind.ts";
import { nameSchema } from "./metadata.ts";

export const groups = defineKind({
  kind: "Group",
  singular: "group",
  plural: "groups",
  shortNames: [],
  scope: "global",
  nameForm: "principal",
  summary: "People who share rights.",
  verbs: CRUD,
  spec: z.strictObject({
    members: z.array(nameSchema("principal")).max(10_000).default([]).describe("Names of the users in the group."),
  }),
  status: z.strictObject({}),
  listMapKeys: { "spec.members": "" },
  columns: [{ header: "Members", description: "How many users are in it.", value: (g) => `${g.spec.members.length}` }],
  examples: [{ metadata: { name: "devs" }, spec: { members: ["alice@test.com"] } }],
});

export type Group = ResourceOf<typeof groups>;
