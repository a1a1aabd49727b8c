import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { openDatabase } from "../../src/mcpd/src/repositories/database.ts";
import type { Database } from "../../src/mcpd/src/repositories/interfaces.ts";
import { MIGRATIONS } from "../../src/mcpd/src/repositories/migrations/index.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { createGate, insertServer, insertUser, serverRef } from "./repositories-fixtures.ts";
import { expectNothingMissed } from "./repositories-tail.ts";

let postgres: TestPostgres;
const opened: Database[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterEach(() => Promise.all(opened.splice(0).map((database) => database[Symbol.asyncDispose]())));
afterAll(() => postgres?.[Symbol.asyncDispose]());

async function open(url: string, connectTimeoutSeconds = 20): Promise<Database> {
  const database = await openDatabase({ url, connectTimeoutSeconds });
  opened.push(database);
  return database;
}

/** Ends the connections of a database as an administrator or a failover would. */
function cutConnections(url: string, condition = "true"): Promise<string> {
  const name = new URL(url).pathname.slice(1);
  return postgres.query(
    postgres.url,
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and ${condition}`,
  );
}

/** More calls, and sooner, than the periodic ones could account for. */
async function expectPromptCalls(listening: Database, commit: () => Promise<unknown>): Promise<void> {
  let call = Promise.withResolvers<void>();
  const stop = listening.onCommit(() => call.resolve());
  const isCalled = () => Promise.race([call.promise, sleep(1_500, undefined, { ref: false }).then(fail)]);
  for (let commits = 1; commits <= 5; commits++) {
    call = Promise.withResolvers<void>();
    await commit();
    await isCalled();
  }
  stop();
}

function fail(): never {
  throw new Error("no listener was called in time");
}

describe("opening a PostgreSQL", () => {
  it("works for several mcpd that start at once on an empty database", async () => {
    const url = await postgres.createDatabase();
    const databases = await Promise.all([open(url), open(url), open(url), open(url)]);
    const ref = serverRef();
    await databases[0]?.transact((repositories) => insertServer(repositories, ref));
    for (const { read } of databases) expect(await read.resources.find(ref)).toBeDefined();
    expect(await postgres.query(url, "select count(*) from kysely_migration")).toBe(
      `${Object.keys(MIGRATIONS).length}`,
    );
  });

  it("works on the tables of a newer release", async () => {
    const url = await postgres.createDatabase();
    await open(url);
    await postgres.query(url, "insert into kysely_migration values ('9999-from-the-future', '2199-01-01T00:00:00Z')");
    const database = await open(url);
    await expect(insertServer(database.read)).resolves.toBeDefined();
  });

  it("starts over after a migration that was interrupted", async () => {
    const url = await postgres.createDatabase();
    // The lock keeps the migration waiting, and it dies before it is done.
    const holding = postgres.query(url, "select pg_advisory_lock(3853314791062309107), pg_sleep(1)");
    const opening = open(url);
    await sleep(500);
    await cutConnections(url, "wait_event_type = 'Lock'");
    await holding;
    expect(await insertServer((await opening).read)).toBeDefined();
  });

  it("waits for a server that is still starting", async () => {
    const url = await postgres.createDatabase();
    await postgres.kill9();
    const opening = open(url);
    await sleep(300);
    await postgres.restart();
    await expect((await opening).ping()).resolves.toBeUndefined();
  });

  it.each([
    ["nobody listens", async () => `postgres://app:hunter2@127.0.0.1:${await closedPort()}/mcpctl`],
    [
      "the database does not exist",
      async () => postgres.url.replace("app@", "app:hunter2@").replace(/\w+$/, "nowhere"),
    ],
    ["the host does not exist", async () => "postgres://app:hunter2@database.invalid/mcpctl"],
  ])("fails with a hint and without the password when %s", async (_, makeUrl) => {
    const fault: unknown = await openDatabase({ url: await makeUrl(), connectTimeoutSeconds: 0.3 }).catch((e) => e);
    expect(fault).toMatchObject({ code: "database-unavailable", hint: expect.any(String) });
    expect(inspect(fault, { depth: 10, showHidden: true })).not.toContain("hunter2");
  });

  it.each(["mysql://app:hunter2@db/mcpctl", "postgres://app:hunter2@db:port/mcpctl", "hunter2"])(
    "refuses %s without repeating it",
    async (url) => {
      const fault: unknown = await openDatabase({ url }).catch((thrown) => thrown);
      expect(fault).toMatchObject({ code: "config-invalid", hint: expect.stringContaining("postgresql://") });
      expect(inspect(fault, { depth: 10, showHidden: true })).not.toContain("hunter2");
    },
  );
});

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address ? address.port : 1;
}

describe("several mcpd on one PostgreSQL", () => {
  it("hand out versions in the order of commits, with 32 writers and a reader that misses none", async () => {
    const url = await postgres.createDatabase();
    const writers = await Promise.all(Array.from({ length: 8 }, () => open(url)));
    await expectNothingMissed({ writers, reader: await open(url), writes: 400, concurrency: 32 });
  });

  it("hear of each other's commits", async () => {
    const url = await postgres.createDatabase();
    const [one, other] = [await open(url), await open(url)];
    await expectPromptCalls(one, () => insertServer(other.read));
    await expectPromptCalls(other, () => one.transact((repositories) => insertServer(repositories)));
  });

  it("hear of commits again after the listening connection was cut", async () => {
    const url = await postgres.createDatabase();
    const [one, other] = [await open(url), await open(url)];
    let calls = 0;
    one.onCommit(() => (calls += 1));
    while (calls === 0) await sleep(10);
    const isListener = "query like 'listen%'";
    await cutConnections(url, isListener);
    // What was committed meanwhile is made up for by one call when the connection stands again.
    await expectPromptCalls(one, () => insertServer(other.read));
    const name = new URL(url).pathname.slice(1);
    const listeners = `select count(*) from pg_stat_activity where datname = '${name}' and ${isListener}`;
    while ((await postgres.query(postgres.url, listeners)) !== "1") await sleep(50);
    await expectPromptCalls(one, () => insertServer(other.read));
  });

  it("are not kept from reading by writers that wait for each other", async () => {
    const database = await open(await postgres.createDatabase());
    const [isInserted, mayEnd] = [createGate(), createGate()];
    const first = database.transact(async (repositories) => {
      await insertServer(repositories);
      isInserted.open();
      await mayEnd.opened;
    });
    await isInserted.opened;
    const others = Array.from({ length: 20 }, () => database.transact((repositories) => insertServer(repositories)));
    const reads = Array.from({ length: 20 }, () => database.read.resources.find(serverRef()));
    expect(await Promise.all(reads)).toEqual(Array(20).fill(undefined));
    mayEnd.open();
    await Promise.all([first, ...others]);
  });

  it("run a transaction again that lost to another one in a deadlock", async () => {
    const database = await open(await postgres.createDatabase());
    const users = [await insertUser(database.read), await insertUser(database.read)];
    const uids = users.map(({ metadata }) => metadata.uid);
    for (const uid of uids) await database.read.credentials.setPasswordHash(uid, "old");
    const haveBoth = createGate();
    let holders = 0;
    const setAll = (order: string[], hash: string) =>
      database.transact(async ({ credentials }) => {
        await credentials.setPasswordHash(order[0] ?? "", hash);
        if (++holders === 2) haveBoth.open();
        await haveBoth.opened;
        await credentials.setPasswordHash(order[1] ?? "", hash);
      });
    await Promise.all([setAll(uids, "one"), setAll(uids.toReversed(), "two")]);
    const hashes = await Promise.all(uids.map((uid) => database.read.credentials.findPasswordHash(uid)));
    expect(hashes[0]).toBe(hashes[1]);
    expect(holders).toBeGreaterThan(2);
  });
});

describe("a PostgreSQL that breaks", () => {
  it("fails what is under way with database-unavailable, and later calls work again", async () => {
    const database = await open(await postgres.createDatabase());
    const kept = serverRef();
    await insertServer(database.read, kept);
    const [isInserted, mayCommit] = [createGate(), createGate()];
    const lost = serverRef();
    const writing = database.transact(async (repositories) => {
      await insertServer(repositories, lost);
      isInserted.open();
      await mayCommit.opened;
    });
    await isInserted.opened;
    // Waits for the lock that the first one holds.
    const waiting = database.transact((repositories) => insertServer(repositories));
    const outcomes = Promise.allSettled([writing, waiting]);
    await sleep(100);
    await postgres.kill9();
    await sleep(100);
    mayCommit.open();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "database-unavailable" } });
    }
    await expect(database.ping()).rejects.toMatchObject({ code: "database-unavailable", hint: expect.any(String) });
    await postgres.restart();
    await expect(database.ping()).resolves.toBeUndefined();
    expect(await database.read.resources.find(kept)).toBeDefined();
    expect(await database.read.resources.find(lost)).toBeUndefined();
    await expect(insertServer(database.read, lost)).resolves.toBeDefined();
  });

  it("is listened to again after a restart", async () => {
    const url = await postgres.createDatabase();
    const [one, other] = [await open(url), await open(url)];
    await expectPromptCalls(one, () => insertServer(other.read));
    await postgres.kill9();
    await postgres.restart();
    await sleep(1_000);
    await expectPromptCalls(one, () => insertServer(other.read));
  });

  it("leaves an unknown outcome as database-unavailable when the connection breaks at the commit", async () => {
    const url = await postgres.createDatabase();
    const database = await open(url);
    const ref = serverRef();
    const writing = database.transact(async (repositories) => {
      await insertServer(repositories, ref);
      await cutConnections(url, "state = 'idle in transaction'");
    });
    await expect(writing).rejects.toMatchObject({ code: "database-unavailable" });
    expect(await database.read.resources.find(ref)).toBeUndefined();
  });

  it("survives the loss of every idle connection", async () => {
    const url = await postgres.createDatabase();
    const database = await open(url);
    await Promise.all(Array.from({ length: 8 }, () => database.ping()));
    await cutConnections(url);
    // Until the news has arrived, a call may still be given one of the dead ones.
    await vi.waitFor(() => database.ping());
    await expect(database.transact((repositories) => insertServer(repositories))).resolves.toBeDefined();
  });
});
