import { readdir, readFile, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Io } from "../io.ts";

const MAX_SOURCE_BYTES = 10 * 1024 * 1024;
const EXTENSIONS = new Set([".yaml", ".yml", ".json"]);

/** One text that manifests come from. */
export interface Source {
  /** How errors call it. */
  name: string;
  text: string;
}

export interface SourceOptions {
  files: readonly string[];
  isRecursive: boolean;
}

/**
 * Reads every file that `-f` names. A directory stands for its .yaml, .yml and .json files, sorted by name.
 *
 * @throws {McpctlError} `invalid` for a file that is missing, unreadable or too long.
 */
export async function readSources(io: Pick<Io, "readStdin">, { files, isRecursive }: SourceOptions): Promise<Source[]> {
  if (files.filter((file) => file === "-").length > 1) {
    throw new McpctlError("invalid", "Standard input can be read only once", { hint: "Give -f - a single time" });
  }
  const sources: Source[] = [];
  for (const file of files) {
    if (file === "-") sources.push({ name: "stdin", text: await io.readStdin(MAX_SOURCE_BYTES) });
    else
      for (const path of await listFiles(file, isRecursive)) sources.push({ name: path, text: await readText(path) });
  }
  return sources;
}

async function listFiles(path: string, isRecursive: boolean): Promise<string[]> {
  const stats = await readable(path, stat(path));
  if (!stats.isDirectory()) return [path];
  const entries = await readable(path, readdir(path, { withFileTypes: true, recursive: isRecursive }));
  const found = entries.filter((entry) => !entry.isDirectory() && EXTENSIONS.has(extname(entry.name).toLowerCase()));
  if (found.length > 0) return found.map((entry) => join(entry.parentPath, entry.name)).toSorted();
  throw new McpctlError("invalid", `${path} holds no .yaml, .yml or .json file`, {
    hint: isRecursive ? "Give another directory" : "Read the directories inside it too with: -R",
  });
}

async function readText(path: string): Promise<string> {
  const { size } = await readable(path, stat(path));
  if (size > MAX_SOURCE_BYTES) throw new McpctlError("invalid", `${path} is longer than ${MAX_SOURCE_BYTES} bytes`);
  return readable(path, readFile(path, "utf8"));
}

async function readable<T>(path: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "an unknown fault";
    const why = code === "ENOENT" ? "it does not exist" : code === "EACCES" ? "permission denied" : code;
    throw new McpctlError("invalid", `Cannot read ${path}: ${why}`, { cause, hint: "Check the path given with -f" });
  }
}
