import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPostgres } from "../support/postgres.ts";
import { type Body, type Rest, startRest } from "../support/rest.ts";

const postgres = await startPostgres();
afterAll(() => postgres[Symbol.asyncDispose]());

const secretOf = (name: string, data: object, labels: object = {}) => ({
  kind: "Secret",
  metadata: { name, labels },
  spec: { data },
});

describe.each(["pglite", "postgresql"] as const)("secrets with %s", (engine) => {
  let rest: Rest;
  const send: Rest["send"] = (...request) => rest.send(...request);
  const apply = (manifest: Body, manager = "m", query = "") =>
    send("PATCH", `/api/v1/secrets/${manifest["metadata"].name}?fieldManager=${manager}${query}`, manifest);
  const resultOf = async (answer: ReturnType<typeof send>) => {
    const { headers } = await answer;
    return headers.get("mcpctl-result");
  };

  beforeAll(async () => {
    const databaseUrl = engine === "postgresql" ? await postgres.createDatabase() : undefined;
    rest = await startRest(databaseUrl, { settings: { secretsKey: randomBytes(32).toString("base64") } });
  });
  afterAll(() => rest?.[Symbol.asyncDispose]());

  it("are never read back: every answer has a mask for each value", async () => {
    const value = "value-of-masked-secret";
    const { resourceVersion } = (await send("GET", "/api/v1/secrets")).body["metadata"];
    const answers = [
      await send("POST", "/api/v1/secrets", secretOf("masked", { key: value, other: value })),
      await send("GET", "/api/v1/secrets/masked"),
      await send("GET", "/api/v1/secrets"),
      await send("PUT", "/api/v1/secrets/masked", secretOf("masked", { key: `${value}2` })),
      await apply(secretOf("masked", { key: value }), "m", "&force=true"),
      await apply(secretOf("masked", { key: `${value}3` }), "m", "&dryRun=server"),
      await apply(secretOf("masked", { key: `${value}4` }), "rival"),
      await apply(secretOf("masked", { key: [value] })),
      await send("POST", "/api/v1/secrets", secretOf("Bad Name", { key: value })),
      await send("DELETE", "/api/v1/secrets/masked"),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 200, 200, 200, 409, 422, 422, 200]);
    expect(answers[1]?.body["spec"].data).toEqual({ key: "[redacted]", other: "[redacted]" });
    expect(JSON.stringify(answers.map(({ body }) => body))).not.toContain(value);
    const watched = await firstLines(`/api/v1/secrets?watch=true&resourceVersion=${resourceVersion}`, 5);
    expect(watched).toContain("DELETED");
    expect(watched).not.toContain(value);
  });

  async function firstLines(path: string, count: number): Promise<string> {
    const response = await fetch(`${rest.url}${path}`, { headers: { authorization: `Bearer ${rest.admin}` } });
    let text = "";
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      if (text.trim().split("\n").length >= count - 1 && text.includes("DELETED")) break;
    }
    return text;
  }

  it("stay what they are when what was read is applied, and count as changed when a value is another", async () => {
    expect(await resultOf(apply(secretOf("kept", { a: "first value", b: "second value" })))).toBe("created");
    expect(await resultOf(apply(secretOf("kept", { a: "first value", b: "second value" })))).toBe("unchanged");
    const { body: read } = await send("GET", "/api/v1/secrets/kept");
    expect(await resultOf(apply(read))).toBe("unchanged");
    expect((await send("PUT", "/api/v1/secrets/kept", read)).body["metadata"].generation).toBe(1);
    const changed = await apply(secretOf("kept", { a: "another value", b: "[redacted]" }));
    expect(changed.headers.get("mcpctl-result")).toBe("configured");
    expect(changed.body["metadata"].generation).toBe(2);
    expect(await resultOf(apply(secretOf("kept", { a: "another value", b: "second value" })))).toBe("unchanged");
  });

  it("refuse a mask where there is no value to keep", async () => {
    const refused = await apply(secretOf("empty", { a: "[redacted]" }));
    expect(refused).toMatchObject({ status: 422, body: { fields: [{ path: "spec.data.a" }] } });
  });

  it("belong to whoever applied them: another manager cannot change a value without force", async () => {
    await apply(secretOf("owned", { a: "of the owner" }));
    expect(await apply(secretOf("owned", { a: "of a rival" }), "rival")).toMatchObject({ status: 409 });
    expect(await resultOf(apply(secretOf("owned", { a: "of a rival" }), "rival", "&force=true"))).toBe("configured");
  });

  it.each(["..", ".", "a/b", "", "a b", "*"])("refuse the key %j, and a server that names it", async (key) => {
    expect((await apply(secretOf("pattern", { [key]: "a value" }))).status).toBe(422);
    const env = [{ name: "A", secretRef: { name: "pattern", key } }];
    const server = { kind: "Server", metadata: { name: "s" }, spec: { command: "node", env } };
    expect((await send("POST", "/api/v1/servers", server)).status).toBe(422);
  });

  it("need `run` of whoever hands them to a server, in every way of doing so", async () => {
    const password = "a password for a test";
    await apply(secretOf("mine", { key: "a value" }));
    await apply(secretOf("other", { key: "a value" }));
    await send("POST", "/api/v1/users", { kind: "User", metadata: { name: "dev" }, spec: {} });
    await send("PUT", "/api/v1/users/dev/password", { password });
    const roleBindings = [
      { role: "edit", resource: "servers" },
      { role: "run", action: "run-command" },
      { role: "run", resource: "secrets", name: "mine" },
    ];
    const spec = { subjects: [{ kind: "User", name: "dev" }], roleBindings };
    await send("POST", "/api/v1/rbac", { kind: "RbacDefinition", metadata: { name: "dev" }, spec });
    const login = await send("POST", "/api/v1/login", { user: "dev", password }, { bearer: null });
    const dev = { bearer: String(login.body["token"]) };
    const server = (name: string, secret: string, extra: object = {}) => ({
      kind: "Server",
      metadata: { name },
      spec: { command: "true", replicas: 0, env: [{ name: "A", secretRef: { name: secret, key: "key" } }], ...extra },
    });
    expect((await send("POST", "/api/v1/servers", server("one", "mine"), dev)).status).toBe(201);
    const refused = await send("POST", "/api/v1/servers", server("two", "other"), dev);
    expect(refused).toMatchObject({ status: 403, body: { detail: expect.stringContaining("other") } });
    expect(
      (await send("PATCH", "/api/v1/servers/one?fieldManager=m&force=true", server("one", "other"), dev)).status,
    ).toBe(403);
    // Somebody else handed it on; another command would get it.
    expect((await send("POST", "/api/v1/servers", server("two", "other"))).status).toBe(201);
    const elsewhere = server("two", "other", { command: "env" });
    expect((await send("PUT", "/api/v1/servers/two", elsewhere, dev)).status).toBe(403);
    const scaled = server("two", "other", { timeoutSeconds: 5 });
    expect((await send("PUT", "/api/v1/servers/two", scaled, dev)).status).toBe(200);
    expect((await send("GET", "/api/v1/secrets/mine", undefined, dev)).status).toBe(404);
  });

  it("make gateways whose credential may do the work of a gateway, and nothing once it is deleted", async () => {
    await send("POST", "/api/v1/projects", { kind: "Project", metadata: { name: "p" }, spec: {} });
    const made = await send("POST", "/api/v1/gateways", { kind: "Gateway", metadata: { name: "edge" }, spec: {} });
    expect(made).toMatchObject({ status: 201, body: { token: expect.stringMatching(/^mcpctl_gw_[0-9A-Za-z]{43}$/) } });
    const token = String(made.body["token"]);
    const gateway = { bearer: token };
    expect(JSON.stringify((await send("GET", "/api/v1/gateways")).body)).not.toContain(token);
    expect((await send("GET", "/api/v1/whoami", undefined, gateway)).body).toMatchObject({ kind: "Gateway" });
    const statusOf = async (path: string) => (await send("GET", path, undefined, gateway)).status;
    expect(await statusOf("/api/v1/projects/p/discovery")).toBe(200);
    for (const plural of ["servers", "secrets", "projects", "users", "gateways", "rbac", "mcptokens"]) {
      expect([plural, await statusOf(`/api/v1/${plural}`)]).toEqual([plural, 403]);
    }
    const again = { kind: "Gateway", metadata: { name: "second" }, spec: {} };
    expect((await send("POST", "/api/v1/gateways", again, gateway)).status).toBe(403);
    await send("DELETE", "/api/v1/gateways/edge");
    expect(await statusOf("/api/v1/projects/p/discovery")).toBe(401);
  });

  it("let only those make gateways who may do what gateways do", async () => {
    const password = "a password for a test";
    await send("POST", "/api/v1/users", { kind: "User", metadata: { name: "ops" }, spec: {} });
    await send("PUT", "/api/v1/users/ops/password", { password });
    const spec = {
      subjects: [{ kind: "User", name: "ops" }],
      roleBindings: [{ role: "create", resource: "gateways" }],
    };
    await send("POST", "/api/v1/rbac", { kind: "RbacDefinition", metadata: { name: "ops" }, spec });
    const login = await send("POST", "/api/v1/login", { user: "ops", password }, { bearer: null });
    const ops = { bearer: String(login.body["token"]) };
    const refused = await send("POST", "/api/v1/gateways", { kind: "Gateway", metadata: { name: "x" }, spec: {} }, ops);
    expect(refused).toMatchObject({ status: 403, body: { detail: expect.stringContaining("run resolve") } });
  });
});

describe("secrets on PostgreSQL, without a key", () => {
  it("are refused with a hint instead of being stored in the clear", async () => {
    await using rest = await startRest(await postgres.createDatabase());
    const refused = await rest.send("POST", "/api/v1/secrets", secretOf("s", { key: "a value" }));
    expect(refused).toMatchObject({ status: 503, body: { code: "secrets-key-unusable" } });
    expect((await rest.send("GET", "/api/v1/secrets")).body["items"]).toEqual([]);
  });
});
