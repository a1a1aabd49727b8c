import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { append, entryOf, fullEntry, trailOf } from "./audit-fixtures.ts";
import { type GetDatabase, hexSha, insertServer, serverRef, uniqueName } from "./repositories-fixtures.ts";

export function describeAuditTrail(database: GetDatabase): void {
  describe("the audit trail", () => {
    describeRows(database);
    describeQueries(database);
    describeRetention(database);
  });
}

function describeRows(database: GetDatabase): void {
  it("gives back every member as it was written, and its hash fits", async () => {
    const full = fullEntry();
    const bare = entryOf({ requestId: undefined, user: undefined, name: undefined });
    await append(database(), [full, bare]);
    const [second, first] = await database().read.auditEvents.list({ limit: 2 });
    expect(first).toMatchObject({ ...full, receivedAt: expect.any(String) });
    expect(second?.seq).toBe((first?.seq ?? 0) + 1);
    expect(Object.keys(second ?? {}).toSorted()).toEqual(
      [
        "at",
        "count",
        "decidedBy",
        "decision",
        "hash",
        "id",
        "outcome",
        "principal",
        "resource",
        "seq",
        "verb",
      ].toSorted(),
    );
    expect((await trailOf(database()).service.verify()).bad).toBeUndefined();
  });

  it("is left as it was by a transaction that fails, and has no gap then", async () => {
    const before = await database().read.auditEvents.head();
    const ref = serverRef();
    const failing = database().transact(async (repositories) => {
      await insertServer(repositories, ref);
      await repositories.auditEvents.append([entryOf()]);
      throw new Error("later");
    });
    await expect(failing).rejects.toThrow("later");
    expect(await database().read.auditEvents.head()).toEqual(before);
    await append(database(), [entryOf()]);
    expect((await database().read.auditEvents.head()).seq).toBe(before.seq + 1);
  });

  it("takes the change with it when the row cannot be written", async () => {
    const ref = serverRef();
    const writing = database().transact(async (repositories) => {
      await insertServer(repositories, ref);
      await repositories.auditEvents.append([entryOf({ name: "a\u0000" })]);
    });
    await expect(writing).rejects.toMatchObject({ code: "invalid" });
    expect(await database().read.resources.find(ref)).toBeUndefined();
  });

  it("has an id only once", async () => {
    const entry = entryOf();
    await append(database(), [entry]);
    await expect(append(database(), [entry])).rejects.toMatchObject({ code: "already-exists" });
    expect(await database().read.auditEvents.findIds([entry.id, "unknown"])).toEqual(new Set([entry.id]));
  });

  it("is whole after writers that wrote at the same time", async () => {
    const before = await database().read.auditEvents.head();
    const writers = Array.from({ length: 16 }, async () => {
      for (let turn = 0; turn < 5; turn += 1) await append(database(), [entryOf(), fullEntry()]);
    });
    await Promise.all(writers);
    expect((await database().read.auditEvents.head()).seq).toBe(before.seq + 160);
    expect((await trailOf(database()).service.verify()).bad).toBeUndefined();
  });
}

function describeQueries(database: GetDatabase): void {
  const find = async (query: object) =>
    (await trailOf(database()).service.list({ limit: 100, ...query })).items.map(({ name }) => name);

  it("is found by every filter, newest first", async () => {
    const [user, project] = [uniqueName("user"), uniqueName("project")];
    const sha = hexSha(user);
    const token = { tokenName: `${user}-ci`, tokenSha: sha, principal: `McpToken:${project}/${user}-ci` };
    await append(database(), [
      entryOf({ name: "one", user, at: "2026-01-01T00:00:00.000Z" }),
      entryOf({ name: "two", user, project, ...token, at: "2026-01-02T00:00:00.000Z", verb: "tools/call" }),
      entryOf({ name: "three", user, decision: "deny", resource: "secrets", at: "2026-01-03T00:00:00.000Z" }),
    ]);
    expect(await find({ user })).toEqual(["three", "two", "one"]);
    expect(await find({ project })).toEqual(["two"]);
    expect(await find({ token: token.tokenName })).toEqual(["two"]);
    expect(await find({ token: sha.slice(0, 8) })).toEqual(["two"]);
    expect(await find({ token: sha })).toEqual(["two"]);
    expect(await find({ user, decision: "deny" })).toEqual(["three"]);
    expect(await find({ user, verb: "tools/call" })).toEqual(["two"]);
    expect(await find({ user, resource: "secrets" })).toEqual(["three"]);
    expect(await find({ user, since: "2026-01-02T00:00:00.000Z" })).toEqual(["three", "two"]);
    expect(await find({ user, until: "2026-01-02T01:00:00+01:00" })).toEqual(["one"]);
  });

  it("is read page by page while rows are added", async () => {
    const user = uniqueName("user");
    const { service } = trailOf(database());
    await append(
      database(),
      ["1", "2", "3", "4", "5"].map((name) => entryOf({ name, user })),
    );
    const first = await service.list({ user, limit: 2 });
    await append(database(), [entryOf({ name: "6", user })]);
    const second = await service.list({ user, limit: 2, continue: first.metadata.continue });
    const third = await service.list({ user, limit: 2, continue: second.metadata.continue });
    expect([first, second, third].map(({ items }) => items.map(({ name }) => name))).toEqual([
      ["5", "4"],
      ["3", "2"],
      ["1"],
    ]);
    expect(third.metadata.continue).toBeUndefined();
  });
}

/** Last, because the key of this trail is the one that its checkpoints need. */
function describeRetention(database: GetDatabase): void {
  it("drops whole segments that are old enough, keeps their checkpoints, and is whole all the time", async () => {
    const trail = trailOf(database(), { segmentRows: 3, retentionDays: 0, rowsAtATime: 4 });
    await trail.checkpoints.make();
    await append(database(), [entryOf()]);
    await trail.checkpoints.make();
    await sleep(5);
    const before = await database().read.auditEvents.head();
    await trail.checkpoints.drop();
    const after = await database().read.auditEvents.head();
    expect(after.firstRow).toBe(before.seq);
    expect(trail.outside.map(({ keptFrom }) => keptFrom)).toEqual([1, 1, before.seq]);
    const [dropped] = await database().read.auditEvents.list({ limit: 1 });
    expect(dropped).toMatchObject({ principal: "System:audit-retention", verb: "drop", name: `1-${before.seq - 1}` });
    expect(await trail.service.verify()).toMatchObject({ isComplete: true, rows: 2, checkpoints: 3, outside: 3 });
    expect(await trail.service.verify()).not.toHaveProperty("bad");
    await trail.checkpoints.drop();
    expect((await database().read.auditEvents.head()).seq).toBe(after.seq);
  });

  it("is verified in parts", async () => {
    const trail = trailOf(database(), { rowsAtATime: 4 });
    await append(
      database(),
      Array.from({ length: 10 }, () => entryOf()),
    );
    const { seq } = await database().read.auditEvents.head();
    const parts = [await trail.service.verify()];
    while (!parts.at(-1)?.isComplete) parts.push(await trail.service.verify(parts.at(-1)?.through));
    expect(parts.map(({ rows }) => rows)).toEqual([4, 4, 4]);
    expect(parts.at(-1)?.through).toBe(seq);
  });
}
