import type { LoggedChange, Violation } from "./ledger.ts";

const SHOWN = 10;

/**
 * Together the watches of all kinds must tell every version from 1 to the latest, once. Each of them must tell its own
 * in their order.
 */
export function checkWatches(watches: readonly (readonly LoggedChange[])[], latest: number): Violation[] {
  const versions = watches.flatMap((seen) => seen.map(({ version }) => version)).filter((version) => version <= latest);
  const known = new Set(versions);
  const missing = Array.from({ length: latest }, (_, index) => index + 1).filter((version) => !known.has(version));
  const repeated = versions.toSorted((a, b) => a - b).filter((version, at, sorted) => version === sorted[at - 1]);
  const disordered = watches.flatMap((seen) =>
    seen.filter(({ version }, at) => version < (seen[at - 1]?.version ?? 0)),
  );
  return [
    ...say("no watch told version", missing),
    ...say("a watch told again version", repeated),
    ...say(
      "out of order came version",
      disordered.map(({ version }) => version),
    ),
  ];
}

/** Whether there is nothing left to wait for. */
export function isComplete(watches: readonly (readonly LoggedChange[])[], latest: number): boolean {
  const versions = watches.flatMap((seen) => seen.map(({ version }) => version));
  return new Set(versions.filter((version) => version <= latest)).size >= latest;
}

function say(what: string, versions: readonly number[]): Violation[] {
  if (versions.length === 0) return [];
  const more = versions.length > SHOWN ? ` and ${versions.length - SHOWN} more` : "";
  return [{ kind: "watch", what: `${what} ${versions.slice(0, SHOWN).join(", ")}${more}` }];
}
