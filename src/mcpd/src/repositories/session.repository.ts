import type { User } from "@mcpctl/shared/kinds/users.ts";
import { type Kysely, sql } from "kysely";
import type { SessionRepository, SessionRow } from "./interfaces.ts";
import { type ResourceRow, toResourceOf, toTimestamp } from "./resource-rows.ts";
import type { Tables } from "./tables.ts";

const HAS_ENDED = sql<boolean>`(sessions.expires_at <= statement_timestamp()
  or coalesce(sessions.last_used_at + make_interval(secs => sessions.idle_seconds) <= statement_timestamp(), false))`;

export function createSessionRepository(db: Kysely<Tables>): SessionRepository {
  return {
    async insert({ sha, userUid, ttlSeconds, idleSeconds = null, method = "password", address = "" }) {
      const { rows } = await sql<{ expires_at: Date }>`
        insert into sessions (sha, user_uid, expires_at, idle_seconds, method, address)
        values (decode(${sha}, 'hex'), ${userUid}, statement_timestamp() + make_interval(secs => ${ttlSeconds}),
          ${idleSeconds}, ${method}, ${address})
        returning expires_at`.execute(db);
      return { expiresAt: rows.map((row) => toTimestamp(row.expires_at)).join() };
    },

    async findUser(sha) {
      const { rows } = await sql<ResourceRow>`
        select resources.* from sessions join resources on resources.uid = sessions.user_uid
        where sessions.sha = decode(${sha}, 'hex') and not ${HAS_ENDED}`.execute(db);
      return rows[0] && toResourceOf<User>(rows[0]);
    },

    async delete(sha) {
      await sql`delete from sessions where sha = decode(${sha}, 'hex')`.execute(db);
    },

    async deleteOfUser(userUid) {
      await db.deleteFrom("sessions").where("user_uid", "=", userUid).execute();
    },

    async listOfUser(userUid) {
      const { rows } = await sql<ListedRow>`
        select id, encode(sha, 'hex') as sha, method, address, created_at, last_used_at, expires_at from sessions
        where user_uid = ${userUid} and not ${HAS_ENDED} order by created_at desc, id`.execute(db);
      return rows.map(toSession);
    },

    async deleteById(userUid, id) {
      const { rows } = await sql`
        delete from sessions where user_uid = ${userUid} and id = ${id} returning id`.execute(db);
      return rows.length > 0;
    },

    // Rows are locked in one order, so that two batches cannot wait for each other.
    async touch(shas) {
      await sql`
        with used as (
          select id from sessions
          where sha in (select decode(hex, 'hex') from unnest(${[...shas]}::text[]) as hex)
          order by id for no key update
        )
        update sessions set last_used_at = statement_timestamp() from used where sessions.id = used.id`.execute(db);
    },

    async deleteExpired() {
      await sql`delete from sessions where ${HAS_ENDED}`.execute(db);
    },
  };
}

interface ListedRow {
  id: string;
  sha: string;
  method: string;
  address: string;
  created_at: Date;
  last_used_at: Date;
  expires_at: Date;
}

function toSession({ created_at, last_used_at, expires_at, ...row }: ListedRow): SessionRow {
  return {
    ...row,
    createdAt: toTimestamp(created_at),
    lastUsedAt: toTimestamp(last_used_at),
    expiresAt: toTimestamp(expires_at),
  };
}
