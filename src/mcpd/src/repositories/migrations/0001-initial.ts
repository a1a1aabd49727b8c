import { type RawBuilder, sql } from "kysely";
import type { Migration } from "kysely/migration";

/**
 * Names compare by code point whatever the locale of the database is. Times are kept to the millisecond, which is what
 * JavaScript can hold, so that a row reads the same through every path.
 */
const statements: RawBuilder<unknown>[] = [
  sql`create table resources (
    uid uuid primary key default gen_random_uuid(),
    plural text collate "C" not null,
    project text collate "C" not null,
    name text collate "C" not null,
    kind text not null,
    generation integer not null default 1,
    resource_version bigint not null,
    labels jsonb not null,
    annotations jsonb not null,
    managed_fields jsonb not null,
    spec jsonb not null,
    status jsonb,
    created_at timestamptz(3) not null default statement_timestamp(),
    updated_at timestamptz(3) not null default statement_timestamp(),
    constraint resources_address unique (plural, project, name)
  )`,
  sql`create table changes (
    version bigint primary key,
    type text not null,
    plural text not null,
    object jsonb not null
  )`,
  sql`create table revision (
    is_only_row boolean primary key default true check (is_only_row),
    value bigint not null default 0,
    pruned bigint not null default 0
  )`,
  sql`insert into revision default values`,
  sql`create table credentials (
    user_uid uuid primary key constraint credentials_user references resources (uid) on delete cascade,
    password_hash text not null
  )`,
  sql`create table sessions (
    sha bytea primary key,
    user_uid uuid not null constraint sessions_user references resources (uid) on delete cascade,
    expires_at timestamptz(3) not null
  )`,
  sql`create index sessions_by_user on sessions (user_uid)`,
  sql`create index sessions_by_expiry on sessions (expires_at)`,
  sql`create table mcp_tokens (
    uid uuid primary key constraint mcp_tokens_token references resources (uid) on delete cascade,
    sha bytea not null constraint mcp_tokens_sha unique,
    project_uid uuid not null constraint mcp_tokens_project references resources (uid) on delete cascade,
    creator_uid uuid not null constraint mcp_tokens_creator references resources (uid) on delete cascade,
    last_used_at timestamptz(3)
  )`,
  sql`create index mcp_tokens_by_project on mcp_tokens (project_uid)`,
  sql`create index mcp_tokens_by_creator on mcp_tokens (creator_uid)`,
  sql`create table audit_events (
    id bigint generated always as identity primary key,
    at timestamptz(3) not null default statement_timestamp(),
    request_id text not null,
    principal text not null,
    token_name text,
    token_sha bytea,
    project text,
    verb text not null,
    resource text not null,
    name text,
    decision text not null,
    decided_by text not null,
    outcome text not null
  )`,
  sql`create index audit_events_by_token on audit_events (token_sha) where token_sha is not null`,
];

export const initial: Migration = {
  async up(db) {
    for (const statement of statements) await statement.execute(db);
  },
};
