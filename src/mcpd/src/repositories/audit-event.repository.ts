import { type Kysely, type RawBuilder, sql } from "kysely";
import { hashRow } from "./audit-chain.ts";
import type { AuditEntry, AuditEventRepository, AuditHead, AuditRow, AuditRowQuery } from "./audit-interfaces.ts";
import { toTimestamp } from "./resource-rows.ts";
import type { Tables } from "./tables.ts";

/** A column and the member that it keeps; numbers and times come back as the engine likes them. */
const COLUMNS = sql`seq, encode(hash, 'hex') as hash, event_id as id, at, received_at as "receivedAt", source,
  request_id as "requestId", principal, user_name as "user", token_name as "tokenName",
  encode(token_sha, 'hex') as "tokenSha", project, verb, resource, name, server, tool, decision,
  decided_by as "decidedBy", outcome, code, count, duration_ms as "durationMs", request_bytes as "requestBytes",
  reply_bytes as "replyBytes"`;

const NUMBERS = ["seq", "count", "durationMs", "requestBytes", "replyBytes"] as const satisfies (keyof AuditRow)[];
const TIMES = ["at", "receivedAt"] as const satisfies (keyof AuditRow)[];
const SHA_PREFIX = /^[0-9a-f]{6,64}$/;

export function createAuditEventRepository(db: Kysely<Tables>): AuditEventRepository {
  return {
    async append(entries) {
      if (entries.length > 0) await insertRows(db, placeRows(await lockHead(db), entries));
    },

    async findIds(ids) {
      const { rows } = await sql<{ id: string }>`
        select event_id as id from audit_events where event_id = any (${[...ids]}::text[])`.execute(db);
      return new Set(rows.map(({ id }) => id));
    },

    async list(query) {
      const { rows } = await sql<StoredRow>`
        select ${COLUMNS} from audit_events where ${conditionOf(query)} order by seq desc limit ${query.limit}`.execute(
        db,
      );
      return rows.map(toRow);
    },

    async listAfter(seq, limit) {
      const { rows } = await sql<StoredRow>`
        select ${COLUMNS} from audit_events where seq > ${seq} order by seq, id limit ${limit}`.execute(db);
      return rows.map(toRow);
    },

    async head() {
      const { rows } = await sql<Record<"seq" | "last" | "first" | "unplaced", string> & { hash: string }>`
        select audit_seq as seq, encode(audit_hash, 'hex') as hash,
          (select coalesce(max(seq), 0) from audit_events) as last,
          (select coalesce(min(seq), 0) from audit_events) as first,
          (select count(*) from audit_events where seq is null) as unplaced
        from revision`.execute(db);
      const [row] = rows;
      if (!row) throw new Error("The table revision has lost its row");
      const { seq, hash, last, first, unplaced } = row;
      return { seq: +seq, hash, lastRow: +last, firstRow: +first, unplacedRows: +unplaced };
    },

    async dropThrough(seq) {
      await sql`delete from audit_events where seq <= ${seq}`.execute(db);
    },
  };
}

type Locked = AuditHead & { now: string };

/** One statement that waits for its turn and then sees what the writer before has left, as only a locked row shows it. */
async function lockHead(db: Kysely<Tables>): Promise<Locked> {
  const { rows } = await sql<{ seq: string; hash: string; now: Date }>`
    select audit_seq as seq, encode(audit_hash, 'hex') as hash, clock_timestamp() as now
    from revision for update`.execute(db);
  const [row] = rows;
  if (!row) throw new Error("The table revision has lost its row");
  return { seq: Number(row.seq), hash: row.hash, now: toTimestamp(row.now) };
}

function placeRows({ seq, hash, now }: Locked, entries: readonly AuditEntry[]): AuditRow[] {
  let previous = hash;
  return entries.map((entry, at) => {
    const isRecorded = entry.at !== undefined;
    const row = { ...entry, seq: seq + at + 1, at: entry.at ?? now, ...(isRecorded && { receivedAt: now }) };
    previous = hashRow(previous, row);
    return { ...row, hash: previous };
  });
}

async function insertRows(db: Kysely<Tables>, rows: readonly AuditRow[]): Promise<void> {
  await sql`
    with
      given as (
        select * from json_to_recordset(${JSON.stringify(rows)}::json) as row (
          seq bigint, hash text, id text, at timestamptz, "receivedAt" timestamptz, source text, "requestId" text,
          principal text, "user" text, "tokenName" text, "tokenSha" text, project text, verb text, resource text,
          name text, server text, tool text, decision text, "decidedBy" text, outcome text, code text, count integer,
          "durationMs" double precision, "requestBytes" bigint, "replyBytes" bigint
        )
      ),
      inserted as (
        insert into audit_events (
          seq, hash, event_id, at, received_at, source, request_id, principal, user_name, token_name, token_sha, project,
          verb, resource, name, server, tool, decision, decided_by, outcome, code, count, duration_ms, request_bytes,
          reply_bytes
        )
        select seq, decode(hash, 'hex'), id, at, "receivedAt", source, "requestId", principal, "user", "tokenName",
          decode("tokenSha", 'hex'), project, verb, resource, name, server, tool, decision, "decidedBy", outcome, code,
          count, "durationMs", "requestBytes", "replyBytes"
        from given
      )
    update revision set audit_seq = last.seq, audit_hash = decode(last.hash, 'hex')
    from (select seq, hash from given order by seq desc limit 1) as last`.execute(db);
}

/** What a query answers: absent members are null, 64-bit numbers text. */
type StoredRow = Record<keyof AuditRow, unknown>;

function toRow(stored: StoredRow): AuditRow {
  const row: Partial<StoredRow> = Object.fromEntries(Object.entries(stored).filter(([, value]) => value !== null));
  for (const member of NUMBERS) if (row[member] !== undefined) row[member] = Number(row[member]);
  for (const member of TIMES) if (row[member] instanceof Date) row[member] = row[member].toISOString();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the columns are those of the type, and not null there
  return row as unknown as AuditRow;
}

function conditionOf({ token, before, since, until, ...equal }: AuditRowQuery): RawBuilder<unknown> {
  const { user, project, decision, verb, resource } = equal;
  const wanted = { user_name: user, project, decision, verb, resource };
  const conditions = Object.entries(wanted)
    .filter(([, value]) => value !== undefined)
    .map(([column, value]) => sql`${sql.ref(column)} = ${value}`);
  if (token !== undefined) conditions.push(isToken(token));
  if (since !== undefined) conditions.push(sql`at >= ${since}::timestamptz`);
  if (until !== undefined) conditions.push(sql`at < ${until}::timestamptz`);
  conditions.push(before === undefined ? sql`seq is not null` : sql`seq < ${before}`);
  return sql.join(conditions, sql` and `);
}

/** A range of hashes, so that the index finds it. */
function isToken(token: string): RawBuilder<unknown> {
  const isName = sql`token_name = ${token}`;
  if (!SHA_PREFIX.test(token)) return isName;
  const [low, high] = [token.padEnd(64, "0"), token.padEnd(64, "f")];
  return sql`(${isName} or token_sha between decode(${low}, 'hex') and decode(${high}, 'hex'))`;
}
