import { McpctlError, notFound } from "@mcpctl/shared/errors.ts";
import { findKind } from "@mcpctl/shared/kinds/index.ts";
import type { Resource, ResourceRef } from "@mcpctl/shared/kinds/kind.ts";
import { type Kysely, type RawBuilder, sql } from "kysely";
import type { ResourceContent, ResourceQuery, ResourceRepository } from "./interfaces.ts";
import { isAddressed, toJson, toResource } from "./resource-rows.ts";
import { writeResource } from "./resource-write.ts";
import type { Tables } from "./tables.ts";

export function createResourceRepository(db: Kysely<Tables>): ResourceRepository {
  const find = (ref: ResourceRef) => findResource(db, ref);
  const repository = {
    find,
    list: (query) => listResources(db, query),

    async insert(ref, kind, content, status) {
      const inserted = await writeResource(db, { type: "ADDED", ...insertion(ref, { kind, content, status }) });
      if (inserted) return inserted;
      throw new McpctlError("already-exists", `${singularOf(ref)} "${ref.name}" already exists`, {
        hint: `Look at it with: mcpctl describe ${singularOf(ref)} ${ref.name}${ref.project && ` -p ${ref.project}`}`,
      });
    },

    async replace(ref, content, expectedVersion) {
      const written = await writeResource(db, { type: "MODIFIED", ...replacement(ref, content, expectedVersion) });
      const current = written ?? (await find(ref));
      if (!current) throw notFound(singularOf(ref), ref.name);
      if (!written) assertVersion(current, ref, expectedVersion);
      return current;
    },

    async replaceStatus(ref, status) {
      return (await writeResource(db, { type: "MODIFIED", ...statusReplacement(ref, status) })) ?? find(ref);
    },

    async delete(ref, expectedVersion) {
      const deleted = await writeResource(db, { type: "DELETED", ...deletion(ref, expectedVersion) });
      if (deleted || expectedVersion === undefined) return deleted;
      const current = await find(ref);
      if (current) assertVersion(current, ref, expectedVersion);
      return undefined;
    },
  } satisfies UntypedRepository;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- callers name the type; rows were parsed when written
  return repository as ResourceRepository;
}

/** What SQL can know: rows of any kind. */
type UntypedRepository = {
  [Method in keyof ResourceRepository]: (
    ...args: Parameters<ResourceRepository[Method]>
  ) => ReturnType<ResourceRepository[Method]>;
};

async function findResource(db: Kysely<Tables>, ref: ResourceRef): Promise<Resource | undefined> {
  const row = await db.selectFrom("resources").selectAll().where(isAddressed(ref)).executeTakeFirst();
  return row && toResource(row);
}

async function listResources(db: Kysely<Tables>, query: ResourceQuery): Promise<Resource[]> {
  const { plural, project, names, labels, limit, after } = query;
  let rows = db.selectFrom("resources").selectAll().where("plural", "=", plural).orderBy("project").orderBy("name");
  if (project !== undefined) rows = rows.where("project", "=", project);
  if (names) rows = rows.where(sql<boolean>`name = any (${[...names]}::text[])`);
  if (labels) rows = rows.where(sql<boolean>`labels @> ${toJson(labels)}::jsonb`);
  if (after) rows = rows.where(sql<boolean>`(project, name) > (${after.project}, ${after.name})`);
  if (limit !== undefined) rows = rows.limit(limit);
  return (await rows.execute()).map(toResource);
}

function insertion(ref: ResourceRef, row: { kind: string; content: ResourceContent; status: unknown }) {
  const { labels, annotations, managedFields, spec } = row.content;
  return {
    occasion: sql`select where not exists (select from resources where ${isAddressed(ref)})`,
    statement: sql`
      insert into resources
        (plural, project, name, kind, labels, annotations, managed_fields, spec, status, resource_version)
      select ${ref.plural}, ${ref.project}, ${ref.name}, ${row.kind}, ${toJson(labels)}::jsonb,
        ${toJson(annotations)}::jsonb, ${toJson(managedFields)}::jsonb, ${toJson(spec)}::jsonb,
        ${statusJson(row.status)}, drawn.value
      from drawn
      on conflict do nothing
      returning *`,
  };
}

function replacement(ref: ResourceRef, content: ResourceContent, expectedVersion: string) {
  const isExpected = sql`${isAddressed(ref)} and resources.resource_version::text = ${expectedVersion}`;
  const hasNewSecrets = content.hasNewSecrets === true ? sql`true` : sql`false`;
  const next = sql`(select ${toJson(content.labels)}::jsonb as labels, ${toJson(content.annotations)}::jsonb as annotations,
    ${toJson(content.managedFields)}::jsonb as managed_fields, ${toJson(content.spec)}::jsonb as spec) as next`;
  return {
    occasion: sql`
      select from resources, ${next}
      where ${isExpected}
        and (${hasNewSecrets} or (resources.labels, resources.annotations, resources.managed_fields, resources.spec)
          is distinct from (next.labels, next.annotations, next.managed_fields, next.spec))`,
    statement: sql`
      update resources set
        labels = next.labels,
        annotations = next.annotations,
        managed_fields = next.managed_fields,
        spec = next.spec,
        generation = generation + (${hasNewSecrets} or resources.spec is distinct from next.spec)::int,
        resource_version = drawn.value,
        updated_at = statement_timestamp()
      from drawn, ${next}
      where ${isExpected}
      returning resources.*`,
  };
}

function statusReplacement(ref: ResourceRef, status: unknown) {
  const isDifferent = sql`${isAddressed(ref)} and resources.status is distinct from ${statusJson(status)}`;
  return {
    occasion: sql`select from resources where ${isDifferent}`,
    statement: sql`
      update resources
      set status = ${statusJson(status)}, resource_version = drawn.value, updated_at = statement_timestamp()
      from drawn
      where ${isDifferent}
      returning resources.*`,
  };
}

function deletion(ref: ResourceRef, expectedVersion: string | undefined) {
  const version: RawBuilder<unknown> =
    expectedVersion === undefined ? sql`true` : sql`resources.resource_version::text = ${expectedVersion}`;
  const isExpected = sql`${isAddressed(ref)} and ${version}`;
  return {
    occasion: sql`select from resources where ${isExpected}`,
    statement: sql`delete from resources using drawn where ${isExpected} returning resources.*`,
  };
}

function statusJson(status: unknown): RawBuilder<unknown> {
  return sql`${status === undefined ? null : toJson(status)}::jsonb`;
}

function assertVersion(current: Resource, ref: ResourceRef, expectedVersion: string): void {
  if (current.metadata.resourceVersion === expectedVersion) return;
  throw new McpctlError("conflict", `${singularOf(ref)} "${ref.name}" was changed since you read it`, {
    hint: "Read it again, merge your change and retry.",
  });
}

function singularOf({ plural }: ResourceRef): string {
  return findKind(plural)?.singular ?? plural;
}
