import { isDeepStrictEqual } from "node:util";
import type { Resource } from "../../src/shared/src/kinds/kind.ts";
import type { Effects } from "./effects.ts";
import { addressOf, describeOperation, type Entry, type LoggedChange, type Violation } from "./ledger.ts";

export interface AuditRow {
  requestId: string;
  verb: string;
  resource: string;
  name: string;
  project: string;
  decision: "allow" | "deny";
}

/** A token's resource beside its row in `mcp_tokens`, whichever of the two there is. */
export interface TokenRow {
  resource: { uid: string; sha: string; project: string } | null;
  row: { uid: string; sha: string; project: string } | null;
}

/** What lies in the database. */
export interface StoredRows {
  /** The last version that was drawn. */
  revision: number;
  /** Sorted by version. */
  changes: readonly LoggedChange[];
  /** By plural. */
  resources: ReadonlyMap<string, readonly Resource[]>;
  audit: readonly AuditRow[];
  tokens: readonly TokenRow[];
}

/** The log in the database has no gap, and is the one that the watches told. */
export function checkLog({ changes, revision }: StoredRows, watched: readonly LoggedChange[]): Violation[] {
  const isWithoutGap = changes.length === revision && changes.every(({ version }, at) => version === at + 1);
  const gap: Violation = {
    kind: "lost",
    what: `${changes.length} changes are stored, ${revision} versions were drawn`,
  };
  const stored = new Map(changes.map((change) => [change.version, change]));
  const others = watched.filter((change) => !isDeepStrictEqual(stored.get(change.version), change));
  return [
    ...(isWithoutGap ? [] : [gap]),
    ...others.map(({ version }): Violation => ({ kind: "watch", what: `version ${version} was told otherwise` })),
  ];
}

const AUDIT_VERBS = { create: "create", update: "update", apply: "apply", delete: "delete", mint: "create" } as const;

/**
 * Every acknowledged write has one audit row, a refused one has none, and one that was never answered has a row exactly
 * if it changed something.
 */
export function checkAudit(entries: readonly Entry[], effects: Effects, rows: readonly AuditRow[]): Violation[] {
  const allowed = rows.filter(({ decision }) => decision === "allow");
  const byRequest = Map.groupBy(allowed, ({ requestId }) => requestId);
  const perEntry = entries.flatMap((entry) => {
    const { verb, kind, outcome, id } = entry;
    const wanted = { verb: verb === "revoke" ? verb : AUDIT_VERBS[verb], resource: kind.plural };
    const found = (byRequest.get(id) ?? []).filter(
      (row) => row.verb === wanted.verb && row.resource === wanted.resource,
    );
    return isAccounted(entry, found.length, effects)
      ? []
      : [audit(`${describeOperation(entry)}, answer ${outcome.answer}, has ${found.length} audit rows`)];
  });
  return [...perEntry, ...checkDeletions(effects, allowed)];
}

function isAccounted({ id, verb, outcome }: Entry, rows: number, effects: Effects): boolean {
  if (outcome.answer === "stored") return rows === 1;
  if (outcome.answer === "refused") return rows === 0;
  // These two leave no tag; they are counted by the object instead.
  if (verb === "delete" || verb === "revoke") return rows <= 1;
  return rows === (effects.byWrite.get(id)?.length ?? 0);
}

function checkDeletions({ deletions, revocations }: Effects, rows: readonly AuditRow[]): Violation[] {
  const rowsOf = (verb: string) =>
    Map.groupBy(
      rows.filter((row) => row.verb === verb),
      (row) => addressOf(row.resource, row),
    );
  const [deleted, revoked] = [rowsOf("delete"), rowsOf("revoke")];
  return [
    ...[...deletions]
      .filter(([address, changes]) => changes.length !== (deleted.get(address)?.length ?? 0))
      .map(([address, { length }]) => audit(`${address}: ${length} deletions, other audit rows`)),
    ...[...revocations]
      .filter(([address, changes]) => changes.length > (revoked.get(address)?.length ?? 0))
      .map(([address, { length }]) => audit(`${address}: ${length} revocations, fewer audit rows`)),
  ];
}

/** A token is a resource and a row, or neither, and both say the same. */
export function checkTokenRows(tokens: readonly TokenRow[]): Violation[] {
  return tokens
    .filter(({ resource, row }) => !isDeepStrictEqual(resource, row))
    .map((token) => ({ kind: "half", what: `resource and row of a token differ: ${JSON.stringify(token)}` }));
}

function audit(what: string): Violation {
  return { kind: "audit", what };
}
