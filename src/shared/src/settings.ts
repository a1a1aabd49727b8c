import * as z from "zod";
import { CONNECTION_BOUNDS } from "./connection-limits.ts";
import { McpctlError } from "./errors.ts";
import { closest } from "./suggest.ts";
import { fieldErrors } from "./validate.ts";

export interface SettingsSources {
  /** Flags, such as `--data-dir DIR` or `--data-dir=DIR`. */
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  /** Of the variables, such as `MCPD_`. */
  prefix: string;
  /** What the configuration file holds, parsed. */
  file?: Readonly<Record<string, unknown>> | undefined;
  /** Reads the file that a variable ending in `_FILE` names: for secrets that must not stand in the environment. */
  readFile(path: string): string;
}

/**
 * Settings of a program: flags over environment over file over defaults. Every key of the schema has all three forms:
 * `dataDir`, `--data-dir`, `MCPD_DATA_DIR` (and `MCPD_DATA_DIR_FILE`). The flag of one that is marked as secret names a
 * file: `--api-key-file`.
 *
 * @throws {McpctlError} `config-invalid`, naming the form in which the bad value came.
 */
export function readSettings<Schema extends z.ZodObject>(schema: Schema, sources: SettingsSources): z.output<Schema> {
  const keys = Object.keys(schema.shape);
  const flags = parseFlags(schema, sources);
  const variables = readEnv(keys, sources);
  requireKnown(Object.keys(sources.file ?? {}), keys);
  const parsed = schema.safeParse({ ...sources.file, ...variables, ...flags });
  if (parsed.success) return parsed.data;
  const fields = fieldErrors(parsed.error, schema).map(({ keys: path, message }) => {
    const key = String(path[0]);
    const form = key in flags ? flagOf(schema, key) : key in variables ? toVariable(sources.prefix, key) : key;
    return { path: form, message };
  });
  throw new McpctlError(
    "config-invalid",
    `Invalid settings: ${fields.map((f) => `${f.path}: ${f.message}`).join("; ")}`,
    {
      fields,
      hint: "See the settings with: --help",
    },
  );
}

/** The settings as `--help` prints them, one line each. */
export function describeSettings(schema: z.ZodObject, prefix: string): string[] {
  const rows = Object.entries(schema.shape).map(([key, field]) => {
    const metavar = isSwitch(field) ? "" : isSecret(field) ? " PATH" : " VALUE";
    return [
      `  ${flagOf(schema, key)}${metavar}`,
      toVariable(prefix, key),
      field instanceof z.ZodType ? (field.description ?? "") : "",
    ] as const;
  });
  const width = (column: 0 | 1) => Math.max(...rows.map((row) => row[column].length)) + 2;
  return rows.map(([flag, variable, text]) => `${flag.padEnd(width(0))}${variable.padEnd(width(1))}${text}`);
}

function parseFlags(
  schema: z.ZodObject,
  { argv, readFile }: Pick<SettingsSources, "argv" | "readFile">,
): Record<string, string | true> {
  const known = Object.keys(schema.shape);
  const values: Record<string, string | true> = {};
  for (let at = 0; at < argv.length; at += 1) {
    const [flag, inline] = splitOnce(argv[at] ?? "");
    const key = known.find((candidate) => flagOf(schema, candidate) === flag);
    if (key === undefined)
      throw unknownFlag(
        flag,
        known.map((candidate) => flagOf(schema, candidate)),
      );
    if (key in values) throw new McpctlError("config-invalid", `${flag} is given twice`);
    if (isSwitch(schema.shape[key])) {
      values[key] = inline ?? true;
      continue;
    }
    const value = inline ?? argv[(at += 1)];
    if (value === undefined) throw new McpctlError("config-invalid", `${flag} needs a value`);
    values[key] = isSecret(schema.shape[key]) ? readSecretFile(flag, value, readFile) : value;
  }
  return values;
}

function readEnv(keys: readonly string[], { env, prefix, readFile }: SettingsSources): Record<string, string> {
  const values: Record<string, string> = {};
  for (const key of keys) {
    const variable = toVariable(prefix, key);
    const path = env[`${variable}_FILE`];
    if (env[variable] !== undefined) values[key] = env[variable];
    else if (path !== undefined) values[key] = readSecretFile(`${variable}_FILE`, path, readFile);
  }
  return values;
}

function readSecretFile(variable: string, path: string, readFile: (path: string) => string): string {
  try {
    return readFile(path).trim();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new McpctlError("config-invalid", `${variable} names a file that cannot be read: ${why}`, { cause });
  }
}

function requireKnown(given: readonly string[], known: readonly string[]): void {
  const unknown = given.find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const suggestion = closest(unknown, known);
  throw new McpctlError("config-invalid", `Unknown setting "${unknown}" in the configuration file`, {
    hint: suggestion ? `Did you mean "${suggestion}"?` : `The settings are: ${known.join(", ")}`,
  });
}

function unknownFlag(flag: string, known: readonly string[]): McpctlError {
  const suggestion = closest(flag, known);
  return new McpctlError("config-invalid", `Unknown flag ${flag}`, {
    hint: suggestion ? `Did you mean ${suggestion}?` : "See the settings with: --help",
  });
}

function isSwitch(field: unknown): boolean {
  return (
    field instanceof z.ZodType && z.toJSONSchema(field, { io: "output", unrepresentable: "any" }).type === "boolean"
  );
}

/** Everybody on the machine sees what stands on a command line: secrets are read from a file instead. */
function isSecret(field: unknown): boolean {
  return field instanceof z.ZodType && field.meta()?.["secret"] === true;
}

function flagOf({ shape }: z.ZodObject, key: string): string {
  return toFlag(key) + (isSecret(shape[key]) ? "-file" : "");
}

function splitOnce(argument: string): [string, string | undefined] {
  const at = argument.indexOf("=");
  return at < 0 ? [argument, undefined] : [argument.slice(0, at), argument.slice(at + 1)];
}

function toFlag(key: string): string {
  return `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function toVariable(prefix: string, key: string): string {
  return prefix + key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** `HOST:PORT`, `:PORT` (loopback) or `[::1]:PORT`; port 0 takes a free one. */
export const listenAddress = z
  .string()
  .regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]*):\d{1,5}$/, "must look like HOST:PORT")
  .transform((text) => {
    const at = text.lastIndexOf(":");
    const host = text.slice(0, at).replace(/^\[(.*)\]$/, "$1");
    return { host: host === "" ? "127.0.0.1" : host, port: Number(text.slice(at + 1)) };
  })
  .refine(({ port }) => port <= 65_535, "the port must not be larger than 65535");
export type ListenAddress = z.output<typeof listenAddress>;

const { maxConnections, maxConnectionsPerAddress } = CONNECTION_BOUNDS;

/** Settings of every program that serves HTTP. */
export const connectionSettings = {
  maxConnections: z.coerce
    .number()
    .int()
    .min(1)
    .default(maxConnections)
    .describe(`Connections at a time; ${maxConnections} when absent.`),
  maxConnectionsPerAddress: z.coerce
    .number()
    .int()
    .min(1)
    .default(maxConnectionsPerAddress)
    .describe(`The same from one address; raise it behind a proxy. ${maxConnectionsPerAddress} when absent.`),
};
