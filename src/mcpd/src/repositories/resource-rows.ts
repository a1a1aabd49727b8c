import { API_VERSION, type Resource, type ResourceRef } from "@mcpctl/shared/kinds/kind.ts";
import { isUid } from "@mcpctl/shared/kinds/metadata.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { type RawBuilder, type Selectable, sql } from "kysely";
import type { ResourceTable } from "./tables.ts";

/** A row of `resources` as a query answers it, or as `to_jsonb` wrote it: then times are text and versions numbers. */
export interface ResourceRow extends Omit<Selectable<ResourceTable>, "resource_version" | "created_at" | "updated_at"> {
  resource_version: string | number;
  created_at: Date | string;
  updated_at: Date | string;
}

export function toResource(row: ResourceRow): Resource {
  return {
    apiVersion: API_VERSION,
    kind: row.kind,
    metadata: {
      name: row.name,
      ...(row.project !== "" && { project: row.project }),
      labels: row.labels,
      annotations: row.annotations,
      uid: row.uid,
      generation: row.generation,
      resourceVersion: String(row.resource_version),
      createdAt: toTimestamp(row.created_at),
      updatedAt: toTimestamp(row.updated_at),
      managedFields: row.managed_fields,
    },
    spec: row.spec,
    ...(row.status !== null && { status: row.status }),
  };
}

/** A resource of the kind that the query asked for: its schema accepted spec and status before they were stored. */
export function toResourceOf<R extends Resource>(row: ResourceRow): R {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- parsing each row again would only repeat that
  return toResource(row) as R;
}

/** @returns RFC 3339, UTC, with milliseconds. */
export function toTimestamp(time: Date | string): string {
  return new Date(time).toISOString();
}

/** Condition that a row of `resources` is the one addressed, by name or uid. A uid finds it in any project, if none is said. */
export function isAddressed({ plural, project, name }: ResourceRef): RawBuilder<boolean> {
  if (!isUid(name)) {
    return sql`resources.plural = ${plural} and resources.project = ${project} and resources.name = ${name}`;
  }
  return sql`resources.plural = ${plural} and resources.uid = ${name} and ${project} in ('', resources.project)`;
}

/** @throws {McpctlError} `invalid` when the value is nested too deeply to be written down. */
export function toJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw new McpctlError("invalid", "The content is nested too deeply", { cause: thrown });
  }
}
