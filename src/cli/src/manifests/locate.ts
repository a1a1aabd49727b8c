import { type Document, isAlias, isMap, isSeq, type Node } from "yaml";

/**
 * Where a path stands in a document: the key of a field that is there, or the object that a missing field belongs to.
 *
 * @returns an offset into the text.
 */
export function locate(document: Document.Parsed, path: readonly PropertyKey[]): number {
  let node = resolve(document, document.contents);
  let offset = startOf(node) ?? document.range[0];
  for (const key of path) {
    const child = childOf(document, node, key);
    if (!child) return offset;
    offset = child.offset ?? offset;
    node = child.node;
  }
  return offset;
}

interface Child {
  offset: number | undefined;
  node: Node | undefined;
}

function childOf(document: Document.Parsed, parent: Node | undefined, key: PropertyKey): Child | undefined {
  if (isSeq<Node>(parent)) {
    const item = parent.items[Number(key)];
    return item && { offset: startOf(item), node: resolve(document, item) };
  }
  if (!isMap<Node, Node>(parent)) return undefined;
  const pair = parent.items.find((candidate) => String(candidate.key) === String(key));
  return pair && { offset: startOf(pair.key), node: resolve(document, pair.value) };
}

function resolve(document: Document.Parsed, node: Node | null | undefined): Node | undefined {
  return (isAlias(node) ? node.resolve(document) : node) ?? undefined;
}

function startOf(node: Node | null | undefined): number | undefined {
  return node?.range?.[0];
}
