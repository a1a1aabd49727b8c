import * as z from "zod";
import { CRUD, defineKind, type ResourceOf } from "./kind.ts";

export const users = defineKind({
  kind: "User",
  singular: "user",
  plural: "users",
  shortNames: [],
  scope: "global",
  nameForm: "principal",
  summary: "A person who may log in. The password is set apart and never read back.",
  verbs: CRUD,
  spec: z.strictObject({
    displayName: z.string().max(200).optional().describe("Shown to people."),
    disabled: z.boolean().default(false).describe("Refuses logins, sessions and every token that the user minted."),
  }),
  status: z.strictObject({}),
  listMapKeys: {},
  columns: [
    { header: "Display name", description: "Shown to people.", value: (u) => u.spec.displayName },
    { header: "Disabled", description: "Whether the user is locked out.", value: (u) => String(u.spec.disabled) },
  ],
  examples: [{ metadata: { name: "alice@test.com" }, spec: { displayName: "Alice" } }],
});

export type User = ResourceOf<typeof users>;
