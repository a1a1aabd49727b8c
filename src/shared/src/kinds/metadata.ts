import * as z from "zod";

const labelKey = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** What a name may look like. `principal` also admits e-mail addresses, which people have as their names. */
export const NAME_PATTERNS = {
  dns: { pattern: /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, words: "lower-case letters, digits and -, at most 63" },
  principal: {
    pattern: /^[a-z0-9]([a-z0-9._@+-]{0,126}[a-z0-9])?$/,
    words: "lower-case letters, digits and . _ @ + -, at most 128",
  },
  subdomain: {
    pattern: /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/,
    words: "lower-case letters, digits, - and ., at most 253",
  },
} as const;
export type NameForm = keyof typeof NAME_PATTERNS;

/** Ids and names share one place in a URL, so a name may not look like an id. */
export function isUid(word: string): boolean {
  return uuid.test(word);
}

export function nameSchema(form: NameForm) {
  const { pattern, words } = NAME_PATTERNS[form];
  return z
    .string()
    .regex(pattern, `must consist of ${words}, and begin and end with a letter or digit`)
    .refine((name) => !isUid(name), "must not have the shape of a uid")
    .describe(`Unique per kind (and project). ${words[0]?.toUpperCase()}${words.slice(1)}.`);
}

const fieldOwner = z.strictObject({
  manager: z.string().describe("Who set the fields, such as mcpctl-apply."),
  operation: z.enum(["Apply", "Update"]).describe("How they were set."),
  fields: z.array(z.string()).describe("Paths of the owned fields."),
});

/** Fields only the server sets. Accepted in a manifest and ignored, so that `get -o yaml | apply -f -` round-trips. */
const observed = {
  uid: z.string().regex(uuid).describe("Never reused."),
  generation: z.int().min(1).describe("Rises by 1 when spec changes."),
  resourceVersion: z.string().describe("Opaque. Send it back to detect a lost update."),
  createdAt: z.iso.datetime().describe("RFC 3339, UTC."),
  updatedAt: z.iso.datetime().describe("RFC 3339, UTC."),
  managedFields: z.array(fieldOwner).describe("Who owns which fields; decides conflicts of apply."),
};

function writable(form: NameForm) {
  return {
    name: nameSchema(form),
    project: nameSchema("dns").optional().describe("Owning project; only kinds of project scope have one."),
    labels: z
      .record(z.string().regex(labelKey, "is not a label key"), z.string().regex(labelValue, "is not a label value"))
      .default({})
      .describe("Pairs to select by."),
    annotations: z
      .record(z.string().regex(labelKey, "is not an annotation key"), z.string().max(65_536))
      .default({})
      .describe("Pairs that tools and people keep notes in."),
  };
}

/** Metadata as a client sends it. */
export function manifestMetadataSchema(form: NameForm) {
  return z.strictObject({ ...writable(form), ...z.object(observed).partial().shape });
}

/** Metadata as the server stores and answers it. */
export const metadataSchema = z.strictObject({ ...writable("principal"), name: z.string(), ...observed });
export type Metadata = z.output<typeof metadataSchema>;
export type FieldOwner = z.output<typeof fieldOwner>;
