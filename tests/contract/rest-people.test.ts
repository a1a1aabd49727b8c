import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, type Rest, startRest } from "../support/rest.ts";

const PASSWORD = "a long enough password";
const NEW_PASSWORD = "another long password";

let rest: Rest;
beforeAll(async () => {
  rest = await startRest(undefined);
});
afterAll(() => rest?.[Symbol.asyncDispose]());

async function createUser(name: string, spec: object = {}): Promise<void> {
  expect((await rest.send("POST", "/api/v1/users", { kind: "User", metadata: { name }, spec })).status).toBe(201);
  expect((await rest.send("PUT", `/api/v1/users/${name}/password`, { password: PASSWORD })).status).toBe(204);
}

function login(user: string, password = PASSWORD) {
  return rest.send("POST", "/api/v1/login", { user, password }, { bearer: null });
}

async function bearerOf(user: string, password = PASSWORD): Promise<string> {
  return String((await login(user, password)).body["token"]);
}

async function statusOf(bearer: string): Promise<number> {
  return (await rest.send("GET", "/api/v1/whoami", undefined, { bearer })).status;
}

/**
 * Fails until it has to wait. The first wait is a second, which a busy machine may miss; each is twice the one before.
 *
 * @returns what the attempts were answered, and the first that came too soon.
 */
async function untilSlowedDown(attempt: () => Promise<Answer>): Promise<{ failed: number[]; refused: Answer }> {
  const failed: number[] = [];
  for (;;) {
    const answer = await attempt();
    if (answer.status === 429) {
      expect(failed.length).toBeGreaterThanOrEqual(10);
      return { failed, refused: answer };
    }
    failed.push(answer.status);
    expect(failed.length).toBeLessThan(20);
  }
}

describe("logins that fail", () => {
  it("are slowed down alike for a user that exists and for one that does not", async () => {
    await createUser("ada");
    const [known, unknown] = [
      await untilSlowedDown(() => login("ada", "x")),
      await untilSlowedDown(() => login("no", "x")),
    ];
    expect(known.refused).toMatchObject({ status: 429, body: { code: "too-many-requests" } });
    expect(Number(known.refused.headers.get("retry-after"))).toBeGreaterThan(0);
    const told = ({ headers, body }: Answer) => ({
      names: [...headers.keys()],
      keys: Object.keys(body),
      detail: body["detail"],
    });
    expect(told(unknown.refused)).toEqual(told(known.refused));
  });

  it("cannot be counted apart under the uid of the user", async () => {
    await createUser("uma");
    const { body } = await rest.send("GET", "/api/v1/users/uma");
    expect((await login(body["metadata"].uid)).status).toBe(401);
    expect((await login("uma")).status).toBe(200);
  });
});

describe("the address of a login", () => {
  const from = (address: string) => ({ bearer: null, headers: { "x-forwarded-for": address } });
  const fail = (target: Rest, address: string) =>
    target.send("POST", "/api/v1/login", { user: "vic", password: "wrong" }, from(address));

  it("is what a trusted proxy says, so that people behind it do not stand in for each other", async () => {
    await using proxied = await startRest(undefined, { settings: { trustedProxies: "10.0.0.0/8, 127.0.0.1" } });
    await untilSlowedDown(() => fail(proxied, "192.0.2.1"));
    expect((await fail(proxied, "192.0.2.2")).status).toBe(401);
    // What the client itself put in front of it counts for nothing.
    let at = 0;
    await untilSlowedDown(() => fail(proxied, `198.51.100.${at++}, 192.0.2.3, 10.1.1.1`));
    await untilSlowedDown(() => fail(proxied, `fe80::${at}%${"z".repeat(90 + at++)}`));
  });

  it("is the other end of the connection where no proxy is trusted", async () => {
    // A control plane of its own: failures of all tests of one address count together.
    await using direct = await startRest(undefined);
    let at = 0;
    await untilSlowedDown(() => fail(direct, `192.0.2.${at++}`));
  });

  it("is not asked of something that is no network", async () => {
    await expect(startRest(undefined, { settings: { trustedProxies: "10.0.0.0/33" } })).rejects.toThrow("networks");
  });
});

describe("one's own password", () => {
  it("changes with the old one, ends every session and opens a new one", async () => {
    await createUser("bea");
    const [first, second] = [await bearerOf("bea"), await bearerOf("bea")];
    const change = { oldPassword: PASSWORD, password: NEW_PASSWORD };
    const { status, body } = await rest.send("PUT", "/api/v1/password", change, { bearer: first });
    expect(status).toBe(200);
    expect([await statusOf(first), await statusOf(second), await statusOf(body["token"])]).toEqual([401, 401, 200]);
    expect([(await login("bea")).status, (await login("bea", NEW_PASSWORD)).status]).toEqual([401, 200]);
  });

  it("does not change without the old one, whatever rights the caller has", async () => {
    await createUser("cy");
    const bearer = await bearerOf("cy");
    const wrong = { oldPassword: "not the old one", password: NEW_PASSWORD };
    const refused = await rest.send("PUT", "/api/v1/password", wrong, { bearer });
    expect([refused.status, refused.body["detail"]]).toEqual([403, "The old password is wrong"]);
    expect(await statusOf(bearer)).toBe(200);
    const around = await rest.send("PUT", "/api/v1/users/admin/password", { password: NEW_PASSWORD });
    expect([around.status, around.body["hint"]]).toEqual([422, "Change it with: mcpctl auth passwd"]);
  });

  it("cannot be guessed faster with a session than at the login", async () => {
    await createUser("di");
    const bearer = await bearerOf("di");
    const { failed } = await untilSlowedDown(() =>
      rest.send("PUT", "/api/v1/password", { oldPassword: "a guess", password: NEW_PASSWORD }, { bearer }),
    );
    expect(new Set(failed)).toEqual(new Set([403]));
  });
});

describe("one's own sessions", () => {
  it("are listed without their bearers, and end one by one and all together", async () => {
    await createUser("eli");
    const [first, second, third] = [await bearerOf("eli"), await bearerOf("eli"), await bearerOf("eli")];
    const list = async () => (await rest.send("GET", "/api/v1/sessions", undefined, { bearer: third })).body["items"];
    const items = await list();
    expect(items).toHaveLength(3);
    expect(items[0]).toMatchObject({ isCurrent: true, method: "password", address: "127.0.0.1" });
    expect(JSON.stringify(items)).not.toContain("mcpctl_ses_");
    expect(items[0]).not.toHaveProperty("sha");
    const oldest = `/api/v1/sessions/${items[2].id}`;
    expect((await rest.send("DELETE", oldest, undefined, { bearer: third })).status).toBe(204);
    expect([await statusOf(first), await statusOf(second)]).toEqual([401, 200]);
    expect((await rest.send("DELETE", "/api/v1/sessions", undefined, { bearer: third })).status).toBe(204);
    expect([await statusOf(second), await statusOf(third)]).toEqual([401, 401]);
  });

  it("are nobody else's, the administrator's neither", async () => {
    await createUser("fay");
    const bearer = await bearerOf("fay");
    const { body } = await rest.send("GET", "/api/v1/sessions", undefined, { bearer });
    const foreign = await rest.send("DELETE", `/api/v1/sessions/${body["items"][0].id}`);
    const missing = await rest.send("DELETE", "/api/v1/sessions/00000000-0000-4000-8000-000000000000");
    expect([foreign.status, missing.status]).toEqual([404, 404]);
    expect(await statusOf(bearer)).toBe(200);
  });

  it("are none of a token's business", async () => {
    await rest.send("POST", "/api/v1/projects", { kind: "Project", metadata: { name: "p" }, spec: {} });
    const token = { kind: "McpToken", metadata: { name: "t", project: "p" }, spec: {} };
    const bearer = String((await rest.send("POST", "/api/v1/mcptokens", token)).body["token"]);
    for (const [method, path] of [
      ["GET", "/api/v1/sessions"],
      ["DELETE", "/api/v1/sessions"],
    ] as const) {
      expect((await rest.send(method, path, undefined, { bearer })).status).toBe(403);
    }
  });
});

describe("a user who is locked out", () => {
  it("loses every session for good, and an enabled user does not get them back", async () => {
    await createUser("gus");
    const bearer = await bearerOf("gus");
    const put = (disabled: boolean) =>
      rest.send("PUT", "/api/v1/users/gus", { kind: "User", metadata: { name: "gus" }, spec: { disabled } });
    expect((await put(true)).status).toBe(200);
    expect(await statusOf(bearer)).toBe(401);
    expect((await put(false)).status).toBe(200);
    expect(await statusOf(bearer)).toBe(401);
  });

  it("is never the last administrator of a group, nor is a member who leaves it", async () => {
    await using alone = await startRest(undefined);
    const put = (path: string, kind: string, spec: object) => {
      const [, name = ""] = path.split("/");
      return alone.send("PUT", `/api/v1/${path}`, { kind, metadata: { name }, spec });
    };
    const group = (members: string[]) => ({ kind: "Group", metadata: { name: "admins" }, spec: { members } });
    const everything = [{ role: "admin", resource: "*" }];
    await alone.send("POST", "/api/v1/groups", group(["admin", "ghost"]));
    const spec = { subjects: [{ kind: "Group", name: "admins" }], roleBindings: everything };
    await alone.send("POST", "/api/v1/rbac", { kind: "RbacDefinition", metadata: { name: "admins" }, spec });
    expect((await alone.send("DELETE", "/api/v1/rbac/admin")).status).toBe(200);
    expect((await put("users/admin", "User", { disabled: true })).status).toBe(409);
    expect((await put("groups/admins", "Group", { members: ["ghost"] })).status).toBe(409);
    expect((await alone.send("DELETE", "/api/v1/groups/admins")).status).toBe(409);
    expect((await put("groups/admins", "Group", { members: ["admin"] })).status).toBe(200);
  });

  it("is never the last administrator who can log in", async () => {
    const disable = { kind: "User", metadata: { name: "admin" }, spec: { disabled: true } };
    const refused = await rest.send("PUT", "/api/v1/users/admin", disable);
    expect(refused).toMatchObject({ status: 409, body: { code: "conflict" } });
    expect((await rest.send("DELETE", "/api/v1/users/admin")).status).toBe(409);
    // One without a password, and one who is disabled, do not count.
    for (const [name, disabled] of [
      ["ghost", false],
      ["sleeper", true],
    ] as const) {
      await rest.send("POST", "/api/v1/users", { kind: "User", metadata: { name }, spec: { disabled } });
    }
    await rest.send("PUT", "/api/v1/users/sleeper/password", { password: PASSWORD });
    const spec = {
      subjects: ["ghost", "sleeper"].map((name) => ({ kind: "User", name })),
      roleBindings: [{ role: "admin", resource: "*" }],
    };
    await rest.send("POST", "/api/v1/rbac", { kind: "RbacDefinition", metadata: { name: "more" }, spec });
    expect((await rest.send("PUT", "/api/v1/users/admin", disable)).status).toBe(409);
    await rest.send("PUT", "/api/v1/users/ghost/password", { password: PASSWORD });
    expect((await rest.send("DELETE", "/api/v1/users/sleeper")).status).toBe(200);
    expect((await rest.send("PUT", "/api/v1/users/admin", disable)).status).toBe(200);
  });
});
