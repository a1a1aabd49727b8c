import type { WrittenManifest } from "@mcpctl/shared/api/client.ts";
import { type FieldError, McpctlError } from "@mcpctl/shared/errors.ts";
import { KINDS } from "@mcpctl/shared/kinds/index.ts";
import { type Kind, manifestSchema } from "@mcpctl/shared/kinds/kind.ts";
import { closest } from "@mcpctl/shared/suggest.ts";
import { fieldErrors, formatPath } from "@mcpctl/shared/validate.ts";
import * as z from "zod";
import { locate } from "./manifests/locate.ts";
import type { Source } from "./manifests/sources.ts";
import { type SplitText, splitYaml, type YamlDocument } from "./manifests/yaml-documents.ts";

/** One object of a file. */
export interface LoadedManifest {
  kind: Kind;
  name: string;
  project: string | undefined;
  /** As its author wrote it; this is what is sent. */
  written: WrittenManifest;
}

/** How much of a manifest must be right: all of it, or only what names the object. */
export type Strictness = "whole" | "identity";

interface Fault extends FieldError {
  hint?: string | undefined;
}

/** An object on its way from the text, with where it stands in its document. */
interface Candidate {
  value: unknown;
  path: readonly PropertyKey[];
}

/**
 * Parses and checks every document of every source before anything is done with one of them.
 *
 * @throws {McpctlError} `invalid`, with `FILE:LINE:COL` for each fault.
 */
export function parseManifests(sources: readonly Source[], strictness: Strictness): LoadedManifest[] {
  const results = sources.map((source) => parseSource(source, strictness));
  const faults = results.flatMap((result) => result.faults);
  if (faults.length > 0) throw refusal(faults);
  const manifests = results.flatMap((result) => result.manifests);
  if (manifests.length > 0) return manifests;
  throw new McpctlError("invalid", `${sources.map(({ name }) => name).join(", ")}: no object in it`, {
    hint: "A manifest has kind, metadata and spec",
  });
}

interface Parsed {
  manifests: LoadedManifest[];
  faults: Fault[];
}

function parseSource(source: Source, strictness: Strictness): Parsed {
  const split = splitYaml(source);
  const at = (offset: number) => positionOf(source, split, offset);
  const parsed: Parsed = {
    manifests: [],
    faults: split.faults.map(({ offset, message }) => ({ path: at(offset), message: lowerFirst(message) })),
  };
  for (const document of split.documents) {
    for (const candidate of objectsOf(document)) {
      const found = toManifest(candidate, strictness);
      if ("manifest" in found) parsed.manifests.push(found.manifest);
      else parsed.faults.push(...found.faults.map((fault) => place(fault, { ...candidate, document, at })));
    }
  }
  return parsed;
}

function positionOf({ name }: Source, split: SplitText, offset: number): string {
  const { line, col } = split.position(offset);
  return `${name}:${line}:${col}`;
}

/** A list, as `get -o yaml` prints it, stands for its items. */
function objectsOf({ value }: YamlDocument): Candidate[] {
  if (!isRecord(value) || value["kind"] !== "List" || !Array.isArray(value["items"])) return [{ value, path: [] }];
  return value["items"].map((item: unknown, at) => ({ value: item, path: ["items", at] }));
}

interface FieldFault {
  keys: readonly PropertyKey[];
  message: string;
  suggestion?: string | undefined;
}

function toManifest(
  { value }: Candidate,
  strictness: Strictness,
): { manifest: LoadedManifest } | { faults: FieldFault[] } {
  if (!isRecord(value)) return { faults: [{ keys: [], message: "is no object: it needs kind, metadata and spec" }] };
  const kind = KINDS.find((candidate) => candidate.kind === value["kind"]);
  if (!kind) return { faults: [unknownKind(value["kind"])] };
  const faults = findFaults(kind, value, strictness);
  if (faults.length > 0) return { faults };
  if (!isWritten(value)) return { faults: [{ keys: ["metadata"], message: "is required" }] };
  const { name, project } = value.metadata;
  return { manifest: { kind, name, project, written: value } };
}

const named = z.looseObject({ metadata: z.looseObject({ name: z.string(), project: z.string().optional() }) });

/** Checks without copying: a copy would not be what was written. */
function isWritten(value: Record<string, unknown>): value is Record<string, unknown> & WrittenManifest {
  return named.safeParse(value).success;
}

function findFaults(kind: Kind, value: unknown, strictness: Strictness): FieldFault[] {
  const schema = manifestSchema(kind);
  const parsed = schema.safeParse(value);
  if (parsed.success) return [];
  const faults = withoutConsequences(fieldErrors(parsed.error, schema)).map((fault) => {
    const isMissing = fault.suggestion === undefined && valueAt(value, fault.keys) === undefined;
    return isMissing ? { ...fault, message: "is required" } : fault;
  });
  return strictness === "whole" ? faults : faults.filter(({ keys }) => keys[0] === "metadata");
}

/** A mistyped field is missing under its right name too; one slip is one fault. */
function withoutConsequences<F extends FieldFault>(faults: readonly F[]): F[] {
  const explained = faults.flatMap(({ keys, suggestion }) => {
    const parent = keys.slice(0, -1);
    return suggestion === undefined ? [] : [formatPath(parent), formatPath([...parent, suggestion])];
  });
  return faults.filter(({ keys }) => !explained.includes(formatPath(keys)));
}

function valueAt(value: unknown, keys: readonly PropertyKey[]): unknown {
  const [key, ...rest] = keys;
  if (key === undefined) return value;
  return typeof value === "object" && value !== null ? valueAt(Reflect.get(value, key), rest) : undefined;
}

function unknownKind(word: unknown): FieldFault {
  if (word === undefined) return { keys: ["kind"], message: `is required, such as ${KINDS[0]?.kind}` };
  const names = KINDS.map(({ kind }) => kind);
  const suggestion = typeof word === "string" ? closest(word, names) : undefined;
  const rest = suggestion === undefined ? `; the kinds are ${names.join(", ")}` : `, did you mean "${suggestion}"?`;
  return { keys: ["kind"], message: `unknown kind ${JSON.stringify(word)}${rest}`, suggestion };
}

interface Placing extends Candidate {
  document: YamlDocument;
  at(offset: number): string;
}

function place({ keys, message, suggestion }: FieldFault, { path, document, at }: Placing): Fault {
  const whole = [...path, ...keys];
  return {
    path: at(locate(document.document, whole)),
    message: keys.length === 0 ? message : `${formatPath(whole)}: ${message}`,
    hint: suggestion === undefined ? undefined : `Did you mean "${suggestion}"?`,
  };
}

function refusal(faults: readonly Fault[]): McpctlError {
  const [first] = faults;
  if (first && faults.length === 1) {
    const { path, hint } = first;
    // Said once: where there is a hint, the suggestion stands there.
    const message = hint === undefined ? first.message : first.message.replace(`, ${lowerFirst(hint)}`, "");
    return new McpctlError("invalid", `${path}: ${message}`, { fields: [{ path, message }], hint });
  }
  const fields = faults.map(({ path, message }) => ({ path, message }));
  return new McpctlError("invalid", `${faults.length} faults in the manifests; nothing was sent`, { fields });
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
