import { expect, it } from "vitest";
import { openDatabase } from "../../src/mcpd/src/repositories/database.ts";
import { startPostgres } from "../support/postgres.ts";
import { append, entryOf, trailOf } from "./audit-fixtures.ts";

/** The tables as the release before the chain left them. */
const BEFORE = `
  drop index resources_oidc_identity;
  alter table sessions drop column id, drop column created_at, drop column last_used_at, drop column idle_seconds,
    drop column method, drop column address;
  drop table gateways;
  drop table secrets;
  drop table audit_checkpoints;
  alter table revision drop column audit_seq, drop column audit_hash;
  alter table audit_events drop column seq, drop column hash, drop column event_id, drop column received_at,
    drop column source, drop column user_name, drop column server, drop column tool, drop column code,
    drop column count, drop column duration_ms, drop column request_bytes, drop column reply_bytes;
  drop index audit_events_by_token_name;
  delete from kysely_migration where name >= '0002-audit';
  insert into audit_events (request_id, principal, token_name, token_sha, verb, resource, name, decision, decided_by, outcome)
    select 'r-' || n, 'User:alice', case when n % 2 = 0 then 'ci' end, case when n % 2 = 0 then '\\xabcd'::bytea end,
      'create', 'servers', 's-' || n, 'allow', 'admins', 'success' from generate_series(1, 1500) as n;`;

it("makes rows from before there was a chain its beginning", async () => {
  await using postgres = await startPostgres();
  const url = await postgres.createDatabase();
  await (await openDatabase({ url }))[Symbol.asyncDispose]();
  await postgres.query(url, BEFORE);
  await using database = await openDatabase({ url });
  await append(database, [entryOf()]);
  const { service } = trailOf(database);
  const verified = await service.verify();
  expect(verified).toMatchObject({ rows: 1_501, through: 1_501, isComplete: true });
  expect(verified).not.toHaveProperty("bad");
  const { items } = await service.list({ limit: 1, token: "ci" });
  expect(items[0]).toMatchObject({ seq: 1_500, requestId: "r-1500", tokenSha: "abcd", name: "s-1500" });
}, 60_000);
