import * as z from "zod";
import { defineKind, type ResourceOf } from "./kind.ts";
import { nameSchema } from "./metadata.ts";

export const instances = defineKind({
  kind: "Instance",
  singular: "instance",
  plural: "instances",
  shortNames: ["inst"],
  scope: "global",
  nameForm: "subdomain",
  summary: "One running copy of a server. Written by the orchestrator.",
  verbs: ["get", "list", "watch"],
  spec: z.strictObject({
    server: nameSchema("dns").describe("The server that it is a copy of."),
    index: z.int().min(0).describe("Which copy, from 0."),
  }),
  status: z.strictObject({
    phase: z
      .enum(["Pending", "Starting", "Running", "CrashLoopBackOff", "Stopping", "Failed"])
      .describe("Where it is in its life."),
    message: z.string().optional().describe("Why, with the end of stderr when the process failed."),
    pid: z.int().optional().describe("Process id on the host of mcpd."),
    restarts: z.int().min(0).describe("Restarts since the spec last changed."),
    startedAt: z.iso.datetime().optional().describe("When the present process started."),
    lastExit: z
      .strictObject({
        code: z.int().nullable().describe("Exit code; null when a signal ended it."),
        signal: z.string().nullable().describe("Signal that ended it."),
        exitedAt: z.iso.datetime().describe("When it ended."),
      })
      .optional()
      .describe("How the previous process ended."),
  }),
  listMapKeys: {},
  columns: [
    { header: "Server", description: "The server that it is a copy of.", value: (i) => i.spec.server },
    { header: "Status", description: "Where it is in its life.", value: (i) => i.status?.phase },
    {
      header: "Restarts",
      description: "Restarts since the spec changed.",
      value: (i) => i.status?.restarts.toString(),
    },
    { header: "PID", description: "Process id.", wide: true, value: (i) => i.status?.pid?.toString() },
  ],
  examples: [{ metadata: { name: "files-0" }, spec: { server: "files", index: 0 } }],
});

export type Instance = ResourceOf<typeof instances>;
export type InstanceStatus = NonNullable<Instance["status"]>;
