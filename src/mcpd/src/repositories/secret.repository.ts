import { type Kysely, sql } from "kysely";
import type { SealedSecrets, SecretRepository } from "./interfaces.ts";
import { isAddressed, type ResourceRow, toJson, toResource } from "./resource-rows.ts";
import type { Tables } from "./tables.ts";

interface SecretRow {
  key_id: string;
  wrapped_key: string;
  sealed_values: Record<string, string>;
}

type FoundRow = { object: ResourceRow } & (SecretRow | { [Column in keyof SecretRow]: null });

export function createSecretRepository(db: Kysely<Tables>): SecretRepository {
  return {
    async find(ref) {
      const { rows } = await sql<FoundRow>`
        select to_jsonb(resources) as object, key_id, wrapped_key, sealed_values
        from resources left join secrets on secrets.uid = resources.uid
        where ${isAddressed(ref)}`.execute(db);
      const [row] = rows;
      return row && { resource: toResource(row.object), sealed: isSealed(row) ? toSealed(row) : undefined };
    },

    async put(uid, { keyId, wrappedKey, values }) {
      await sql`
        insert into secrets (uid, key_id, wrapped_key, sealed_values)
        values (${uid}, ${keyId}, ${wrappedKey}, ${toJson(values)}::jsonb)
        on conflict (uid) do update set
          key_id = excluded.key_id, wrapped_key = excluded.wrapped_key, sealed_values = excluded.sealed_values`.execute(
        db,
      );
    },

    async delete(uid) {
      await sql`delete from secrets where uid = ${uid}`.execute(db);
    },

    async keyIds() {
      const { rows } = await sql<{ key_id: string }>`select distinct key_id from secrets order by key_id`.execute(db);
      return rows.map(({ key_id }) => key_id);
    },

    async listOfOtherKeys(keyId, limit) {
      const { rows } = await sql<SecretRow & { object: ResourceRow }>`
        select to_jsonb(resources) as object, key_id, wrapped_key, sealed_values
        from secrets join resources on resources.uid = secrets.uid
        where key_id <> ${keyId} order by secrets.uid limit ${limit} for update of secrets`.execute(db);
      return rows.map((row) => ({ uid: row.object.uid, sealed: toSealed(row), resource: toResource(row.object) }));
    },

    async countOfOtherKeys(keyId) {
      const { rows } = await sql<{ count: string }>`
        select count(*)::text as count from secrets where key_id <> ${keyId}`.execute(db);
      return Number(rows[0]?.count ?? 0);
    },
  };
}

function isSealed(row: FoundRow): row is FoundRow & SecretRow {
  return row.key_id !== null;
}

function toSealed({ key_id, wrapped_key, sealed_values }: SecretRow): SealedSecrets {
  return { keyId: key_id, wrappedKey: wrapped_key, values: sealed_values };
}
