import * as z from "zod";
import { defineKind, READ_ONLY } from "./kind.ts";

export const proxyModels = defineKind({
  kind: "ProxyModel",
  singular: "proxymodel",
  plural: "proxymodels",
  shortNames: ["pm"],
  scope: "global",
  nameForm: "dns",
  summary: "A content pipeline that results pass through. Only the built-in default, which changes nothing, exists.",
  verbs: READ_ONLY,
  spec: z.strictObject({
    description: z.string().max(1_000).optional().describe("Shown to people."),
  }),
  status: z.strictObject({}),
  listMapKeys: {},
  columns: [{ header: "Description", description: "Shown to people.", value: (p) => p.spec.description }],
  examples: [{ metadata: { name: "default" }, spec: { description: "Passes everything on unchanged." } }],
});
