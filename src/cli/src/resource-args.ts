import { getKind } from "@mcpctl/shared/kinds/index.ts";
import type { Kind } from "@mcpctl/shared/kinds/kind.ts";
import { usageError } from "./args.ts";

/** What the words `servers,projects`, `server files` or `server/files` ask for. */
export interface ResourceSelection {
  kind: Kind;
  /** Absent: all of them. */
  name?: string;
}

/**
 * Parses `KIND[,KIND] [NAME...]` and `KIND/NAME...`.
 *
 * @throws {McpctlError} `invalid`, with the closest existing kind as the hint.
 */
export function parseResourceArgs(words: readonly string[]): ResourceSelection[] {
  const [first = "", ...rest] = words;
  if (words.some((word) => word.includes("/"))) return words.map(parsePair);
  const kinds = first.split(",").map((word) => getKind(word.trim()));
  if (rest.length === 0) return kinds.map((kind) => ({ kind }));
  return kinds.flatMap((kind) => rest.map((name) => ({ kind, name })));
}

/** Like `parseResourceArgs`, for commands that never mean all objects of a kind. */
export function parseNamedResources(words: readonly string[]): Required<ResourceSelection>[] {
  return parseResourceArgs(words).map(({ kind, name }) => {
    if (name !== undefined) return { kind, name };
    throw usageError(`No name of a ${kind.singular} is given`, `List them with: mcpctl get ${kind.plural}`);
  });
}

function parsePair(word: string): Required<ResourceSelection> {
  const [kind = "", name = "", ...rest] = word.split("/");
  if (kind !== "" && name !== "" && rest.length === 0) return { kind: getKind(kind), name };
  throw usageError(`"${word}" is not of the form KIND/NAME`, "Write all of them so, such as server/files, or none");
}
