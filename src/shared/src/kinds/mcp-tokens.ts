import * as z from "zod";
import { defineKind, type ResourceOf } from "./kind.ts";
import { nameSchema } from "./metadata.ts";
import { roleBinding } from "./rbac-definitions.ts";

const expiresAt = z.iso
  .datetime()
  .describe("When it stops working, judged by the database's clock; absent means never.");

export const mcpTokens = defineKind({
  kind: "McpToken",
  singular: "mcptoken",
  plural: "mcptokens",
  shortNames: ["token", "tokens"],
  scope: "project",
  nameForm: "dns",
  summary: "A bearer token for the MCP endpoint of one project. Only its SHA-256 is stored.",
  verbs: ["get", "list", "watch", "create", "delete"],
  spec: z.strictObject({
    ttl: z
      .string()
      .optional()
      .describe("Only when creating: a duration such as 30d, 12h or 15m, an RFC 3339 time, or never (the default)."),
    rbac: z
      .enum(["empty", "clone", "explicit"])
      .default("empty")
      .describe(
        "empty: no right besides its project's MCP endpoint. clone: the rights that its creator has when it is minted. " +
          "explicit: roleBindings.",
      ),
    roleBindings: z
      .array(roleBinding)
      .max(1_000)
      .optional()
      .describe(
        "Only when creating, with rbac: explicit: its rights. They are kept in an RbacDefinition of their own.",
      ),
  }),
  status: z.strictObject({
    phase: z.enum(["Active", "Expired", "Revoked"]).describe("Whether it works; its creator's rights apart."),
    creator: nameSchema("principal").describe("User who minted it; it never has a right that this user lacks."),
    sha: z.string().describe("Hex SHA-256 of the token; RBAC subjects name it."),
    definition: z
      .string()
      .optional()
      .describe("RbacDefinition that holds its bindings and ends with it; absent when it was minted with none."),
    expiresAt: expiresAt.optional(),
    revokedAt: z.iso.datetime().optional().describe("When it was revoked."),
    lastUsedAt: z.iso.datetime().optional().describe("Last use, to the minute."),
  }),
  listMapKeys: {},
  columns: [
    { header: "Status", description: "Active, Expired or Revoked.", value: (t) => t.status?.phase },
    { header: "Creator", description: "User who minted it.", value: (t) => t.status?.creator },
    { header: "Expires", description: "When it stops working.", value: (t) => t.status?.expiresAt ?? "never" },
    { header: "Last used", description: "Last use.", value: (t) => t.status?.lastUsedAt },
    { header: "SHA", description: "Start of its SHA-256.", wide: true, value: (t) => t.status?.sha.slice(0, 12) },
  ],
  examples: [{ metadata: { name: "vllm-agent", project: "demo" }, spec: { ttl: "30d" } }],
});

export type McpToken = ResourceOf<typeof mcpTokens>;
export type McpTokenStatus = NonNullable<McpToken["status"]>;
