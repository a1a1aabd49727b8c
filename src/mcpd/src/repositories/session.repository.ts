import type { User } from "@mcpctl/shared/kinds/users.ts";
import { type Kysely, sql } from "kysely";
import type { SessionRepository } from "./interfaces.ts";
import { type ResourceRow, toResourceOf, toTimestamp } from "./resource-rows.ts";
import type { Tables } from "./tables.ts";

export function createSessionRepository(db: Kysely<Tables>): SessionRepository {
  return {
    async insert({ sha, userUid, ttlSeconds }) {
      const { rows } = await sql<{ expires_at: Date }>`
        insert into sessions (sha, user_uid, expires_at)
        values (decode(${sha}, 'hex'), ${userUid}, statement_timestamp() + make_interval(secs => ${ttlSeconds}))
        returning expires_at`.execute(db);
      return { expiresAt: rows.map((row) => toTimestamp(row.expires_at)).join() };
    },

    async findUser(sha) {
      const { rows } = await sql<ResourceRow>`
        select resources.* from sessions join resources on resources.uid = sessions.user_uid
        where sessions.sha = decode(${sha}, 'hex') and sessions.expires_at > statement_timestamp()`.execute(db);
      return rows[0] && toResourceOf<User>(rows[0]);
    },

    async delete(sha) {
      await sql`delete from sessions where sha = decode(${sha}, 'hex')`.execute(db);
    },

    async deleteOfUser(userUid) {
      await db.deleteFrom("sessions").where("user_uid", "=", userUid).execute();
    },

    async deleteExpired() {
      await sql`delete from sessions where expires_at <= statement_timestamp()`.execute(db);
    },
  };
}
