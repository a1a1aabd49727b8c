import type { Json } from "../json.ts";
import type { FieldOwner } from "../kinds/metadata.ts";
import { listPaths, ROOT, type ListMapKeys } from "./branch.ts";
import { listPathsTo } from "./field-path.ts";

type ManagersByPath = ReadonlyMap<string, ReadonlySet<string>>;

/** Who owns what, to be asked by path. */
export interface Claims {
  /** Managers that own exactly this path. */
  readonly at: ManagersByPath;
  /** Managers that own this path or something below it. */
  readonly within: ManagersByPath;
}

/** @throws {McpctlError} `invalid` when a field is no path. */
export function toClaims(owners: readonly FieldOwner[]): Claims {
  const at = new Map<string, Set<string>>();
  const within = new Map<string, Set<string>>();
  for (const { manager, fields } of owners) {
    for (const field of fields) {
      const paths = listPathsTo(field);
      addManager(at, paths.at(-1) ?? "", manager);
      for (const path of ["", ...paths]) addManager(within, path, manager);
    }
  }
  return { at, within };
}

/** Drops what is owned but does not exist, lest the claim come alive when somebody else creates the field. */
export function keepLivingClaims(
  owners: readonly FieldOwner[],
  object: Json | undefined,
  listMapKeys: ListMapKeys,
): FieldOwner[] {
  const living = object === undefined ? new Set<string>() : listPaths(object, ROOT, listMapKeys).all;
  return filterFields(owners, (_, field) => living.has(field));
}

export function filterFields(
  owners: readonly FieldOwner[],
  isKept: (owner: FieldOwner, field: string) => boolean,
): FieldOwner[] {
  return owners.map((owner) => ({ ...owner, fields: owner.fields.filter((field) => isKept(owner, field)) }));
}

/** One entry per manager and operation, without repeated fields and without empty entries, all sorted. */
export function normalizeOwners(owners: readonly FieldOwner[]): FieldOwner[] {
  const entries = new Map<string, FieldOwner>();
  for (const { manager, operation, fields } of owners) {
    const id = `${manager}\n${operation}`;
    const known = entries.get(id)?.fields ?? [];
    entries.set(id, { manager, operation, fields: [...known, ...fields] });
  }
  return [...entries.values()]
    .filter(({ fields }) => fields.length > 0)
    .map((owner) => ({ ...owner, fields: [...new Set(owner.fields)].toSorted() }))
    .toSorted(
      (left, right) => compareText(left.manager, right.manager) || compareText(left.operation, right.operation),
    );
}

function addManager(managers: Map<string, Set<string>>, path: string, manager: string): void {
  const known = managers.get(path);
  if (known) known.add(manager);
  else managers.set(path, new Set([manager]));
}

/** By code units: the same everywhere, whatever the locale. */
function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
