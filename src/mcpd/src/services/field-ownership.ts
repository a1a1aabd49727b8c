import { applyMerge, type ApplyOutcome, ownersAfterUpdate } from "@mcpctl/shared/apply/merge.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { type Json, toJson } from "@mcpctl/shared/json.ts";
import type { Kind, Manifest, Resource } from "@mcpctl/shared/kinds/kind.ts";
import type { FieldOwner } from "@mcpctl/shared/kinds/metadata.ts";
import * as z from "zod";

/** A manifest as its author wrote it, without defaults in its spec. */
export interface WrittenManifest {
  metadata: Pick<Manifest["metadata"], "name" | "project" | "labels" | "annotations">;
  spec?: unknown;
}

const mergedSchema = z.object({
  metadata: z.looseObject({}).optional(),
  spec: z.unknown().optional(),
});

/** Whoever creates an object owns what it wrote, and not the defaults. */
export function ownersOfNew(kind: Kind, written: WrittenManifest, manager: string): FieldOwner[] {
  const after = contentOf(written);
  return ownersAfterUpdate({ before: undefined, after, owners: [], manager, listMapKeys: kind.listMapKeys });
}

/** Whoever updates an object owns what it changed. */
export function ownersOfUpdated(kind: Kind, current: Resource, manifest: Manifest, manager: string): FieldOwner[] {
  const { managedFields: owners } = current.metadata;
  const [before, after] = [contentOf(current), contentOf(manifest)];
  return ownersAfterUpdate({ before, after, owners, manager, listMapKeys: kind.listMapKeys });
}

/**
 * Merges what a manager applied into what is stored.
 *
 * @returns the merged manifest, still without defaults for new fields, and the owners of its fields.
 * @throws {McpctlError} `conflict`, naming each field that another manager owns.
 */
export function mergeApplied(
  kind: Kind,
  written: WrittenManifest,
  current: Resource | undefined,
  { fieldManager, force }: { fieldManager: string; force: boolean },
): { manifest: unknown; owners: FieldOwner[] } {
  const outcome = applyMerge({
    current: current && contentOf(current),
    owners: current?.metadata.managedFields ?? [],
    applied: contentOf(written),
    manager: fieldManager,
    force,
    listMapKeys: kind.listMapKeys,
  });
  if (outcome.conflicts.length > 0) throw fieldConflict(kind, outcome);
  const merged = mergedSchema.parse(outcome.object);
  const { name, project } = written.metadata;
  const metadata = { ...merged.metadata, name, ...(project !== undefined && { project }) };
  return { manifest: { kind: kind.kind, metadata, spec: merged.spec ?? {} }, owners: outcome.owners };
}

/** The part of an object that people own: what apply merges and what ownership speaks of. */
function contentOf({ metadata, spec }: WrittenManifest): Json {
  const { labels, annotations } = metadata;
  const owned = { ...(hasMembers(labels) && { labels }), ...(hasMembers(annotations) && { annotations }) };
  return toJson({ ...(hasMembers(owned) && { metadata: owned }), ...(spec !== undefined && { spec }) });
}

function hasMembers(value: object): boolean {
  return Object.keys(value).length > 0;
}

/** Names the fields and their owners, but no values: they may be confidential. */
function fieldConflict(kind: Kind, { conflicts }: ApplyOutcome): McpctlError {
  const paths = conflicts.map(({ path }) => path).join(", ");
  return new McpctlError("conflict", `Other managers own fields of this ${kind.singular}: ${paths}`, {
    hint: "Leave these fields out, or take them over with --force-conflicts",
    fields: conflicts.map(({ path, managers }) => ({ path, message: `owned by ${managers.join(", ")}` })),
  });
}
