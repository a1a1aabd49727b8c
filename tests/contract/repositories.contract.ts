import { afterAll, beforeAll, describe } from "vitest";
import type { Database } from "../../src/mcpd/src/repositories/interfaces.ts";
import { describeAccounts } from "./repositories-accounts.contract.ts";
import { describeAuditTrail } from "./repositories-audit.contract.ts";
import { describeChanges } from "./repositories-changes.contract.ts";
import { describeResources } from "./repositories-resources.contract.ts";
import { describeTransactions } from "./repositories-transactions.contract.ts";

/** What mcpd may rely on whichever database it runs on. */
export function describeRepositories(engine: string, open: () => Promise<Database>): void {
  describe(`repositories on ${engine}`, () => {
    let database: Database;
    const getDatabase = () => database;
    beforeAll(async () => {
      database = await open();
    }, 60_000);
    afterAll(() => database?.[Symbol.asyncDispose]());

    describeResources(getDatabase);
    describeTransactions(getDatabase);
    describeAccounts(getDatabase);
    describeChanges(getDatabase);
    describeAuditTrail(getDatabase);
  });
}
