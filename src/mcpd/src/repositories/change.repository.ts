import { McpctlError } from "@mcpctl/shared/errors.ts";
import { type Kysely, sql } from "kysely";
import type { Change, ChangeRepository } from "./interfaces.ts";
import { type ResourceRow, toResource } from "./resource-rows.ts";
import type { Tables } from "./tables.ts";

interface ChangeRow {
  version: string;
  type: Change["type"];
  plural: string;
  object: ResourceRow;
}

export function createChangeRepository(db: Kysely<Tables>): ChangeRepository {
  const scalar = async (query: ReturnType<typeof sql<{ version: string }>>) =>
    (await query.execute(db)).rows[0]?.version ?? "0";
  return {
    latestVersion: () =>
      scalar(sql`select greatest(pruned, (select max(version) from changes))::text as version from revision`),

    oldestVersion: () => scalar(sql`select pruned::text as version from revision`),

    async listSince(version, limit) {
      const rows = await selectSince(db, version, limit);
      if (rows.some(({ is_too_old }) => is_too_old)) throw tooOld(version);
      return rows.filter(isChange).map(toChange);
    },

    async prune(keep) {
      await sql`
        with forgotten as (
          delete from changes
          where version <= (select version from changes order by version desc offset ${keep} limit 1)
          returning version
        )
        update revision set pruned = greatest(pruned, (select max(version) from forgotten))
        where exists (select from forgotten)`.execute(db);
    },
  };
}

type SinceRow = { is_too_old: boolean } & (ChangeRow | { [K in keyof ChangeRow]: null });

/** One snapshot answers both what is there and whether anything before it was pruned; it has at least one row. */
async function selectSince(db: Kysely<Tables>, version: string, limit: number): Promise<SinceRow[]> {
  const { rows } = await sql<SinceRow>`
    select revision.pruned > ${version}::bigint as is_too_old, since.*
    from revision left join lateral (
      select version::text, type, plural, object from changes
      where changes.version > ${version}::bigint order by changes.version limit ${limit}
    ) as since on true
    order by since.version::bigint`.execute(db);
  return rows;
}

function isChange(row: SinceRow): row is SinceRow & ChangeRow {
  return row.version !== null;
}

function toChange({ type, version, plural, object }: ChangeRow): Change {
  return { type, resourceVersion: version, plural, object: toResource(object) };
}

function tooOld(version: string): McpctlError {
  return new McpctlError("resource-version-too-old", `Changes behind version ${version} are no longer kept`, {
    hint: "List again and watch from the version of that list.",
  });
}
