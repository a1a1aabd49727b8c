import { type ResourceRow, toResource } from "../../src/mcpd/src/repositories/resource-rows.ts";
import type { AuditRow, StoredRows, TokenRow } from "./check-rows.ts";
import type { LoggedChange } from "./ledger.ts";

const REVISION = `select value from revision`;
const CHANGES = `select version, type, plural, object from changes order by version`;
const RESOURCES = `select * from resources`;
const AUDIT = `
  select request_id as "requestId", verb, resource, coalesce(name, '') as name, coalesce(project, '') as project, decision
  from audit_events`;
const TOKENS = `
  select
    case when token.uid is not null then json_build_object(
      'uid', token.uid, 'sha', token.status ->> 'sha', 'project', token.project) end as resource,
    case when own.uid is not null then json_build_object(
      'uid', own.uid, 'sha', encode(own.sha, 'hex'), 'project', project.name) end as row
  from (select * from resources where plural = 'mcptokens') as token
    full join mcp_tokens as own on own.uid = token.uid
    left join resources as project on project.uid = own.project_uid`;

/** A watch tells a deletion with the version of the deletion. */
function toldRow({ type, version, object }: Omit<LoggedChange, "object"> & { object: ResourceRow }): ResourceRow {
  return type === "DELETED" ? { ...object, resource_version: version } : object;
}

/** @param query - runs SQL that answers with one value, and gives it as text. */
export async function readStoredRows(query: (sql: string) => Promise<string>): Promise<StoredRows> {
  const all = async <T>(sql: string) =>
    JSON.parse(await query(`select coalesce(json_agg(row_to_json(found)), '[]') from (${sql}) as found`)) as T[];
  const [revision] = await all<{ value: number }>(REVISION);
  const changes = await all<Omit<LoggedChange, "object"> & { object: ResourceRow }>(CHANGES);
  const resources = await all<ResourceRow>(RESOURCES);
  return {
    revision: revision?.value ?? 0,
    changes: changes.map((change) => ({ ...change, object: toResource(toldRow(change)) })),
    resources: new Map(
      [...Map.groupBy(resources, (row) => row.plural)].map(([plural, rows]) => [plural, rows.map(toResource)]),
    ),
    audit: await all<AuditRow>(AUDIT),
    tokens: await all<TokenRow>(TOKENS),
  };
}
