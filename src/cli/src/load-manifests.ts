import { usageError } from "./args.ts";
import type { Io } from "./io.ts";
import { type LoadedManifest, parseManifests, type Strictness } from "./manifests.ts";
import { readSources, type SourceOptions } from "./manifests/sources.ts";

/** The objects that `-f` names. @throws {McpctlError} `invalid` */
export async function loadManifests(io: Io, options: SourceOptions, strictness: Strictness): Promise<LoadedManifest[]> {
  if (options.files.length === 0)
    throw usageError("-f FILE is missing", "For example: -f servers.yaml, or -f - for standard input");
  return parseManifests(await readSources(io, options), strictness);
}

/** Refuses what cannot be kept in files, such as a token, whose secret is made once and shown once. */
export function requireDeclarative(manifests: readonly LoadedManifest[]): void {
  const other = manifests.find(({ kind }) => !kind.verbs.includes("update"));
  if (!other) return;
  const { kind, singular, verbs } = other.kind;
  const canCreate = verbs.includes("create");
  throw usageError(
    `${kind} "${other.name}" cannot come from a file: ${canCreate ? "it is made once" : "mcpd itself writes it"}`,
    canCreate ? `Create it with: mcpctl create ${singular} ${other.name}` : "Take it out of the file",
  );
}
