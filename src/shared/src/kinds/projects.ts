import * as z from "zod";
import { CRUD, defineKind, type ResourceOf } from "./kind.ts";
import { nameSchema } from "./metadata.ts";
import { toolPolicy } from "./tool-policy.ts";

export const projects = defineKind({
  kind: "Project",
  singular: "project",
  plural: "projects",
  shortNames: ["proj"],
  scope: "global",
  nameForm: "dns",
  summary: "The servers that one MCP endpoint offers together, and how it names their tools.",
  verbs: CRUD,
  spec: z.strictObject({
    description: z.string().max(1_000).optional().describe("Shown to people."),
    servers: z
      .array(nameSchema("dns"))
      .max(1_000)
      .refine((names) => new Set(names).size === names.length, "names a server twice")
      .default([])
      .describe("Servers whose tools the endpoint offers."),
    naming: z
      .enum(["prefix", "transparent"])
      .default("prefix")
      .describe("prefix: <server>__<tool>. transparent: the tool's own name where no two servers share it."),
    proxyModel: nameSchema("dns").default("default").describe("Content pipeline that results pass through."),
    tools: toolPolicy.describe("Tools that may be seen and called, by the names that the endpoint gives them."),
  }),
  status: z.strictObject({}),
  listMapKeys: { "spec.servers": "", "spec.tools.allow": "", "spec.tools.deny": "" },
  columns: [
    { header: "Servers", description: "Servers it offers.", value: (p) => p.spec.servers.join(",") || undefined },
    { header: "Naming", description: "How tools are named.", value: (p) => p.spec.naming },
    { header: "Proxy model", description: "Its content pipeline.", wide: true, value: (p) => p.spec.proxyModel },
  ],
  examples: [
    {
      metadata: { name: "demo" },
      spec: { servers: ["files", "search"], naming: "prefix", proxyModel: "default" },
    },
  ],
});

export type Project = ResourceOf<typeof projects>;
