import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { openDatabase } from "../../src/mcpd/src/repositories/database.ts";
import { startPostgres } from "../support/postgres.ts";

/** More than there are connections for; the last wait longer than a connection may take to come about. */
const WRITERS = 12;
const WRITE_MS = 3_000;

it("a database that is busy is waited for longer than one that cannot be reached", { timeout: 60_000 }, async () => {
  await using postgres = await startPostgres();
  await using database = await openDatabase({ url: await postgres.createDatabase() });
  const write = () =>
    database.transact(async (repositories) => {
      await sleep(WRITE_MS);
      return repositories.now();
    });
  const outcomes = await Promise.allSettled(Array.from({ length: WRITERS }, write));
  expect(outcomes.map(({ status }) => status)).toEqual(Array(WRITERS).fill("fulfilled"));
});
