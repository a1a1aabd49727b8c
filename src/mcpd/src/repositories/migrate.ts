import { type Kysely, sql } from "kysely";
import { DEFAULT_MIGRATION_TABLE, type Migration, Migrator } from "kysely/migration";
import { MIGRATIONS } from "./migrations/index.ts";
import { toError } from "./storage-errors.ts";
import type { Tables } from "./tables.ts";

/** Brings the tables up to date in one transaction, one process at a time; interrupted, it starts over. */
export async function migrate(db: Kysely<Tables>): Promise<void> {
  const migrations = { ...(await newerMigrations(db)), ...MIGRATIONS };
  const provider = { getMigrations: () => Promise.resolve(migrations) };
  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  if (error !== undefined) throw toError(error);
}

/**
 * Migrations of a newer release count as done and are left alone: it only added to the tables, so this one still
 * runs on them, as it must while replicas are replaced one by one.
 */
async function newerMigrations(db: Kysely<Tables>): Promise<Record<string, Migration>> {
  const { rows } = await sql<{ table: string | null }>`
    select to_regclass(${DEFAULT_MIGRATION_TABLE})::text as "table"`.execute(db);
  if (!rows[0]?.table) return {};
  const executed = await sql<{ name: string }>`select name from ${sql.table(DEFAULT_MIGRATION_TABLE)}`.execute(db);
  const newer = executed.rows.filter(({ name }) => !Object.hasOwn(MIGRATIONS, name));
  return Object.fromEntries(newer.map(({ name }) => [name, { up: () => Promise.resolve() }]));
}
