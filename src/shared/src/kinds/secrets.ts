import * as z from "zod";
import { CRUD, defineKind } from "./kind.ts";

const MAX_VALUE_LENGTH = 65_536;

/** Name of a value inside a Secret. */
export const secretKey = z
  .string()
  .regex(
    /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,128}$/,
    "must consist of letters, digits and . _ -, at most 128, and be neither . nor ..",
  );

const value = z
  .string()
  .max(MAX_VALUE_LENGTH)
  .refine((text) => !text.includes("\0"), "must not contain a NUL character")
  .meta({ secret: true, description: "A value. Read back, it is [redacted]; written so, it stays what it is." });

export const secrets = defineKind({
  kind: "Secret",
  singular: "secret",
  plural: "secrets",
  shortNames: [],
  scope: "global",
  nameForm: "dns",
  summary: "Values for servers that nobody reads back: encrypted where they are stored, and masked in every answer.",
  verbs: CRUD,
  spec: z.strictObject({
    description: z.string().max(1_000).optional().describe("Shown to people."),
    data: z
      .record(secretKey, value)
      .refine((data) => Object.keys(data).length <= 256, "holds more than 256 values")
      .default({})
      .describe("Values by their key, which secretRefs of servers name."),
  }),
  status: z.strictObject({}),
  listMapKeys: {},
  columns: [
    {
      header: "Keys",
      description: "Keys that it has values for.",
      value: (s) => Object.keys(s.spec.data).toSorted().join(",") || undefined,
    },
    { header: "Description", description: "Shown to people.", wide: true, value: (s) => s.spec.description },
  ],
  examples: [{ metadata: { name: "files" }, spec: { data: { "api-key": "the value" } } }],
});
