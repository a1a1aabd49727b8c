import { sql } from "kysely";
import type { Migration } from "kysely/migration";

const statements = [
  sql`create table secrets (
    uid uuid primary key constraint secrets_object references resources (uid) on delete cascade,
    key_id text not null,
    wrapped_key text not null,
    sealed_values jsonb not null
  )`,
  sql`create index secrets_by_key on secrets (key_id)`,
  sql`create table gateways (
    uid uuid primary key constraint gateways_gateway references resources (uid) on delete cascade,
    sha bytea not null constraint gateways_sha unique
  )`,
];

export const secrets: Migration = {
  async up(db) {
    for (const statement of statements) await statement.execute(db);
  },
};
