import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import {
  contentOf,
  type GetDatabase,
  hexSha,
  insertToken,
  insertUser,
  refOf,
  uniqueName,
} from "./repositories-fixtures.ts";

export function describeAccounts(database: GetDatabase): void {
  describe("credentials", () => describeCredentials(database));
  describe("sessions", () => describeSessions(database));
  describe("finding McpTokens", () => describeTokenLookup(database));
  describe("McpTokens and their owners", () => describeTokenOwners(database));
}

function describeCredentials(database: GetDatabase): void {
  it("are set, replaced, and gone with their user", async () => {
    const { credentials, resources } = database().read;
    const user = await insertUser(database().read);
    const { uid } = user.metadata;
    expect(await credentials.findPasswordHash(uid)).toBeUndefined();
    await credentials.setPasswordHash(uid, "$argon2id$one");
    await credentials.setPasswordHash(uid, "$argon2id$two");
    expect(await credentials.findPasswordHash(uid)).toBe("$argon2id$two");
    await resources.delete(refOf(user, "users"));
    expect(await credentials.findPasswordHash(uid)).toBeUndefined();
  });

  it("include at most one identity of an OpenID provider, and each belongs to one user", async () => {
    const { credentials, resources } = database().read;
    const oidc = { issuer: "https://id.example.com", subject: uniqueName("subject") };
    const insert = (spec: object) =>
      resources.insert(
        { plural: "users", project: "", name: uniqueName("user") },
        "User",
        contentOf({ spec: { disabled: false, ...spec } }),
      );
    await insert({});
    const user = await insert({ oidc });
    expect(await credentials.findUserByIdentity(oidc)).toStrictEqual(user);
    expect(await credentials.findUserByIdentity({ ...oidc, issuer: "https://other.example.com" })).toBeUndefined();
    await expect(insert({ oidc })).rejects.toMatchObject({ code: "already-exists" });
  });

  it("belong to a user that exists", async () => {
    await expect(database().read.credentials.setPasswordHash(randomUUID(), "hash")).rejects.toMatchObject({
      code: "not-found",
      message: "The user that it belongs to no longer exists",
    });
  });
}

function describeSessions(database: GetDatabase): void {
  async function insertSession(ttlSeconds: number) {
    const user = await insertUser(database().read);
    const sha = hexSha(uniqueName("session"));
    const { expiresAt } = await database().read.sessions.insert({ sha, userUid: user.metadata.uid, ttlSeconds });
    return { user, sha, expiresAt };
  }

  it("lead to their user and say when they end", async () => {
    const { user, sha, expiresAt } = await insertSession(60);
    expect(await database().read.sessions.findUser(sha)).toStrictEqual(user);
    const secondsLeft = (Date.parse(expiresAt) - Date.parse(await database().read.now())) / 1_000;
    expect(secondsLeft).toBeGreaterThan(55);
    expect(secondsLeft).toBeLessThanOrEqual(60);
  });

  it("end by the clock of the database", async () => {
    const { sessions } = database().read;
    const { sha } = await insertSession(1);
    expect(await sessions.findUser(sha)).toBeDefined();
    await sleep(1_050);
    expect(await sessions.findUser(sha)).toBeUndefined();
    const { sha: past } = await insertSession(-1);
    expect(await sessions.findUser(past)).toBeUndefined();
  });

  it("are unknown by another hash", async () => {
    expect(await database().read.sessions.findUser(hexSha(uniqueName("unknown")))).toBeUndefined();
  });

  it("can be ended one by one, and all of a user", async () => {
    const { sessions } = database().read;
    const [one, other] = [await insertSession(60), await insertSession(60)];
    const second = hexSha(uniqueName("session"));
    await sessions.insert({ sha: second, userUid: one.user.metadata.uid, ttlSeconds: 60 });
    await sessions.delete(one.sha);
    expect(await sessions.findUser(one.sha)).toBeUndefined();
    expect(await sessions.findUser(second)).toBeDefined();
    await sessions.deleteOfUser(one.user.metadata.uid);
    expect(await sessions.findUser(second)).toBeUndefined();
    expect(await sessions.findUser(other.sha)).toBeDefined();
  });

  it("stay while they last when the ended ones are deleted", async () => {
    const { sessions } = database().read;
    const [ended, lasting] = [await insertSession(-1), await insertSession(60)];
    await sessions.deleteExpired();
    expect(await sessions.findUser(lasting.sha)).toBeDefined();
    // Its hash is free again, so it was deleted.
    const again = { sha: ended.sha, userUid: lasting.user.metadata.uid, ttlSeconds: 60 };
    await expect(sessions.insert(again)).resolves.toBeDefined();
    await expect(sessions.insert(again)).rejects.toMatchObject({ code: "already-exists" });
  });

  it("end when they are not used for so long, and go on when they are", async () => {
    const { sessions } = database().read;
    const { metadata } = await insertUser(database().read);
    const [idle, used] = [hexSha(uniqueName("session")), hexSha(uniqueName("session"))];
    for (const sha of [idle, used]) {
      await sessions.insert({ sha, userUid: metadata.uid, ttlSeconds: 60, idleSeconds: 2 });
    }
    await sleep(1_200);
    await sessions.touch([used]);
    await sleep(1_000);
    expect(await sessions.findUser(idle)).toBeUndefined();
    expect(await sessions.findUser(used)).toBeDefined();
    expect((await sessions.listOfUser(metadata.uid)).map(({ sha }) => sha)).toEqual([used]);
  });

  it("are listed for their user, newest first, and ended by an id that only the user's own answer to", async () => {
    const { sessions } = database().read;
    const { user, sha } = await insertSession(60);
    const { uid } = user.metadata;
    await sleep(5);
    const newer = { sha: hexSha(uniqueName("session")), method: "oidc", address: "192.0.2.1" } as const;
    await sessions.insert({ ...newer, userUid: uid, ttlSeconds: 60 });
    const listed = await sessions.listOfUser(uid);
    expect(listed).toMatchObject([newer, { sha, method: "password", address: "" }]);
    const other = await insertUser(database().read);
    const id = listed[1]?.id ?? "";
    expect(await sessions.deleteById(other.metadata.uid, id)).toBe(false);
    expect(await sessions.deleteById(uid, id)).toBe(true);
    expect(await sessions.deleteById(uid, id)).toBe(false);
    expect(await sessions.findUser(sha)).toBeUndefined();
  });

  it("are gone with their user, and need one", async () => {
    const { sessions, resources } = database().read;
    const { user, sha } = await insertSession(60);
    await resources.delete(refOf(user, "users"));
    expect(await sessions.findUser(sha)).toBeUndefined();
    const orphan = { sha: hexSha(uniqueName("session")), userUid: user.metadata.uid, ttlSeconds: 60 };
    await expect(sessions.insert(orphan)).rejects.toMatchObject({ code: "not-found" });
  });
}

function describeTokenLookup(database: GetDatabase): void {
  it("leads from the hash to the token and its creator", async () => {
    const { sha, token, creator } = await insertToken(database().read);
    expect(await database().read.mcpTokens.findBySha(sha)).toStrictEqual({
      token,
      creator,
      isExpired: false,
      isRevoked: false,
    });
    expect(await database().read.mcpTokens.findBySha(hexSha("unknown"))).toBeUndefined();
  });

  it("judges expiry by the clock of the database", async () => {
    const { mcpTokens, now } = database().read;
    const clock = Date.parse(await now());
    const past = await insertToken(database().read, { expiresAt: new Date(clock - 1).toISOString() });
    const future = await insertToken(database().read, { expiresAt: new Date(clock + 60_000).toISOString() });
    expect(await mcpTokens.findBySha(past.sha)).toMatchObject({ isExpired: true, isRevoked: false });
    expect(await mcpTokens.findBySha(future.sha)).toMatchObject({ isExpired: false });
  });

  it("knows revoked tokens", async () => {
    const { ref, sha, token } = await insertToken(database().read);
    const status = { ...(token.status as object), phase: "Revoked", revokedAt: await database().read.now() };
    await database().read.resources.replaceStatus(ref, status);
    expect(await database().read.mcpTokens.findBySha(sha)).toMatchObject({ isRevoked: true, isExpired: false });
  });

  it("remembers uses of those that were used", async () => {
    const { mcpTokens, now } = database().read;
    const [used, unused] = [await insertToken(database().read), await insertToken(database().read)];
    const before = Date.parse(await now());
    await mcpTokens.touch([used.sha, hexSha("unknown")]);
    await mcpTokens.touch([]);
    const uses = await mcpTokens.lastUses([used.token.metadata.uid, unused.token.metadata.uid, randomUUID()]);
    expect([...uses.keys()]).toEqual([used.token.metadata.uid]);
    expect(Date.parse(uses.get(used.token.metadata.uid) ?? "")).toBeGreaterThanOrEqual(before);
  });

  it("takes batches of uses in any order at the same time", async () => {
    const { mcpTokens } = database().read;
    const tokens = [await insertToken(database().read), await insertToken(database().read)];
    const shas = tokens.map(({ sha }) => sha);
    await Promise.all(Array.from({ length: 20 }, (_, i) => mcpTokens.touch(i % 2 ? shas : shas.toReversed())));
    expect((await mcpTokens.lastUses(tokens.map(({ token }) => token.metadata.uid))).size).toBe(2);
  });
}

function describeTokenOwners(database: GetDatabase): void {
  it("refuses a hash that is taken", async () => {
    const { sha, project, creator } = await insertToken(database().read);
    const other = await insertToken(database().read);
    const row = { uid: other.token.metadata.uid, projectUid: project.metadata.uid, creatorUid: creator.metadata.uid };
    await expect(database().read.mcpTokens.insert({ ...row, sha })).rejects.toMatchObject({ code: "already-exists" });
  });

  it("needs a token, a project and a creator that exist", async () => {
    const { mcpTokens, resources } = database().read;
    const { token, ref, project, creator } = await insertToken(database().read);
    await resources.delete(ref);
    const row = { uid: token.metadata.uid, projectUid: project.metadata.uid, creatorUid: creator.metadata.uid };
    const insertWith = (change: object) => mcpTokens.insert({ ...row, sha: hexSha(uniqueName("sha")), ...change });
    await expect(insertWith({})).rejects.toMatchObject({
      code: "not-found",
      message: "The mcptoken that it belongs to no longer exists",
    });
    const { metadata } = await insertUser(database().read);
    const missing = randomUUID();
    await expect(insertWith({ uid: metadata.uid, projectUid: missing })).rejects.toMatchObject({
      code: "not-found",
      message: "The project that it belongs to no longer exists",
    });
    await expect(insertWith({ uid: metadata.uid, creatorUid: missing })).rejects.toMatchObject({ code: "not-found" });
  });

  it("lists tokens of a project and of a creator", async () => {
    const { mcpTokens } = database().read;
    const { token, project, creator } = await insertToken(database().read);
    await insertToken(database().read);
    expect(await mcpTokens.listByOwner({ projectUid: project.metadata.uid })).toStrictEqual([token]);
    expect(await mcpTokens.listByOwner({ creatorUid: creator.metadata.uid })).toStrictEqual([token]);
    expect(await mcpTokens.listByOwner({ creatorUid: project.metadata.uid })).toEqual([]);
  });

  it.each(["project", "creator", "token"] as const)("forgets a token with its %s", async (owner) => {
    const { mcpTokens, resources } = database().read;
    const inserted = await insertToken(database().read);
    const plural = { project: "projects", creator: "users", token: "mcptokens" }[owner];
    await resources.delete(refOf(inserted[owner], plural));
    expect(await mcpTokens.findBySha(inserted.sha)).toBeUndefined();
    expect(await mcpTokens.listByOwner({ projectUid: inserted.project.metadata.uid })).toEqual([]);
    expect(await mcpTokens.listByOwner({ creatorUid: inserted.creator.metadata.uid })).toEqual([]);
  });
}
