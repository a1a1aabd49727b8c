import { describe, expect, it } from "vitest";
import { contentOf, createGate, type GetDatabase, insertServer, serverRef } from "./repositories-fixtures.ts";
import { expectNothingMissed } from "./repositories-tail.ts";

export function describeChanges(database: GetDatabase): void {
  describe("the change log", () => describeLog(database));
  describe("pruning the change log", () => describePruning(database));
}

function describeLog(database: GetDatabase): void {
  it("tells what was written, oldest first, with the resource as it was then", async () => {
    const { resources, changes } = database().read;
    const start = await changes.latestVersion();
    const ref = serverRef();
    const added = await insertServer(database().read, ref);
    const respecified = await resources.replace(ref, contentOf({ spec: { a: 1 } }), added.metadata.resourceVersion);
    const observed = await resources.replaceStatus(ref, { toolCount: 2 });
    await resources.delete(ref);
    const log = await changes.listSince(start, 100);
    expect(log.map(({ type, plural, object }) => ({ type, plural, object }))).toStrictEqual([
      { type: "ADDED", plural: "servers", object: added },
      { type: "MODIFIED", plural: "servers", object: respecified },
      { type: "MODIFIED", plural: "servers", object: observed },
      { type: "DELETED", plural: "servers", object: observed },
    ]);
    const written = [added, respecified, observed].map((resource) => resource?.metadata.resourceVersion);
    expect(log.slice(0, 3).map(({ resourceVersion }) => resourceVersion)).toEqual(written);
    expect(await changes.latestVersion()).toBe(log.at(-1)?.resourceVersion);
  });

  it("gives a deletion a version of its own", async () => {
    const { resources, changes } = database().read;
    const ref = serverRef();
    const { metadata } = await insertServer(database().read, ref);
    await resources.delete(ref);
    const [tombstone] = await changes.listSince(metadata.resourceVersion, 1);
    expect(tombstone).toMatchObject({ type: "DELETED", object: { metadata } });
    expect(BigInt(tombstone?.resourceVersion ?? 0)).toBeGreaterThan(BigInt(metadata.resourceVersion));
  });

  it("is read in pages", async () => {
    const { changes } = database().read;
    let version = await changes.latestVersion();
    const refs = Array.from({ length: 5 }, () => serverRef());
    for (const ref of refs) await insertServer(database().read, ref);
    const names: string[] = [];
    for (let page = 1; page <= 3; page++) {
      const read = await changes.listSince(version, 2);
      names.push(...read.map(({ object }) => object.metadata.name));
      version = read.at(-1)?.resourceVersion ?? version;
    }
    expect(names).toEqual(refs.map(({ name }) => name));
    expect(await changes.listSince(version, 2)).toEqual([]);
  });

  it("has a change for every version, also when a write comes too late for its object", async () => {
    const { changes } = database().read;
    const ref = serverRef();
    const added = await insertServer(database().read, ref);
    const [isDeleted, mayCommit] = [createGate(), createGate()];
    const deleting = database().transact(async ({ resources }) => {
      await resources.delete(ref);
      isDeleted.open();
      await mayCommit.opened;
    });
    await isDeleted.opened;
    const late = database().transact(({ resources }) => resources.replaceStatus(ref, { toolCount: 1 }));
    setTimeout(mayCommit.open, 100);
    await deleting;
    expect(await late).toBeUndefined();
    await insertServer(database().read, ref);
    const log = await changes.listSince(added.metadata.resourceVersion, 10);
    const first = BigInt(added.metadata.resourceVersion);
    expect(log.map(({ resourceVersion }) => BigInt(resourceVersion) - first)).toEqual([1n, 2n]);
  });

  it("never shows a version before a smaller one, so that no reader misses a change", async () => {
    await expectNothingMissed({ writers: [database()], reader: database(), writes: 96, concurrency: 32 });
  });
}

function describePruning(database: GetDatabase): void {
  it("keeps the newest changes and remembers from where on they are complete", async () => {
    const { changes, resources } = database().read;
    const refs = Array.from({ length: 6 }, () => serverRef());
    const versions: string[] = [];
    for (const ref of refs) versions.push((await insertServer(database().read, ref)).metadata.resourceVersion);
    await changes.prune(2);
    const oldest = await changes.oldestVersion();
    expect(oldest).toBe(versions[3]);
    const kept = await changes.listSince(oldest, 100);
    expect(kept.map(({ resourceVersion }) => resourceVersion)).toEqual(versions.slice(4));
    expect(await changes.latestVersion()).toBe(versions[5]);
    for (const ref of refs) expect(await resources.find(ref)).toBeDefined();
  });

  it("refuses to read from where changes are missing", async () => {
    const { changes } = database().read;
    for (let count = 0; count < 3; count++) await insertServer(database().read);
    await changes.prune(1);
    const tooOld = { code: "resource-version-too-old", hint: expect.any(String) };
    await expect(changes.listSince("0", 10)).rejects.toMatchObject(tooOld);
    const justBefore = String(BigInt(await changes.oldestVersion()) - 1n);
    await expect(changes.listSince(justBefore, 10)).rejects.toMatchObject(tooOld);
  });

  it("forgets nothing when there are no more than may stay", async () => {
    const { changes } = database().read;
    await insertServer(database().read);
    const oldest = await changes.oldestVersion();
    await changes.prune(1_000_000);
    expect(await changes.oldestVersion()).toBe(oldest);
  });

  it("may forget everything; the newest version stays known", async () => {
    const { changes } = database().read;
    const { metadata } = await insertServer(database().read);
    await changes.prune(0);
    expect(await changes.latestVersion()).toBe(metadata.resourceVersion);
    expect(await changes.listSince(metadata.resourceVersion, 10)).toEqual([]);
  });
}
