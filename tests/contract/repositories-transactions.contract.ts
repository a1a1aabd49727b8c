import { describe, expect, it } from "vitest";
import {
  createGate,
  contentOf,
  type GetDatabase,
  insertServer,
  insertUser,
  serverRef,
} from "./repositories-fixtures.ts";

export function describeTransactions(database: GetDatabase): void {
  describe("transactions", () => {
    describeOutcome(database);
    describeIsolation(database);
  });
  describe("onCommit", () => describeCommits(database));
  describe("the clock", () => describeClock(database));
}

function describeOutcome(database: GetDatabase): void {
  it("commits everything together and returns what the work returned", async () => {
    const refs = [serverRef(), serverRef()];
    const count = await database().transact(async (repositories) => {
      for (const ref of refs) await insertServer(repositories, ref);
      return refs.length;
    });
    expect(count).toBe(2);
    for (const ref of refs) expect(await database().read.resources.find(ref)).toBeDefined();
  });

  it("leaves nothing behind when the work throws, and throws the same", async () => {
    const { resources, changes } = database().read;
    const start = await changes.latestVersion();
    const ref = serverRef();
    const reason = new Error("changed my mind");
    const failing = database().transact(async (repositories) => {
      const { metadata } = await insertServer(repositories, ref);
      await repositories.resources.replace(ref, contentOf({ spec: {} }), metadata.resourceVersion);
      throw reason;
    });
    await expect(failing).rejects.toBe(reason);
    expect(await resources.find(ref)).toBeUndefined();
    expect(await changes.latestVersion()).toBe(start);
    expect(await changes.listSince(start, 10)).toEqual([]);
    await insertServer(database().read, ref);
    expect(await changes.listSince(start, 10)).toMatchObject([
      { type: "ADDED", object: { metadata: { name: ref.name } } },
    ]);
  });

  it("does not pretend to commit when the work swallowed a failed statement", async () => {
    const ref = serverRef();
    const failing = database().transact(async (repositories) => {
      await insertServer(repositories, ref);
      await repositories.resources.replaceStatus(ref, { text: "\u0000" }).catch(() => undefined);
    });
    await expect(failing).rejects.toThrow();
    expect(await database().read.resources.find(ref)).toBeUndefined();
  });
}

function describeIsolation(database: GetDatabase): void {
  it("does not let a read outside look into an open transaction", async () => {
    const ref = serverRef();
    const [isInserted, mayEnd] = [createGate(), createGate()];
    const failing = database().transact(async (repositories) => {
      await insertServer(repositories, ref);
      isInserted.open();
      await mayEnd.opened;
      throw new Error("rolled back");
    });
    await isInserted.opened;
    const read = database().read.resources.find(ref);
    setTimeout(mayEnd.open, 50);
    await expect(failing).rejects.toThrow("rolled back");
    expect(await read).toBeUndefined();
  });

  it("refuses work that would wait for itself, instead of hanging", async () => {
    const ref = serverRef();
    const reading = database().transact(async (repositories) => {
      await insertServer(repositories, ref);
      return database().read.resources.find(ref);
    });
    await expect(reading).rejects.toThrow("Inside a transaction");
    const nesting = database().transact(() => database().transact(() => Promise.resolve()));
    await expect(nesting).rejects.toThrow("Inside a transaction");
    expect(await database().read.resources.find(ref)).toBeUndefined();
  });

  it("lets many run at once without mixing them up", async () => {
    const user = await insertUser(database().read);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        database().transact(async (repositories) => {
          await repositories.credentials.setPasswordHash(user.metadata.uid, `hash ${index}`);
          expect(await repositories.credentials.findPasswordHash(user.metadata.uid)).toBe(`hash ${index}`);
        }),
      ),
    );
  });
}

function describeCommits(database: GetDatabase): void {
  it("calls back after commits of transactions and of single writes, until it is ended", async () => {
    let calls = 0;
    let wake: (() => void) | undefined;
    const stop = database().onCommit(() => {
      calls += 1;
      wake?.();
    });
    const nextCall = () => new Promise<void>((resolve) => (wake = resolve));
    let called = nextCall();
    await database().transact((repositories) => insertServer(repositories));
    await called;
    called = nextCall();
    await insertServer(database().read);
    await called;
    stop();
    const callsBefore = calls;
    await insertServer(database().read);
    expect(calls).toBe(callsBefore);
  });

  it("calls back once what was committed can be read", async () => {
    const ref = serverRef();
    const found = new Promise<void>((resolve) => {
      const stop = database().onCommit(() => {
        void database()
          .read.resources.find(ref)
          .then((resource) => {
            if (!resource) return;
            stop();
            resolve();
          });
      });
    });
    await insertServer(database().read, ref);
    await found;
  });
}

function describeClock(database: GetDatabase): void {
  it("is told in RFC 3339 and goes on within a transaction", async () => {
    const now = await database().read.now();
    expect(now).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Math.abs(Date.parse(now) - Date.now())).toBeLessThan(5_000);
    const [first, second] = await database().transact(async (repositories) => {
      const early = await repositories.now();
      await new Promise((resolve) => setTimeout(resolve, 20));
      return [early, await repositories.now()];
    });
    expect(Date.parse(second ?? "")).toBeGreaterThan(Date.parse(first ?? ""));
  });

  it("answers a ping", async () => {
    await expect(database().ping()).resolves.toBeUndefined();
  });
}
