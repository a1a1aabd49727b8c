import { readFile } from "node:fs/promises";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { parseKeyValue, usageError } from "./args.ts";
import type { Io } from "./io.ts";

const MAX_STDIN_BYTES = 1_048_576;

export interface SecretSources {
  /** `KEY=VALUE` */
  fromLiteral: readonly string[];
  /** `KEY=PATH` */
  fromFile: readonly string[];
  /** Paths of files with a `NAME=VALUE` in each line. */
  fromEnvFile: readonly string[];
}

/**
 * Reads the values of a secret. No message repeats any of them.
 *
 * @returns pairs of key and value.
 * @throws {McpctlError} `invalid` for a key that is given twice, a line that is none, or a file that cannot be read.
 */
export async function readSecretValues(
  io: Pick<Io, "readStdin">,
  { fromLiteral, fromFile, fromEnvFile }: SecretSources,
): Promise<[string, string][]> {
  const values = new Map<string, string>();
  const add = (key: string, value: string) => {
    if (values.has(key)) throw usageError(`The key "${key}" is given twice`, "Give each key one value");
    values.set(key, value);
  };
  for (const pair of fromLiteral) {
    const { name, value } = parseKeyValue(pair, "--from-literal");
    add(name, value);
  }
  for (const pair of fromFile) {
    const { name, value: path } = parseKeyValue(pair, "--from-file");
    add(name, path === "-" ? await io.readStdin(MAX_STDIN_BYTES) : await read(path, "--from-file"));
  }
  for (const path of fromEnvFile) {
    for (const [key, value] of parseEnvFile(await read(path, "--from-env-file"), path)) add(key, value);
  }
  return [...values];
}

/** Lines of `NAME=VALUE`, without quoting; empty lines and those that begin with # count for nothing. */
function parseEnvFile(text: string, path: string): [string, string][] {
  return text.split(/\r?\n/).flatMap((line, at): [string, string][] => {
    if (/^\s*(#|$)/.test(line)) return [];
    const [, key, value] = /^\s*(?:export\s+)?([A-Za-z0-9._-]+)=(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) return [[key, value]];
    throw usageError(`Line ${at + 1} of ${path} is not NAME=VALUE`, "Write one variable in each line");
  });
}

async function read(path: string, flag: string): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? String(cause.code) : "it is not UTF-8 text";
    throw new McpctlError("invalid", `Cannot read ${path}: ${why}`, {
      hint: `Check the path given with ${flag}`,
      cause,
    });
  }
}
