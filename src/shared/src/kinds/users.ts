import * as z from "zod";
import { CRUD, defineKind, type ResourceOf } from "./kind.ts";

const oidcIdentity = z.strictObject({
  issuer: z
    .url({ protocol: /^https?$/ })
    .max(1_024)
    .describe("Issuer, exactly as its tokens name it."),
  subject: z.string().min(1).max(255).describe("The `sub` that the issuer gives the person; never reused there."),
});
export type OidcIdentity = z.output<typeof oidcIdentity>;

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
    oidc: oidcIdentity.optional().describe("Identity of an OpenID provider with which the user logs in."),
    disabled: z.boolean().default(false).describe("Refuses logins, sessions and every token that the user minted."),
  }),
  status: z.strictObject({}),
  listMapKeys: {},
  columns: [
    { header: "Display name", description: "Shown to people.", value: (u) => u.spec.displayName },
    {
      header: "OIDC subject",
      description: "What its OpenID provider calls the user.",
      wide: true,
      value: (u) => u.spec.oidc?.subject,
    },
    { header: "Disabled", description: "Whether the user is locked out.", value: (u) => String(u.spec.disabled) },
  ],
  examples: [{ metadata: { name: "alice@test.com" }, spec: { displayName: "Alice" } }],
});

export type User = ResourceOf<typeof users>;
