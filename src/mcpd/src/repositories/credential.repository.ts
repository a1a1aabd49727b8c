import type { User } from "@mcpctl/shared/kinds/users.ts";
import { type Kysely, sql } from "kysely";
import type { CredentialRepository } from "./interfaces.ts";
import { type ResourceRow, toResourceOf } from "./resource-rows.ts";
import type { Tables } from "./tables.ts";

export function createCredentialRepository(db: Kysely<Tables>): CredentialRepository {
  return {
    async findPasswordHash(userUid) {
      const row = await db
        .selectFrom("credentials")
        .select("password_hash")
        .where("user_uid", "=", userUid)
        .executeTakeFirst();
      return row?.password_hash;
    },

    async setPasswordHash(userUid, passwordHash) {
      await db
        .insertInto("credentials")
        .values({ user_uid: userUid, password_hash: passwordHash })
        .onConflict((conflict) => conflict.column("user_uid").doUpdateSet({ password_hash: passwordHash }))
        .execute();
    },

    async findUserByIdentity({ issuer, subject }) {
      const { rows } = await sql<ResourceRow>`
        select * from resources where plural = 'users' and spec -> 'oidc' is not null
        and spec -> 'oidc' ->> 'issuer' = ${issuer} and spec -> 'oidc' ->> 'subject' = ${subject}`.execute(db);
      return rows[0] && toResourceOf<User>(rows[0]);
    },
  };
}
