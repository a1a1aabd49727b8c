import { afterAll, beforeAll } from "vitest";
import { openDatabase } from "../../src/mcpd/src/repositories/database.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { describeRepositories } from "./repositories.contract.ts";

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres?.[Symbol.asyncDispose]());

describeRepositories("PostgreSQL", async () => openDatabase({ url: await postgres.createDatabase() }));
describeRepositories("PGlite", () => openDatabase({}));
