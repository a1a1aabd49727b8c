import { sha256Hex } from "../tokens/index.ts";

/** Leaves room for the prefix that clients put before a name; their limit is 64. */
const MAX_LENGTH = 49;
const HASH_LENGTH = 8;
const MAX_ROUNDS = 16;

export type Naming = "prefix" | "transparent";

export interface OwnName {
  server: string;
  /** Name that the server gives its tool. */
  tool: string;
}

/**
 * Gives every tool of a project the name that clients see. The names are unique, fit every known client, and depend on
 * the set of tools alone, so that each replica finds the same.
 *
 * @param tools no two of them equal.
 * @returns in the order of `tools`.
 */
export function exposeNames(tools: readonly OwnName[], naming: Naming): string[] {
  const timesUsed = countBy(tools, ({ tool }) => tool);
  const names = tools.map((own) => {
    const isPlain = naming === "transparent" && timesUsed.get(own.tool) === 1;
    return fit(isPlain ? own.tool : `${own.server}__${own.tool}`, own, 0);
  });
  // A name may meet another by accident or by intent. All who meet step aside, whichever came first.
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const taken = countBy(names, (name) => name);
    if (taken.size === names.length) break;
    tools.forEach((own, index) => {
      const name = names[index] ?? "";
      if ((taken.get(name) ?? 0) > 1) names[index] = withHash(name, own, round);
    });
  }
  return names;
}

/**
 * The names under which a tool of a server may be exposed, without looking at the other tools of the project: its own
 * where names are transparent and it is the only one, and the prefixed one.
 */
export function possibleNames(own: OwnName, naming: Naming): string[] {
  const prefixed = fit(`${own.server}__${own.tool}`, own, 0);
  return naming === "prefix" ? [prefixed] : [fit(own.tool, own, 0), prefixed];
}

function fit(wanted: string, own: OwnName, round: number): string {
  const allowed = wanted.replace(/[^A-Za-z0-9_-]/g, "_");
  return allowed === wanted && wanted.length <= MAX_LENGTH ? wanted : withHash(allowed, own, round);
}

function withHash(name: string, { server, tool }: OwnName, round: number): string {
  const hash = sha256Hex(JSON.stringify([server, tool, round])).slice(0, HASH_LENGTH);
  return `${name.slice(0, MAX_LENGTH - HASH_LENGTH - 1)}_${hash}`;
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}
