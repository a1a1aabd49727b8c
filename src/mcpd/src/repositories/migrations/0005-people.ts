import { type RawBuilder, sql } from "kysely";
import type { Migration } from "kysely/migration";

/** Sessions that an earlier release opens have no idle limit, since it does not note their use either. */
const statements: RawBuilder<unknown>[] = [
  sql`alter table sessions
    add column id uuid not null default gen_random_uuid(),
    add column created_at timestamptz(3) not null default statement_timestamp(),
    add column last_used_at timestamptz(3) not null default statement_timestamp(),
    add column idle_seconds integer,
    add column method text not null default 'password',
    add column address text not null default ''`,
  sql`create unique index sessions_by_id on sessions (id)`,
  // One identity is one person; the look-up at a login uses it too.
  sql`create unique index resources_oidc_identity
    on resources ((spec -> 'oidc' ->> 'issuer'), (spec -> 'oidc' ->> 'subject'))
    where plural = 'users' and spec -> 'oidc' is not null`,
];

export const people: Migration = {
  async up(db) {
    for (const statement of statements) await statement.execute(db);
  },
};
