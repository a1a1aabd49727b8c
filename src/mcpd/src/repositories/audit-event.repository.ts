import { type Kysely, sql } from "kysely";
import type { AuditEventRepository } from "./interfaces.ts";
import type { Tables } from "./tables.ts";

export function createAuditEventRepository(db: Kysely<Tables>): AuditEventRepository {
  return {
    async insert({ tokenSha = null, ...row }) {
      await db
        .insertInto("audit_events")
        .values({
          request_id: row.requestId,
          principal: row.principal,
          token_name: row.tokenName,
          token_sha: sql<Uint8Array | null>`decode(${tokenSha}, 'hex')`,
          project: row.project,
          verb: row.verb,
          resource: row.resource,
          name: row.name,
          decision: row.decision,
          decided_by: row.decidedBy,
          outcome: row.outcome,
        })
        .execute();
    },
  };
}
