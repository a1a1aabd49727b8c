import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Migration } from "kysely/migration";
import { GENESIS, hashRow } from "../audit-chain.ts";
import { toTimestamp } from "../resource-rows.ts";

const statements: RawBuilder<unknown>[] = [
  sql`alter table audit_events
    alter column request_id drop not null,
    add column seq bigint constraint audit_events_seq unique,
    add column hash bytea,
    add column event_id text constraint audit_events_event_id unique,
    add column received_at timestamptz(3),
    add column source text,
    add column user_name text,
    add column server text,
    add column tool text,
    add column code text,
    add column count integer not null default 1,
    add column duration_ms double precision,
    add column request_bytes bigint,
    add column reply_bytes bigint`,
  sql`create index audit_events_by_token_name on audit_events (token_name) where token_name is not null`,
  sql`create index audit_events_by_user on audit_events (user_name) where user_name is not null`,
  sql`create index audit_events_unplaced on audit_events (id) where seq is null`,
  sql`alter table revision
    add column audit_seq bigint not null default 0,
    add column audit_hash bytea not null default decode(${sql.lit(GENESIS)}, 'hex')`,
  sql`create table audit_checkpoints (
    seq bigint primary key,
    hash bytea not null,
    at timestamptz(3) not null,
    ends_segment boolean not null,
    kept_from bigint not null,
    previous bytea not null,
    key_id text not null,
    mac bytea not null
  )`,
];

export const audit: Migration = {
  async up(db) {
    for (const statement of statements) await statement.execute(db);
    await placeOldRows(db);
  },
};

interface OldRow {
  id: string;
  at: Date;
  request_id: string;
  principal: string;
  token_name: string | null;
  token_sha: string | null;
  project: string | null;
  verb: string;
  resource: string;
  name: string | null;
  decision: "allow" | "deny";
  decided_by: string;
  outcome: "success" | "failure";
}

/** Rows from before there was a chain become its beginning. */
async function placeOldRows(db: Kysely<unknown>): Promise<void> {
  let [seq, hash] = [0, GENESIS];
  const next = sql<OldRow>`
    select id, at, request_id, principal, token_name, encode(token_sha, 'hex') as token_sha, project, verb, resource,
      name, decision, decided_by, outcome
    from audit_events where seq is null order by id limit 1000`;
  for (let { rows } = await next.execute(db); rows.length > 0; { rows } = await next.execute(db)) {
    for (const row of rows) {
      seq += 1;
      hash = hashRow(hash, toRow(row, seq));
      await sql`
        update audit_events set seq = ${seq}, hash = decode(${hash}, 'hex'), event_id = ${`row-${row.id}`}
        where id = ${row.id}`.execute(db);
    }
  }
  await sql`update revision set audit_seq = ${seq}, audit_hash = decode(${hash}, 'hex')`.execute(db);
}

function toRow(row: OldRow, seq: number) {
  return {
    seq,
    id: `row-${row.id}`,
    at: toTimestamp(row.at),
    requestId: row.request_id,
    principal: row.principal,
    tokenName: row.token_name ?? undefined,
    tokenSha: row.token_sha ?? undefined,
    project: row.project ?? undefined,
    verb: row.verb,
    resource: row.resource,
    name: row.name ?? undefined,
    decision: row.decision,
    decidedBy: row.decided_by,
    outcome: row.outcome,
    count: 1,
  };
}
