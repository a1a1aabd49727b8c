import { describe, expect, it } from "vitest";
import { contentOf, type GetDatabase, insertServer, serverRef, tokenRef, uniqueName } from "./repositories-fixtures.ts";

export function describeResources(database: GetDatabase): void {
  describe("reading resources", () => describeReading(database));
  describe("listing resources", () => describeListing(database));
  describe("replacing resources", () => describeReplacing(database));
  describe("the status of resources", () => describeStatus(database));
  describe("deleting resources", () => describeDeleting(database));
  describe("what can be stored", () => describeContent(database));
}

function describeReading(database: GetDatabase): void {
  it("returns what was inserted", async () => {
    const ref = serverRef();
    const content = contentOf({
      labels: { team: "x" },
      annotations: { note: "hello" },
      managedFields: [{ manager: "cli", operation: "Apply", fields: ["spec.command"] }],
    });
    const stored = await database().read.resources.insert(ref, "Server", content, { toolCount: 3 });
    const { uid, createdAt, updatedAt, resourceVersion, ...metadata } = stored.metadata;
    expect({ ...stored, metadata }).toStrictEqual({
      apiVersion: "mcpctl.io/v1",
      kind: "Server",
      metadata: {
        name: ref.name,
        labels: content.labels,
        annotations: content.annotations,
        managedFields: content.managedFields,
        generation: 1,
      },
      spec: content.spec,
      status: { toolCount: 3 },
    });
    expect(uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(resourceVersion).toMatch(/^[1-9]\d*$/);
    expect(createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(updatedAt).toBe(createdAt);
    expect(await database().read.resources.find(ref)).toStrictEqual(stored);
  });

  it("finds by uid, within the kind and the project that were asked for", async () => {
    const { resources } = database().read;
    const project = uniqueName("project");
    const token = await resources.insert(tokenRef(project), "McpToken", contentOf());
    const byUid = { ...tokenRef(project), name: token.metadata.uid };
    expect(await resources.find(byUid)).toStrictEqual(token);
    expect(await resources.find({ ...byUid, project: "" })).toStrictEqual(token);
    expect(await resources.find({ ...byUid, name: token.metadata.uid.toUpperCase() })).toStrictEqual(token);
    expect(await resources.find({ ...byUid, project: "other" })).toBeUndefined();
    expect(await resources.find({ ...byUid, plural: "servers" })).toBeUndefined();
  });

  it("finds nothing under an unknown name", async () => {
    expect(await database().read.resources.find(serverRef())).toBeUndefined();
  });

  it("keeps the same name in two projects apart", async () => {
    const { resources } = database().read;
    const [first, second] = [uniqueName("project"), uniqueName("project")];
    const one = await resources.insert(tokenRef(first, "ci"), "McpToken", contentOf());
    const two = await resources.insert(tokenRef(second, "ci"), "McpToken", contentOf());
    expect(await resources.find(tokenRef(first, "ci"))).toStrictEqual(one);
    expect(await resources.find(tokenRef(second, "ci"))).toStrictEqual(two);
    expect(await resources.find(tokenRef("", "ci"))).toBeUndefined();
    expect(one.metadata.project).toBe(first);
  });

  it("refuses a second resource of the same name and names it", async () => {
    const ref = serverRef();
    await insertServer(database().read, ref);
    await expect(insertServer(database().read, ref)).rejects.toMatchObject({
      code: "already-exists",
      message: `server "${ref.name}" already exists`,
    });
  });

  it("lets a transaction go on after refusing a name", async () => {
    const [taken, free] = [serverRef(), serverRef()];
    await insertServer(database().read, taken);
    await database().transact(async (repositories) => {
      await expect(insertServer(repositories, taken)).rejects.toMatchObject({ code: "already-exists" });
      await insertServer(repositories, free);
    });
    expect(await database().read.resources.find(free)).toBeDefined();
  });

  it("lets one of many inserts of a name win", async () => {
    const ref = serverRef();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => database().transact((repositories) => insertServer(repositories, ref))),
    );
    const refusals = outcomes.filter((outcome) => outcome.status === "rejected").map(({ reason }) => reason.code);
    expect(refusals).toEqual(Array(9).fill("already-exists"));
  });
}

function describeListing(database: GetDatabase): void {
  async function insertTokens(refs: [project: string, name: string][]): Promise<void> {
    const { resources } = database().read;
    for (const [project, name] of refs) {
      await resources.insert(tokenRef(project, name), "McpToken", contentOf({ labels: { name, all: "yes" } }));
    }
  }

  async function listNames(query: object): Promise<string[]> {
    const resources = await database().read.resources.list({ plural: "mcptokens", ...query });
    return resources.map(({ metadata }) => metadata.name);
  }

  it("sorts by project and name, by code point", async () => {
    const [first, second] = [uniqueName("p"), uniqueName("p")];
    const sorted = ["a", "a-b", "a.b", "a0", "a_b", "ab", "b"];
    await insertTokens([...sorted.toReversed().map((name): [string, string] => [second, name]), [first, "z"]]);
    expect(await listNames({ project: second })).toEqual(sorted);
    const all = await database().read.resources.list({ plural: "mcptokens" });
    const ours = all.filter(({ metadata }) => [first, second].includes(metadata.project ?? ""));
    expect(ours.map(({ metadata }) => metadata.project)).toEqual([first, ...sorted.map(() => second)]);
  });

  it("lists one project only, or all of them", async () => {
    const [mine, other] = [uniqueName("p"), uniqueName("p")];
    await insertTokens([
      [mine, "a"],
      [other, "b"],
    ]);
    expect(await listNames({ project: mine })).toEqual(["a"]);
    expect(await listNames({})).toEqual(expect.arrayContaining(["a", "b"]));
    expect(await listNames({ project: "" })).toEqual([]);
  });

  it("filters by labels, all of which must fit", async () => {
    const project = uniqueName("p");
    await insertTokens([
      [project, "a"],
      [project, "b"],
    ]);
    expect(await listNames({ project, labels: { all: "yes" } })).toEqual(["a", "b"]);
    expect(await listNames({ project, labels: { all: "yes", name: "b" } })).toEqual(["b"]);
    expect(await listNames({ project, labels: { all: "no" } })).toEqual([]);
    expect(await listNames({ project, labels: {} })).toEqual(["a", "b"]);
  });

  it("filters by names; an empty set admits none", async () => {
    const project = uniqueName("p");
    await insertTokens([
      [project, "a"],
      [project, "b"],
      [project, "c"],
    ]);
    expect(await listNames({ project, names: new Set(["c", "a", "unknown"]) })).toEqual(["a", "c"]);
    expect(await listNames({ project, names: new Set() })).toEqual([]);
  });

  it("pages through everything once", async () => {
    const project = uniqueName("p");
    await insertTokens(["a", "b", "c", "d", "e"].map((name) => [project, name]));
    expect(await listNames({ project, limit: 2 })).toEqual(["a", "b"]);
    expect(await listNames({ project, limit: 2, after: { project, name: "b" } })).toEqual(["c", "d"]);
    expect(await listNames({ project, limit: 2, after: { project, name: "d" } })).toEqual(["e"]);
    expect(await listNames({ project, limit: 2, after: { project, name: "e" } })).toEqual([]);
  });
}

function describeReplacing(database: GetDatabase): void {
  it("raises generation only when the spec changes", async () => {
    const { resources } = database().read;
    const ref = serverRef();
    const first = await insertServer(database().read, ref, contentOf({ spec: { a: 1, b: [2] } }));
    const reordered = contentOf({ labels: { team: "x" }, spec: { b: [2], a: 1 } });
    const relabelled = await resources.replace(ref, reordered, first.metadata.resourceVersion);
    expect(relabelled.metadata).toMatchObject({ generation: 1, labels: { team: "x" }, uid: first.metadata.uid });
    const changed = contentOf({ labels: { team: "x" }, spec: { a: 2 } });
    const respecified = await resources.replace(ref, changed, relabelled.metadata.resourceVersion);
    expect(respecified).toMatchObject({ spec: { a: 2 }, metadata: { generation: 2 } });
    expect(await resources.find(ref)).toStrictEqual(respecified);
  });

  it("draws a larger version with each write and keeps the status", async () => {
    const { resources } = database().read;
    const ref = serverRef();
    const first = await resources.insert(ref, "Server", contentOf(), { toolCount: 1 });
    const second = await resources.replace(ref, contentOf({ spec: {} }), first.metadata.resourceVersion);
    expect(BigInt(second.metadata.resourceVersion)).toBeGreaterThan(BigInt(first.metadata.resourceVersion));
    expect(second.status).toEqual({ toolCount: 1 });
    expect(second.metadata.createdAt).toBe(first.metadata.createdAt);
    expect(Date.parse(second.metadata.updatedAt)).toBeGreaterThanOrEqual(Date.parse(first.metadata.updatedAt));
  });

  it("refuses a version that is not the stored one", async () => {
    const { resources } = database().read;
    const ref = serverRef();
    const { metadata } = await insertServer(database().read, ref);
    await resources.replace(ref, contentOf({ spec: { by: "somebody" } }), metadata.resourceVersion);
    for (const version of [metadata.resourceVersion, "0", "latest", "", "99999999999999999999"]) {
      await expect(resources.replace(ref, contentOf(), version)).rejects.toMatchObject({
        code: "conflict",
        message: `server "${ref.name}" was changed since you read it`,
      });
    }
    expect(await resources.find(ref)).toMatchObject({ spec: { by: "somebody" } });
  });

  it("says when the resource is gone", async () => {
    const ref = serverRef();
    await expect(database().read.resources.replace(ref, contentOf(), "1")).rejects.toMatchObject({
      code: "not-found",
      message: `server "${ref.name}" not found`,
    });
  });

  it("lets one of many writers win", async () => {
    const ref = serverRef();
    const { metadata } = await insertServer(database().read, ref);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, writer) =>
        database().transact(({ resources }) =>
          resources.replace(ref, contentOf({ spec: { writer } }), metadata.resourceVersion),
        ),
      ),
    );
    const winners = outcomes.filter((outcome) => outcome.status === "fulfilled").map(({ value }) => value);
    const refusals = outcomes.filter((outcome) => outcome.status === "rejected").map(({ reason }) => reason.code);
    expect(refusals).toEqual(Array(9).fill("conflict"));
    expect(await database().read.resources.find(ref)).toStrictEqual(winners[0]);
  });

  it("writes nothing when nothing would change", async () => {
    const { resources, changes } = database().read;
    const ref = serverRef();
    const first = await insertServer(database().read, ref);
    const before = await changes.latestVersion();
    expect(await resources.replace(ref, contentOf(), first.metadata.resourceVersion)).toStrictEqual(first);
    expect(await changes.latestVersion()).toBe(before);
  });
}

function describeStatus(database: GetDatabase): void {
  it("is written whatever the version is, without touching the rest", async () => {
    const { resources } = database().read;
    const ref = serverRef();
    const first = await insertServer(database().read, ref);
    const observed = await resources.replaceStatus(ref, { toolCount: 1 });
    expect(observed).toMatchObject({ spec: first.spec, status: { toolCount: 1 }, metadata: { generation: 1 } });
    expect(observed?.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion);
    expect(await resources.find(ref)).toStrictEqual(observed);
  });

  it("is left alone when it is equal: no version, no change", async () => {
    const { resources, changes } = database().read;
    const ref = serverRef();
    await insertServer(database().read, ref);
    const observed = await resources.replaceStatus(ref, { a: 1, b: { c: [1, 2] } });
    const before = await changes.latestVersion();
    expect(await resources.replaceStatus(ref, { b: { c: [1, 2] }, a: 1 })).toStrictEqual(observed);
    expect(await changes.latestVersion()).toBe(before);
  });

  it("of a missing resource is not written", async () => {
    expect(await database().read.resources.replaceStatus(serverRef(), { toolCount: 1 })).toBeUndefined();
  });
}

function describeDeleting(database: GetDatabase): void {
  it("returns what was deleted, and then nothing", async () => {
    const { resources } = database().read;
    const ref = serverRef();
    const stored = await insertServer(database().read, ref);
    expect(await resources.delete(ref)).toStrictEqual(stored);
    expect(await resources.find(ref)).toBeUndefined();
    expect(await resources.delete(ref)).toBeUndefined();
    expect(await resources.delete(ref, stored.metadata.resourceVersion)).toBeUndefined();
  });

  it("holds an expected version against the stored one", async () => {
    const { resources } = database().read;
    const ref = serverRef();
    const { metadata } = await insertServer(database().read, ref);
    const changed = await resources.replace(ref, contentOf({ spec: {} }), metadata.resourceVersion);
    await expect(resources.delete(ref, metadata.resourceVersion)).rejects.toMatchObject({ code: "conflict" });
    expect(await resources.find(ref)).toStrictEqual(changed);
    expect(await resources.delete(ref, changed.metadata.resourceVersion)).toStrictEqual(changed);
  });

  it("works by uid, and the name may then be used again with a new uid", async () => {
    const { resources } = database().read;
    const ref = serverRef();
    const first = await insertServer(database().read, ref);
    expect(await resources.delete({ ...ref, name: first.metadata.uid })).toStrictEqual(first);
    const second = await insertServer(database().read, ref);
    expect(second.metadata).toMatchObject({ generation: 1 });
    expect(second.metadata.uid).not.toBe(first.metadata.uid);
  });
}

function describeContent(database: GetDatabase): void {
  it("comes back as it went in, however odd", async () => {
    const spec: unknown = JSON.parse(
      String.raw`{"__proto__":{"a":1},"constructor":"x","":[],"quote":"'; drop table resources; --","path":"C:\\x\\u0041",
        "emoji":"🏷️ é","line":"a\nb\tc","numbers":[0.1,1e21,-1.5,9007199254740991],"nothing":null,"yes":true}`,
    );
    const ref = serverRef();
    const stored = await insertServer(database().read, ref, contentOf({ spec }));
    expect(JSON.stringify(sortKeys(stored.spec))).toBe(JSON.stringify(sortKeys(spec)));
    expect(await database().read.resources.find(ref)).toStrictEqual(stored);
  });

  it.each([
    ["a NUL character", "a\u0000b"],
    ["half a surrogate pair", "\ud83c"],
    ["the other half", "x\udff7"],
  ])("is refused with %s", async (_, text) => {
    const { resources } = database().read;
    const ref = serverRef();
    const invalid = { code: "invalid", hint: expect.stringContaining("NUL") };
    await expect(insertServer(database().read, ref, contentOf({ spec: { text } }))).rejects.toMatchObject(invalid);
    const { metadata } = await insertServer(database().read, ref);
    await expect(
      resources.replace(ref, contentOf({ annotations: { [text]: "x" } }), metadata.resourceVersion),
    ).rejects.toMatchObject(invalid);
    await expect(resources.replaceStatus(ref, { text })).rejects.toMatchObject(invalid);
    expect((await resources.find(ref))?.metadata).toStrictEqual(metadata);
  });

  it("is refused when it is nested too deeply to be written down", async () => {
    let spec: unknown = [];
    for (let depth = 0; depth < 100_000; depth++) spec = [spec];
    await expect(insertServer(database().read, serverRef(), contentOf({ spec }))).rejects.toMatchObject({
      code: "invalid",
    });
  });

  it("cannot be found under a name that no text can hold", async () => {
    await expect(database().read.resources.find(serverRef("a\u0000"))).rejects.toMatchObject({ code: "invalid" });
  });
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, child]) => [key, sortKeys(child)]);
}
