import { type Kysely, sql } from "kysely";
import type { AuditCheckpointRepository, Checkpoint } from "./audit-interfaces.ts";
import { toTimestamp } from "./resource-rows.ts";
import type { Tables } from "./tables.ts";

const COLUMNS = sql`seq, encode(hash, 'hex') as hash, at, ends_segment as "endsSegment", kept_from as "keptFrom",
  encode(previous, 'hex') as previous, key_id as "keyId", encode(mac, 'hex') as mac`;

type StoredCheckpoint = Omit<Checkpoint, "seq" | "keptFrom" | "at"> & { seq: string; keptFrom: string; at: Date };

export function createAuditCheckpointRepository(db: Kysely<Tables>): AuditCheckpointRepository {
  async function findOne(query: ReturnType<typeof sql<StoredCheckpoint>>): Promise<Checkpoint | undefined> {
    const { rows } = await query.execute(db);
    return rows[0] && toCheckpoint(rows[0]);
  }

  return {
    async insert({ seq, hash, at, endsSegment, keptFrom, previous, keyId, mac }) {
      await sql`
        insert into audit_checkpoints (seq, hash, at, ends_segment, kept_from, previous, key_id, mac)
        values (${seq}, decode(${hash}, 'hex'), ${at}, ${endsSegment}, ${keptFrom}, decode(${previous}, 'hex'),
          ${keyId}, decode(${mac}, 'hex'))`.execute(db);
    },

    latest: () => findOne(sql`select ${COLUMNS} from audit_checkpoints order by seq desc limit 1`),

    findUpTo: (seq) =>
      findOne(sql`select ${COLUMNS} from audit_checkpoints where seq <= ${seq} order by seq desc limit 1`),

    latestSegmentEnd: (before = "infinity") =>
      findOne(sql`
        select ${COLUMNS} from audit_checkpoints where ends_segment and at < ${before}::timestamptz
        order by seq desc limit 1`),

    async listAfter(seq, limit) {
      const { rows } = await sql<StoredCheckpoint>`
        select ${COLUMNS} from audit_checkpoints where seq > ${seq} order by seq limit ${limit}`.execute(db);
      return rows.map(toCheckpoint);
    },
  };
}

function toCheckpoint({ seq, keptFrom, at, ...checkpoint }: StoredCheckpoint): Checkpoint {
  return { ...checkpoint, seq: Number(seq), keptFrom: Number(keptFrom), at: toTimestamp(at) };
}
