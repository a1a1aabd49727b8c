import type * as z from "zod";
import { formatPath } from "../validate.ts";

/**
 * Stands in every answer for the value of a field that is marked `.meta({ secret: true })`. Written back, it keeps the
 * value that is stored.
 */
const SECRET_MASK = "[redacted]";

/** Called for each marked value with its path, such as `data.api-key`; what it returns takes the place of the value. */
type Replace = (value: unknown, path: string) => unknown;

interface Definition {
  shape?: Record<string, z.ZodType>;
  innerType?: z.ZodType;
  element?: z.ZodType;
  valueType?: z.ZodType;
  options?: z.ZodType[];
  left?: z.ZodType;
  right?: z.ZodType;
  in?: z.ZodType;
}

/** Whether anything in a schema is marked as secret. */
export function hasSecretFields(schema: z.ZodType): boolean {
  const known = marked.get(schema);
  if (known !== undefined) return known;
  const found = isSecret(schema) || partsOf(schema).some(hasSecretFields);
  marked.set(schema, found);
  return found;
}

/** Takes what is marked out of a value; masks stay in its place. A mask is no value, and not taken out. */
export function takeSecrets<T>(schema: z.ZodType, value: T): { masked: T; secrets: Map<string, unknown> } {
  const secrets = new Map<string, unknown>();
  const masked = replaceSecrets(schema, value, (secret, path) => {
    if (secret !== SECRET_MASK) secrets.set(path, secret);
    return SECRET_MASK;
  });
  return { masked, secrets };
}

/**
 * The inverse of taking out: every mask becomes the value of its path.
 *
 * @param onMissing - called for a mask that has no value.
 */
export function putSecrets<T>(
  schema: z.ZodType,
  value: T,
  { secrets, onMissing }: { secrets: ReadonlyMap<string, unknown>; onMissing(path: string): void },
): T {
  return replaceSecrets(schema, value, (secret, path) => {
    if (secret !== SECRET_MASK) return secret;
    if (!secrets.has(path)) onMissing(path);
    return secrets.get(path) ?? SECRET_MASK;
  });
}

const marked = new WeakMap<z.ZodType, boolean>();

function replaceSecrets<T>(schema: z.ZodType, value: T, replace: Replace): T {
  if (!hasSecretFields(schema)) return value;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same shape, with other leaves
  return replaceIn(schema, value, { path: [], replace }) as T;
}

interface Walk {
  path: readonly PropertyKey[];
  replace: Replace;
}

function replaceIn(schema: z.ZodType, value: unknown, walk: Walk): unknown {
  if (value === undefined || !hasSecretFields(schema)) return value;
  if (isSecret(schema)) return walk.replace(value, formatPath(walk.path));
  const { shape, element, valueType } = definitionOf(schema);
  if (element && Array.isArray(value)) {
    return value.map((item: unknown, at) => replaceIn(element, item, { ...walk, path: [...walk.path, at] }));
  }
  if (isRecord(value) && (shape ?? valueType)) {
    const schemaOf = (key: string) => (shape && Object.hasOwn(shape, key) ? shape[key] : valueType);
    const entries = Object.entries(value).map(([key, member]) => {
      const own = schemaOf(key);
      return [key, own ? replaceIn(own, member, { ...walk, path: [...walk.path, key] }) : member];
    });
    return Object.fromEntries(entries);
  }
  // A wrapper, or a union: whatever one branch marks is taken.
  if (shape ?? valueType ?? element) return value;
  return partsOf(schema).reduce((rest: unknown, part) => replaceIn(part, rest, walk), value);
}

function isSecret(schema: z.ZodType): boolean {
  return schema.meta()?.["secret"] === true;
}

function partsOf(schema: z.ZodType): z.ZodType[] {
  const { shape = {}, innerType, element, valueType, options = [], left, right, in: input } = definitionOf(schema);
  const parts = [...Object.values(shape), innerType, element, valueType, ...options, left, right, input];
  return parts.filter((part) => part !== undefined);
}

function definitionOf(schema: z.ZodType): Definition {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- typed per class; these few members are what is read
  return schema._zod.def as unknown as Definition;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
