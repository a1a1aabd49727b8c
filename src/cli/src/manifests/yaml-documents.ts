import { Composer, CST, type Document, isCollection, LineCounter, type Node, Parser, visit } from "yaml";
import type { Source } from "./sources.ts";

const MAX_DEPTH = 60;
const MAX_DOCUMENTS = 10_000;
const MAX_ALIASES = 100;

/** A fault in the text itself, at an offset. */
export interface TextFault {
  offset: number;
  message: string;
}

/** One YAML document, or the whole of a JSON text. */
export interface YamlDocument {
  document: Document.Parsed;
  value: unknown;
}

export interface SplitText {
  documents: YamlDocument[];
  faults: TextFault[];
  /** Line and column, both from 1. */
  position(offset: number): { line: number; col: number };
}

const OPTIONS = {
  version: "1.2",
  schema: "core",
  merge: false,
  uniqueKeys: true,
  strict: true,
  prettyErrors: false,
} as const;

/**
 * Splits a text into its documents; empty ones are left out. JSON is YAML here. Sizes are bounded before anything is
 * built, since a parser that recurses fails on depth and an alias can stand for a million nodes.
 */
export function splitYaml({ text }: Source): SplitText {
  const lines = new LineCounter();
  const position = (offset: number) => lines.linePos(offset);
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  const fault = findOversize(tokens);
  if (fault) return { documents: [], faults: [fault], position };
  const parsed = [...new Composer(OPTIONS).compose(tokens)].map(toDocument);
  const faults = parsed.flatMap((one) => one.faults);
  return { documents: faults.length > 0 ? [] : parsed.filter(({ value }) => value !== null), faults, position };
}

function toDocument(document: Document.Parsed): YamlDocument & { faults: TextFault[] } {
  const said = [...document.errors, ...document.warnings].map(({ pos, message }) => ({ offset: pos[0], message }));
  const faults = said.length > 0 ? said : nodeFaults(document);
  if (faults.length > 0) return { document, value: null, faults };
  try {
    return { document, value: document.toJS({ maxAliasCount: MAX_ALIASES }), faults };
  } catch (thrown) {
    // The library's word for an alias that has no anchor, or too many of them.
    if (!(thrown instanceof ReferenceError)) throw thrown;
    return { document, value: null, faults: [{ offset: firstAlias(document), message: thrown.message }] };
  }
}

/** What YAML allows and JSON does not have. */
function nodeFaults(document: Document.Parsed): TextFault[] {
  const faults: TextFault[] = [];
  visit(document, {
    Pair(_key, { key }) {
      if (isCollection(key)) faults.push({ offset: offsetOf(key), message: "a key must be a plain word" });
    },
    Alias(_key, alias, path) {
      const isInside = path.some((outer) => isCollection(outer) && outer.anchor === alias.source);
      if (isInside) faults.push({ offset: offsetOf(alias), message: `*${alias.source} stands inside its own anchor` });
    },
  });
  return faults;
}

function firstAlias(document: Document.Parsed): number {
  let offset = 0;
  visit(document, {
    Alias(_key, alias) {
      offset = offsetOf(alias);
      return visit.BREAK;
    },
  });
  return offset;
}

function offsetOf({ range }: Pick<Node, "range">): number {
  return range?.[0] ?? 0;
}

function findOversize(tokens: readonly CST.Token[]): TextFault | undefined {
  const documents = tokens.filter((token) => token.type === "document");
  const extra = documents[MAX_DOCUMENTS];
  if (extra) return { offset: extra.offset, message: `more than ${MAX_DOCUMENTS} documents` };
  const deep = findDeep(documents);
  return deep && { offset: deep.offset, message: `nested deeper than ${MAX_DEPTH} levels` };
}

/** A loop instead of recursion: the text decides the depth. */
function findDeep(documents: readonly CST.Document[]): CST.Token | undefined {
  const open = documents.flatMap(({ value }) => (value ? [{ token: value, depth: 1 }] : []));
  for (let next = open.pop(); next; next = open.pop()) {
    const { token, depth } = next;
    if (!CST.isCollection(token)) continue;
    if (depth > MAX_DEPTH) return token;
    for (const { key, value } of token.items) {
      for (const inner of [key, value]) if (inner) open.push({ token: inner, depth: depth + 1 });
    }
  }
  return undefined;
}
