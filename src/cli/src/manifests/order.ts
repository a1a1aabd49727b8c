/** Kinds that others refer to come first; the rest follows in the order in which it was written. */
const ORDER = ["Secret", "Server", "ProxyModel", "User", "Group", "Project", "McpToken", "RbacDefinition"];

/** @returns the same objects, each behind those that it may refer to. */
export function inDependencyOrder<T extends { kind: { kind: string } }>(objects: readonly T[]): T[] {
  return objects.toSorted((a, b) => rank(a.kind.kind) - rank(b.kind.kind));
}

function rank(kind: string): number {
  const at = ORDER.indexOf(kind);
  return at < 0 ? ORDER.length : at;
}
