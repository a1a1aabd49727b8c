import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { McpToken } from "@mcpctl/shared/kinds/mcp-tokens.ts";
import type { User } from "@mcpctl/shared/kinds/users.ts";
import { type Kysely, sql } from "kysely";
import type { McpTokenRepository, TokenRow } from "./interfaces.ts";
import { type ResourceRow, toResourceOf, toTimestamp } from "./resource-rows.ts";
import type { Tables } from "./tables.ts";

export function createMcpTokenRepository(db: Kysely<Tables>): McpTokenRepository {
  return {
    async insert({ uid, sha, projectUid, creatorUid }) {
      const { numAffectedRows } = await sql`
        insert into mcp_tokens (uid, sha, project_uid, creator_uid)
        values (${uid}, decode(${sha}, 'hex'), ${projectUid}, ${creatorUid})
        on conflict do nothing`.execute(db);
      if (!numAffectedRows) throw new McpctlError("already-exists", "mcptoken with this hash already exists");
    },

    findBySha: (sha) => findTokenBySha(db, sha),

    async listByOwner(owner) {
      const isOwned =
        "projectUid" in owner ? sql`project_uid = ${owner.projectUid}` : sql`creator_uid = ${owner.creatorUid}`;
      const { rows } = await sql<ResourceRow>`
        select resources.* from mcp_tokens join resources on resources.uid = mcp_tokens.uid
        where ${isOwned} order by resources.project, resources.name`.execute(db);
      return rows.map(toResourceOf<McpToken>);
    },

    // Rows are locked in one order, so that two batches cannot wait for each other.
    async touch(shas) {
      await sql`
        with used as (
          select uid from mcp_tokens
          where sha in (select decode(hex, 'hex') from unnest(${[...shas]}::text[]) as hex)
          order by uid for no key update
        )
        update mcp_tokens set last_used_at = statement_timestamp() from used where mcp_tokens.uid = used.uid`.execute(
        db,
      );
    },

    async lastUses(uids) {
      const { rows } = await sql<{ uid: string; last_used_at: Date }>`
        select uid, last_used_at from mcp_tokens
        where uid = any (${[...uids]}::uuid[]) and last_used_at is not null`.execute(db);
      return new Map(rows.map((row) => [row.uid, toTimestamp(row.last_used_at)]));
    },
  };
}

interface FoundToken {
  token: ResourceRow;
  creator: ResourceRow;
  is_expired: boolean;
  is_revoked: boolean;
}

async function findTokenBySha(db: Kysely<Tables>, sha: string): Promise<TokenRow | undefined> {
  const { rows } = await sql<FoundToken>`
    select to_jsonb(token) as token, to_jsonb(creator) as creator,
      coalesce((token.status ->> 'expiresAt')::timestamptz <= statement_timestamp(), false) as is_expired,
      token.status ->> 'revokedAt' is not null or coalesce(token.status ->> 'phase' = 'Revoked', false) as is_revoked
    from mcp_tokens
      join resources as token on token.uid = mcp_tokens.uid
      join resources as creator on creator.uid = mcp_tokens.creator_uid
    where mcp_tokens.sha = decode(${sha}, 'hex')`.execute(db);
  const [row] = rows;
  if (!row) return undefined;
  return {
    token: toResourceOf<McpToken>(row.token),
    creator: toResourceOf<User>(row.creator),
    isExpired: row.is_expired,
    isRevoked: row.is_revoked,
  };
}
