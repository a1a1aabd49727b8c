import type { Json } from "@mcpctl/shared/json.ts";
import { Ajv, type ValidateFunction } from "ajv";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import { isObject } from "./rpc.ts";

/** Compiling takes time that grows with the schema, and the schema is a stranger's. */
const MAX_SCHEMA_CHARACTERS = 512_000;
/** Formats and keywords that nobody knows are allowed; `$ref`s to other places are never fetched. */
const OPTIONS = { strict: false, validateFormats: false, addUsedSchema: false, logger: false } as const;
const DEFAULT_DIALECT = "https://json-schema.org/draft/2020-12/schema";

const dialects: Readonly<Record<string, () => Ajv>> = {
  [DEFAULT_DIALECT]: once(() => new Ajv2020(OPTIONS)),
  "https://json-schema.org/draft/2019-09/schema": once(() => new Ajv2019(OPTIONS)),
  "http://json-schema.org/draft-07/schema": once(() => new Ajv(OPTIONS)),
};

export type CompiledSchema = { validate: ValidateFunction } | { fault: string };

/** Compiles a JSON Schema in the dialect that it names, 2020-12 when it names none. */
export function compileSchema(schema: Json | undefined): CompiledSchema {
  if (!isObject(schema)) return { fault: "it is no object" };
  const { $schema: named = DEFAULT_DIALECT } = schema;
  const dialect = typeof named === "string" ? dialects[named.replace(/#$/, "")] : undefined;
  if (!dialect) return { fault: `its dialect ${JSON.stringify(named)} is not known` };
  if (JSON.stringify(schema).length > MAX_SCHEMA_CHARACTERS) {
    return { fault: `it has more than ${MAX_SCHEMA_CHARACTERS} characters` };
  }
  try {
    return { validate: dialect().compile(schema) };
  } catch (thrown) {
    // Whatever a compiler says of a schema is a fault of the schema.
    return { fault: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

/** @returns what is wrong with a value, or undefined. */
export function findMismatch(compiled: CompiledSchema, value: Json | undefined): string | undefined {
  if ("fault" in compiled) return `the schema cannot be used: ${compiled.fault}`;
  if (compiled.validate(value)) return undefined;
  const [first] = compiled.validate.errors ?? [];
  return first ? `${first.instancePath || "it"} ${first.message ?? "does not fit"}` : "it does not fit";
}

function once<T>(create: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: create() }).value;
}
