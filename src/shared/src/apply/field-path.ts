import { McpctlError } from "../errors.ts";
import type { JsonScalar } from "./json-values.ts";

/** One step into an object: a field, or the item of a list that has `value` under `key`. Key "" is an item of a set. */
export type PathSegment =
  | { readonly type: "field"; readonly name: string }
  | { readonly type: "item"; readonly key: string; readonly value: JsonScalar };

const bareName = "[A-Za-z0-9_$@/:+-]+";
const bareValue = "[A-Za-z0-9_$@/:+.-]+";
// No more than JSON allows, so that JSON.parse cannot fail on what this matched.
const quoted = String.raw`"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"`;

const isBareName = new RegExp(`^${bareName}$`);
const isBareValue = new RegExp(`^${bareValue}$`);
const isLiteral = /^(?:null|true|false|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;
const segmentPatterns = [
  String.raw`(?:^|(?!^)\.)(?<name>${bareName})`,
  String.raw`\[(?<quotedName>${quoted})\]`,
  String.raw`\[(?<key>${bareName}|${quoted}|)=(?<value>${bareValue}|${quoted})\]`,
];

/**
 * Writes a path as `spec.env[name=LOG_LEVEL].value`, `spec.servers[=files]` or `metadata.labels["team.io/name"]`.
 * A name or value with any other character than the usual ones is a JSON string; so is text that reads as a JSON
 * literal, which keeps `[=1]` and `[="1"]` apart.
 *
 * @returns "" for no segments; otherwise the only text that `parsePath` reads as these segments and that this writes.
 */
export function formatPath(segments: readonly PathSegment[]): string {
  return segments.reduce(joinPath, "");
}

/** Appends one segment to a path that `formatPath` or `joinPath` wrote. */
export function joinPath(parent: string, segment: PathSegment): string {
  if (segment.type === "item") return `${parent}[${formatKey(segment.key)}=${formatValue(segment.value)}]`;
  if (!isBareName.test(segment.name)) return `${parent}[${JSON.stringify(segment.name)}]`;
  return parent === "" ? segment.name : `${parent}.${segment.name}`;
}

/**
 * Reads what `formatPath` wrote.
 *
 * @throws {McpctlError} `invalid` when the text is no path.
 */
export function parsePath(text: string): PathSegment[] {
  const pattern = new RegExp(segmentPatterns.join("|"), "y");
  const segments: PathSegment[] = [];
  while (pattern.lastIndex < text.length) {
    const start = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) throw invalidPath(text, start);
    segments.push(toSegment(match.groups ?? {}));
  }
  return segments;
}

/** The paths of everything on the way to `path`, itself included, outermost first. */
export function listPathsTo(path: string): string[] {
  let parent = "";
  return parsePath(path).map((segment) => {
    parent = joinPath(parent, segment);
    return parent;
  });
}

function formatKey(key: string): string {
  return key === "" || isBareName.test(key) ? key : JSON.stringify(key);
}

function formatValue(value: JsonScalar): string {
  const isPlainText = typeof value === "string" && isBareValue.test(value) && !isLiteral.test(value);
  return isPlainText ? value : JSON.stringify(value);
}

function toSegment({ name, quotedName, key, value }: Record<string, string | undefined>): PathSegment {
  if (value !== undefined) return { type: "item", key: readToken(key ?? ""), value: readValue(value) };
  return { type: "field", name: readToken(name ?? quotedName ?? "") };
}

function readToken(token: string): string {
  return token.startsWith('"') ? String(JSON.parse(token)) : token;
}

function readValue(token: string): JsonScalar {
  if (!isLiteral.test(token)) return readToken(token);
  if (token === "null") return null;
  return token === "true" || token === "false" ? token === "true" : Number(token);
}

function invalidPath(text: string, index: number): McpctlError {
  return new McpctlError("invalid", `${JSON.stringify(text)} is not a field path`, {
    hint: 'Write it as in: spec.env[name=LOG_LEVEL].value or metadata.labels["team.io/name"]',
    fields: [{ path: text, message: `cannot be read from character ${index + 1} on` }],
  });
}
