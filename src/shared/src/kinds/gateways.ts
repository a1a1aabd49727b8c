import * as z from "zod";
import { defineKind, type ResourceOf } from "./kind.ts";

export const gateways = defineKind({
  kind: "Gateway",
  singular: "gateway",
  plural: "gateways",
  shortNames: ["gw"],
  scope: "global",
  nameForm: "dns",
  summary: "A gateway with a credential of its own. Only the credential's SHA-256 is stored; deleting revokes it.",
  verbs: ["get", "list", "watch", "create", "delete"],
  isMinted: true,
  spec: z.strictObject({
    description: z.string().max(1_000).optional().describe("Shown to people."),
  }),
  status: z.strictObject({
    creator: z.string().describe("User who made it."),
    sha: z.string().describe("Hex SHA-256 of its credential."),
  }),
  listMapKeys: {},
  columns: [
    { header: "Creator", description: "User who made it.", value: (g) => g.status?.creator },
    { header: "Description", description: "Shown to people.", wide: true, value: (g) => g.spec.description },
    { header: "SHA", description: "Start of its SHA-256.", wide: true, value: (g) => g.status?.sha.slice(0, 12) },
  ],
  examples: [{ metadata: { name: "edge" }, spec: { description: "In front of the cluster" } }],
});

export type Gateway = ResourceOf<typeof gateways>;
