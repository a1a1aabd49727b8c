import type * as z from "zod";
import { type FieldError, McpctlError } from "./errors.ts";
import { closest } from "./suggest.ts";

/**
 * Parses a value by its schema.
 *
 * @param subject - what it is, as the message begins: `The request body`, `server "files"`.
 * @throws {McpctlError} `invalid`, with every rejected field and a suggestion for each unknown one.
 */
export function parseWith<Schema extends z.ZodType>(schema: Schema, value: unknown, subject: string): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const fields = fieldErrors(parsed.error, schema);
  const suggestion = fields.find((field) => field.suggestion !== undefined)?.suggestion;
  throw new McpctlError(
    "invalid",
    `${subject} is invalid: ${fields.map((f) => `${f.path}: ${f.message}`).join("; ")}`,
    {
      fields: fields.map(({ path, message }) => ({ path, message })),
      ...(suggestion !== undefined && { hint: `Did you mean "${suggestion}"?` }),
    },
  );
}

interface SuggestingFieldError extends FieldError {
  keys: readonly PropertyKey[];
  suggestion?: string | undefined;
}

/** Every issue of a failed parse, one per field; an unknown key is an issue of its own with the closest known one. */
export function fieldErrors(error: z.ZodError, schema: z.ZodType): SuggestingFieldError[] {
  return error.issues.flatMap((issue) => issuesOf(issue, [], schema));
}

function issuesOf(issue: z.core.$ZodIssue, base: PropertyKey[], schema: z.ZodType): SuggestingFieldError[] {
  const keys = [...base, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(schema, keys);
    return issue.keys.map((key) => {
      const suggestion = closest(key, known);
      const also = suggestion === undefined ? "" : `, did you mean "${suggestion}"?`;
      return { path: formatPath([...keys, key]), keys: [...keys, key], message: `unknown field${also}`, suggestion };
    });
  }
  if (issue.code === "invalid_union") {
    const branch = issue.errors.toSorted((a, b) => a.length - b.length)[0];
    if (branch) return branch.flatMap((inner) => issuesOf(inner, keys, schema));
  }
  const message = issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return [{ path: formatPath(keys), keys, message }];
}

/** Writes a path as a user would: `spec.env[0].name`. */
export function formatPath(keys: readonly PropertyKey[]): string {
  const text = keys.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return text.replace(/^\./, "") || "(top level)";
}

interface Definition {
  shape?: Record<string, z.ZodType>;
  innerType?: z.ZodType;
  element?: z.ZodType;
  options?: z.ZodType[];
  in?: z.ZodType;
}

function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- typed per class; these few members are what is read
  const def = schema._zod.def as unknown as Definition;
  const inner = def.innerType ?? def.in;
  if (inner) return knownKeys(inner, path);
  if (def.options) return def.options.flatMap((option) => knownKeys(option, path));
  const [key, ...rest] = path;
  if (key === undefined) return Object.keys(def.shape ?? {});
  if (def.element && typeof key === "number") return knownKeys(def.element, rest);
  const next = def.shape?.[String(key)];
  return next ? knownKeys(next, rest) : [];
}
