import type { Json } from "../json.ts";
import type { FieldOwner } from "../kinds/metadata.ts";
import {
  fromBranch,
  listPaths,
  ROOT,
  toBranch,
  type Branch,
  type Child,
  type ListMapKeys,
  type Place,
} from "./branch.ts";
import { isEqualJson } from "./json-values.ts";
import { filterFields, keepLivingClaims, normalizeOwners, toClaims, type Claims } from "./ownership.ts";
import { refuseAmbiguousLists } from "./refuse-ambiguous-lists.ts";

export type { FieldOwner, Json, ListMapKeys };
export { ownersAfterUpdate } from "./owners-after-update.ts";

export interface ApplyInput {
  /** The object as it is stored; undefined when it does not exist. */
  current: Json | undefined;
  owners: readonly FieldOwner[];
  /** Exactly what the manager wrote, without defaults: it will own all of it. */
  applied: Json;
  manager: string;
  /** Takes fields in conflict from their owners instead of reporting them. */
  force: boolean;
  listMapKeys: ListMapKeys;
}

export interface FieldConflict {
  path: string;
  managers: string[];
  current: Json;
  wanted: Json;
}

export interface ApplyOutcome {
  /** With conflicts, this and `owners` are what `force` would have given; the caller refuses. */
  object: Json;
  owners: FieldOwner[];
  /** Always empty with `force`. */
  conflicts: FieldConflict[];
}

interface Merging {
  readonly listMapKeys: ListMapKeys;
  /** What the manager applied the last time. */
  readonly mine: Claims;
  /** Everything else that is owned, also by the manager's own updates: kept when the manager lets go of it. */
  readonly others: Claims;
  /** What belongs to other managers: in conflict when changed. */
  readonly rivals: Claims;
  readonly conflicts: FieldConflict[];
  readonly replaced: Set<string>;
}

interface Change {
  readonly current: Json | undefined;
  readonly applied: Json | undefined;
}

/** What an object consists of stays an object of its own: what nobody owns here does not go with the last owner. */
const parts: ReadonlySet<string> = new Set(["metadata", "metadata.labels", "metadata.annotations", "spec"]);

/**
 * Merges a manifest into an object as Kubernetes' server-side apply does: what is applied is set and owned, what was
 * applied before and is no longer goes unless somebody else owns it, and the rest stays.
 * An object or list that the manager no longer mentions, and in which nobody else owns anything, goes as a whole,
 * with what nobody owns in it (defaults).
 *
 * @returns a value that may share parts with its inputs, which are not changed.
 * @throws {McpctlError} `invalid` when items of a keyed list or set in the manifest cannot be told apart.
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
export function applyMerge(input: ApplyInput): ApplyOutcome {
  const { current, applied, listMapKeys } = input;
  refuseAmbiguousLists(applied, listMapKeys);
  const living = { ...input, owners: keepLivingClaims(input.owners, current, listMapKeys) };
  const merging = createMerging(living);
  const object = mergeValue(merging, ROOT, { current, applied }) ?? applied;
  const owners = ownersAfterApply(living, object, merging.replaced);
  return { object, owners, conflicts: input.force ? [] : merging.conflicts };
}

function createMerging({ owners, manager, listMapKeys }: ApplyInput): Merging {
  return {
    listMapKeys,
    mine: toClaims(owners.filter((owner) => isApplyOf(owner, manager))),
    others: toClaims(owners.filter((owner) => !isApplyOf(owner, manager))),
    rivals: toClaims(owners.filter((owner) => owner.manager !== manager)),
    conflicts: [],
    replaced: new Set(),
  };
}

function isApplyOf(owner: FieldOwner, manager: string): boolean {
  return owner.manager === manager && owner.operation === "Apply";
}

/** @returns undefined when nothing is left. */
function mergeValue(merging: Merging, place: Place, { current, applied }: Change): Json | undefined {
  if (current === undefined) return applied;
  if (applied === undefined) return removeMine(merging, place, current);
  const before = toBranch(current, place, merging.listMapKeys);
  const wanted = toBranch(applied, place, merging.listMapKeys);
  if (before && before.type === wanted?.type) return mergeBranch(merging, before, wanted);
  if (isEqualJson(current, applied)) return current;
  return replaceValue(merging, place, { current, wanted: applied });
}

function mergeBranch(merging: Merging, before: Branch, wanted: Branch): Json {
  const kept = [...before.children.values()].flatMap((child) => {
    const applied = wanted.children.get(child.place.path)?.value;
    const value = mergeValue(merging, child.place, { current: child.value, applied });
    return value === undefined ? [] : [{ ...child, value }];
  });
  const added = [...wanted.children.values()].filter(({ place }) => !before.children.has(place.path));
  return fromBranch(before.type, orderChildren([...kept, ...added], wanted));
}

/** Whoever declares every child also declares their order; otherwise the stored order stands, and new ones follow. */
function orderChildren(children: readonly Child[], wanted: Branch): readonly Child[] {
  const byPath = new Map(children.map((child) => [child.place.path, child]));
  const declared = [...wanted.children.keys()].flatMap((path) => byPath.get(path) ?? []);
  return declared.length === children.length ? declared : children;
}

function replaceValue(merging: Merging, { path }: Place, { current, wanted }: { current: Json; wanted: Json }): Json {
  const managers = merging.rivals.within.get(path);
  if (managers) merging.conflicts.push({ path, managers: [...managers].toSorted(), current, wanted });
  merging.replaced.add(path);
  return wanted;
}

/** @returns what is left of a value that the manager does not apply (any more); undefined when nothing is. */
function removeMine(merging: Merging, place: Place, current: Json): Json | undefined {
  const { mine, others } = merging;
  if (!mine.within.has(place.path)) return current;
  const branch = toBranch(current, place, merging.listMapKeys);
  if (!others.within.has(place.path) && !(branch && parts.has(place.path))) return undefined;
  if (!branch) return current;
  const left = [...branch.children.values()].flatMap((child) => {
    // As long as somebody owns something in a list item, it keeps the key that tells which item it is.
    const value = child.name === place.itemKey ? child.value : removeMine(merging, child.place, child.value);
    return value === undefined ? [] : [{ ...child, value }];
  });
  return left.length === 0 && !others.at.has(place.path) ? undefined : fromBranch(branch.type, left);
}

/** The manager's apply owns what it applied, and takes that over from the manager's own updates. */
function ownersAfterApply(
  { owners, applied, manager, listMapKeys }: ApplyInput,
  object: Json,
  replaced: ReadonlySet<string>,
): FieldOwner[] {
  const fields = listPaths(applied, ROOT, listMapKeys).leaves;
  const own = new Set(fields);
  const stillThere = listPaths(object, ROOT, listMapKeys).all;
  const others = filterFields(
    owners.filter((owner) => !isApplyOf(owner, manager)),
    (owner, field) => stillThere.has(field) && !replaced.has(field) && !(owner.manager === manager && own.has(field)),
  );
  return normalizeOwners([...others, { manager, operation: "Apply", fields }]);
}
