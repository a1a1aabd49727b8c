import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hashRow } from "../../src/mcpd/src/repositories/audit-chain.ts";
import type { AuditRow } from "../../src/mcpd/src/repositories/audit-interfaces.ts";
import { openDatabase } from "../../src/mcpd/src/repositories/database.ts";
import type { Database } from "../../src/mcpd/src/repositories/interfaces.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { append, entryOf, fullEntry, trailOf } from "./audit-fixtures.ts";

const ROWS = 60;
const RUNS = 40;
const TABLES = ["audit_events", "audit_checkpoints", "revision"];

let postgres: TestPostgres;
let database: Database;
let trail: ReturnType<typeof trailOf>;
let url: string;

beforeAll(async () => {
  postgres = await startPostgres();
  url = await postgres.createDatabase();
  database = await openDatabase({ url });
  trail = trailOf(database, { segmentRows: 20 });
  for (let rows = 0; rows < ROWS; rows += 6) {
    await append(database, [entryOf(), fullEntry(), entryOf({ project: "demo" }), entryOf(), fullEntry(), entryOf()]);
    await trail.checkpoints.make();
  }
  for (const table of TABLES) await postgres.query(url, `create table saved_${table} as select * from ${table}`);
}, 60_000);
afterAll(async () => {
  await database?.[Symbol.asyncDispose]();
  await postgres?.[Symbol.asyncDispose]();
});

const RESTORE = TABLES.map(
  (table) => `delete from ${table}; insert into ${table} overriding system value select * from saved_${table};`,
).join("");

/** What may be changed of a row, and how. */
const EDITS = {
  at: "at + interval '1 millisecond'",
  received_at: "coalesce(received_at, at) + interval '1 second'",
  source: "coalesce(source, '') || 'x'",
  request_id: "coalesce(request_id, '') || 'x'",
  principal: "'User:mallory'",
  user_name: "coalesce(user_name, '') || 'x'",
  token_name: "coalesce(token_name, '') || 'x'",
  token_sha: "coalesce(token_sha, '') || '\\x00'",
  project: "coalesce(project, '') || 'x'",
  verb: "verb || 'x'",
  resource: "resource || 'x'",
  name: "case when name is null then '' end",
  server: "coalesce(server, '') || 'x'",
  tool: "coalesce(tool, '') || 'x'",
  decision: "'deny'",
  decided_by: "decided_by || ' '",
  outcome: "'cancelled'",
  code: "coalesce(code, '') || 'x'",
  count: "count + 1",
  duration_ms: "coalesce(duration_ms, 0) + 0.001",
  request_bytes: "coalesce(request_bytes, 0) + 1",
  reply_bytes: "coalesce(reply_bytes, 0) + 1",
  event_id: "event_id || 'x'",
  hash: "sha256(hash)",
};

interface Tampering {
  what: string;
  sql: string;
  /** Where it must be found; anywhere when absent. */
  seq?: number;
  /** Makes all hashes behind it fit again, as who knows how they are made can do. */
  isRecomputed?: boolean;
  /** Runs after that. */
  also?: string;
}

const place = fc.integer({ min: 1, max: ROWS });
const laterCheckpoints = (seq: number) => `delete from audit_checkpoints where seq >= ${seq};`;
const noteHead = `update revision set (audit_seq, audit_hash) =
  (select coalesce(max(seq), 0), coalesce((array_agg(hash order by seq desc))[1], '') from audit_events);`;

const edit = fc.tuple(place, fc.constantFrom(...Object.entries(EDITS))).map(([seq, [column, value]]) => ({
  what: `edit ${column} of ${seq}`,
  sql: `update audit_events set ${column} = ${value} where seq = ${seq};`,
  seq,
}));
const remove = place.map((seq) => ({
  what: `delete ${seq}`,
  sql: `delete from audit_events where seq = ${seq};`,
  seq,
}));
const swap = fc
  .tuple(place, place)
  .filter(([one, other]) => one !== other)
  .map(([one, other]) => ({
    what: `swap ${one} and ${other}`,
    sql: `update audit_events set seq = -1 where seq = ${one}; update audit_events set seq = ${one} where seq = ${other};
      update audit_events set seq = ${other} where seq = -1;`,
    seq: Math.min(one, other),
  }));
const COPIED = `request_id, principal, verb, resource, decision, decided_by, outcome`;
const insert = place.map((seq) => ({
  what: `insert at ${seq}`,
  sql: `update audit_events set seq = -seq where seq >= ${seq};
    update audit_events set seq = 1 - seq where seq < 0;
    insert into audit_events (seq, hash, event_id, at, ${COPIED})
      select ${seq}, hash, 'forged', now(), ${COPIED} from audit_events limit 1;
    update revision set audit_seq = audit_seq + 1;`,
  seq,
}));
const insertUnplaced = fc.constant({
  what: "insert a row without a place",
  sql: `insert into audit_events (event_id, ${COPIED}) select 'forged', ${COPIED} from audit_events limit 1;`,
  seq: 0,
});
const cut = place.map((seq) => ({
  what: `cut from ${seq}`,
  sql: `delete from audit_events where seq >= ${seq};`,
  seq,
}));
const all = { what: "cut everything", sql: "delete from audit_events; delete from audit_checkpoints;" };

const simple = fc.oneof(edit, remove, swap, insert, insertUnplaced, cut);
const forger: fc.Arbitrary<Tampering> = fc.oneof(
  fc
    .oneof(
      edit.filter(({ what }) => !what.startsWith("edit hash")),
      swap,
      insert,
    )
    .map((tampering) => ({
      ...tampering,
      what: `${tampering.what}, recomputed`,
      isRecomputed: true,
    })),
  edit
    .filter(({ what }) => !what.startsWith("edit hash"))
    .map((tampering) => ({
      ...tampering,
      what: `${tampering.what}, recomputed without checkpoints`,
      isRecomputed: true,
      also: laterCheckpoints(tampering.seq),
    })),
  edit
    .filter(({ what }) => !what.startsWith("edit hash"))
    .map((tampering) => ({
      ...tampering,
      what: `${tampering.what}, recomputed with checkpoints`,
      isRecomputed: true,
      also: `update audit_checkpoints c set hash = e.hash from audit_events e where e.seq = c.seq;`,
    })),
  place.map((seq) => ({
    what: `cut from ${seq} without a trace`,
    sql: `delete from audit_events where seq >= ${seq}; ${laterCheckpoints(seq)} ${noteHead}`,
  })),
  place.map((seq) => ({ what: `drop up to ${seq}`, sql: `delete from audit_events where seq <= ${seq};` })),
  place.map((seq) => ({
    what: `drop up to ${seq}, as if it were old`,
    sql: `delete from audit_events where seq <= ${seq}; update audit_checkpoints set kept_from = ${seq + 1};`,
  })),
  place.map((seq) => ({
    what: `delete a checkpoint near ${seq}`,
    sql: `delete from audit_checkpoints where seq =
    (select max(seq) from audit_checkpoints where seq <= ${Math.max(6, seq)});`,
  })),
  fc.constant({ ...all, also: `update revision set audit_seq = 0, audit_hash = decode(repeat('00', 32), 'hex');` }),
);

/** Gives every row the hash that it would have had. */
async function recompute(): Promise<void> {
  const rows = await database.read.auditEvents.listAfter(0, 1_000);
  let previous = "0".repeat(64);
  const values = rows.map(({ hash: _, ...row }: AuditRow) => {
    previous = hashRow(previous, row);
    return `(${row.seq}, decode('${previous}', 'hex'))`;
  });
  await postgres.query(
    url,
    `update audit_events set hash = fit.hash from (values ${values.join(",")}) as fit (seq, hash)
      where audit_events.seq = fit.seq; ${noteHead}`,
  );
}

async function tamper({ sql, isRecomputed, also }: Tampering): Promise<void> {
  await postgres.query(url, `begin; ${RESTORE} commit; begin; set constraints all deferred; ${sql} commit;`);
  if (isRecomputed) await recompute();
  if (also !== undefined) await postgres.query(url, also);
}

const REPORTED = { numRuns: RUNS, includeErrorInReport: true };

describe("an audit trail", () => {
  it("is whole as long as nobody has touched it", async () => {
    expect(await trail.service.verify()).toEqual({
      through: ROWS,
      isComplete: true,
      rows: ROWS,
      checkpoints: 10,
      outside: 10,
    });
  });

  it("shows the first row that was edited, deleted, moved, inserted or cut", async () => {
    await fc.assert(
      fc.asyncProperty(simple, async (tampering) => {
        await tamper(tampering);
        const { bad } = await trail.service.verify();
        expect({ what: tampering.what, seq: bad?.seq }).toEqual({ what: tampering.what, seq: tampering.seq });
      }),
      REPORTED,
    );
  }, 120_000);

  it("shows what somebody did who can compute hashes, with all rights on the database", async () => {
    await fc.assert(
      fc.asyncProperty(forger, async (tampering) => {
        await tamper(tampering);
        const { bad } = await trail.service.verify();
        expect({ what: tampering.what, isFound: bad !== undefined }).toEqual({ what: tampering.what, isFound: true });
      }),
      REPORTED,
    );
  }, 120_000);

  it("says that it cannot check what was signed with another key", async () => {
    await postgres.query(url, `begin; ${RESTORE} commit;`);
    const { bad } = await trailOf(database).service.verify();
    expect(bad).toMatchObject({ fault: "checkpoint-unknown-key", seq: 6 });
  });

  it("tells the operator with the next checkpoint that it is not as it was signed", async () => {
    await postgres.query(url, `begin; ${RESTORE} commit;`);
    await append(database, [entryOf()]);
    await trail.checkpoints.make();
    expect(trail.alarms).toEqual([]);
    await append(database, [entryOf()]);
    await postgres.query(url, `update audit_events set hash = sha256(hash) where seq = ${ROWS + 1}`);
    await trail.checkpoints.make();
    expect(trail.alarms).toEqual([expect.stringContaining("not as it was signed")]);
  });

  it("goes on without a gap when 16 writers of two processes write at the same time", async () => {
    const fresh = await postgres.createDatabase();
    await using one = await openDatabase({ url: fresh });
    await using other = await openDatabase({ url: fresh });
    const { checkpoints, service } = trailOf(one);
    const writers = Array.from({ length: 16 }, async (_, writer) => {
      for (let turn = 0; turn < 20; turn += 1) await append(writer % 2 ? one : other, [entryOf(), fullEntry()]);
      if (writer % 8 === 0) await checkpoints.make();
    });
    await Promise.all(writers);
    expect(await service.verify()).toMatchObject({ rows: 640, isComplete: true, through: 640 });
    expect(await service.verify()).not.toHaveProperty("bad");
  });

  it("is whole to whoever looks while rows and checkpoints are added and dropped", async () => {
    await using fresh = await openDatabase({ url: await postgres.createDatabase() });
    const { checkpoints, service } = trailOf(fresh, { segmentRows: 5, retentionDays: 0 });
    let isEnded = false;
    const writing = (async () => {
      while (!isEnded) {
        await append(fresh, [entryOf(), entryOf()]);
        await checkpoints.make();
        await checkpoints.drop();
      }
    })();
    const found: unknown[] = [];
    try {
      for (const end = Date.now() + 3_000; Date.now() < end;) found.push((await service.verify()).bad);
    } finally {
      isEnded = true;
      await writing;
    }
    expect(found.filter((bad) => bad !== undefined)).toEqual([]);
    expect(found.length).toBeGreaterThan(10);
  });
});
