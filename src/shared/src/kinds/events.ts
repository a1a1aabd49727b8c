import * as z from "zod";
import { defineKind, READ_ONLY, type ResourceOf } from "./kind.ts";

export const events = defineKind({
  kind: "Event",
  singular: "event",
  plural: "events",
  shortNames: ["ev"],
  scope: "global",
  nameForm: "subdomain",
  summary: "Something that happened to an object. Written by mcpd, kept for a day.",
  verbs: READ_ONLY,
  spec: z.strictObject({
    regarding: z
      .strictObject({
        kind: z.string().describe("Kind of the object."),
        name: z.string().describe("Name of the object."),
      })
      .describe("The object it happened to."),
    type: z.enum(["Normal", "Warning"]).describe("Whether somebody should look."),
    reason: z.string().describe("One word in CamelCase for programs."),
    message: z.string().describe("A sentence for people."),
    count: z.int().min(1).describe("How often it happened."),
    lastSeenAt: z.iso.datetime().describe("When it last happened."),
  }),
  status: z.strictObject({}),
  listMapKeys: {},
  columns: [
    { header: "Last seen", description: "When it last happened.", value: (e) => e.spec.lastSeenAt },
    { header: "Type", description: "Normal or Warning.", value: (e) => e.spec.type },
    { header: "Reason", description: "One word for programs.", value: (e) => e.spec.reason },
    {
      header: "Object",
      description: "The object it happened to.",
      value: (e) => `${e.spec.regarding.kind.toLowerCase()}/${e.spec.regarding.name}`,
    },
    { header: "Message", description: "A sentence for people.", value: (e) => e.spec.message },
  ],
  examples: [
    {
      metadata: { name: "files-crashed" },
      spec: {
        regarding: { kind: "Server", name: "files" },
        type: "Warning",
        reason: "Crashed",
        message: "exited with code 1",
        count: 1,
        lastSeenAt: "2026-01-01T00:00:00.000Z",
      },
    },
  ],
});

export type Event = ResourceOf<typeof events>;
