import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPostgres } from "../support/postgres.ts";
import { type Answer, type Body, type Rest, startRest } from "../support/rest.ts";

const postgres = await startPostgres();
afterAll(() => postgres[Symbol.asyncDispose]());

const PASSWORD = "a password for a test";
const LOGS = { role: "run", action: "logs" };
const VIEW_SERVERS = { role: "view", resource: "servers" };
const VIEW_PROJECTS = { role: "view", resource: "projects" };
const MINT = { role: "create", resource: "mcptokens" };

describe.each(["pglite", "postgresql"] as const)("tokens with %s", (engine) => {
  let rest: Rest;
  const send: Rest["send"] = (...request) => rest.send(...request);

  beforeAll(async () => {
    rest = await startRest(engine === "postgresql" ? await postgres.createDatabase() : undefined);
    for (const name of ["files", "search"]) {
      await send("POST", "/api/v1/servers", {
        kind: "Server",
        metadata: { name },
        spec: { command: "x", replicas: 0 },
      });
    }
  });
  afterAll(() => rest?.[Symbol.asyncDispose]());

  const createProject = (name: string) =>
    send("POST", "/api/v1/projects", { kind: "Project", metadata: { name }, spec: {} });
  const define = (name: string, spec: object) =>
    send("POST", "/api/v1/rbac", { kind: "RbacDefinition", metadata: { name }, spec });

  /** Makes a user with these rights, granted by `of-NAME`. @returns the bearer of a session. */
  async function userWith(name: string, ...roleBindings: object[]): Promise<string> {
    await send("POST", "/api/v1/users", { kind: "User", metadata: { name }, spec: {} });
    await send("PUT", `/api/v1/users/${name}/password`, { password: PASSWORD });
    await define(`of-${name}`, { subjects: [{ kind: "User", name }], roleBindings });
    const { body } = await send("POST", "/api/v1/login", { user: name, password: PASSWORD }, { bearer: null });
    return String(body["token"]);
  }

  const mint = (bearer: string, address: { name: string; project: string }, spec: object = {}): Promise<Answer> =>
    send("POST", "/api/v1/mcptokens", { kind: "McpToken", metadata: address, spec }, { bearer });
  const definitionOf = ({ body }: Answer) => String(body["status"].definition);
  const namesOf = ({ body }: Answer) => (body["items"] as Body[]).map((item) => item["metadata"].name as string);
  const introspect = async (bearer: string) =>
    (await send("GET", "/api/v1/mcptokens/introspect", undefined, { bearer })).body;

  it("have no right but their project's endpoint unless they are given some", async () => {
    await createProject("plain");
    const minted = await mint(rest.admin, { name: "a", project: "plain" });
    expect(minted).toMatchObject({ status: 201, body: { spec: { rbac: "empty" }, token: expect.any(String) } });
    expect(minted.body["status"]).not.toHaveProperty("definition");
    const bearer = String(minted.body["token"]);
    expect((await send("GET", "/api/v1/servers", undefined, { bearer })).status).toBe(403);
    expect((await send("GET", "/api/v1/projects/plain/discovery", undefined, { bearer })).status).toBe(200);
    expect((await send("GET", "/api/v1/projects/another/discovery", undefined, { bearer })).status).toBe(404);
    expect(await introspect(bearer)).toMatchObject({ active: true, name: "a", project: "plain", creator: "admin" });
  });

  it("with bindings have those, kept in a definition of their own", async () => {
    await createProject("bound");
    const bindings = [{ ...VIEW_SERVERS, resource: "srv", name: "files" }, LOGS];
    const minted = await mint(
      rest.admin,
      { name: "b", project: "bound" },
      { rbac: "explicit", roleBindings: bindings },
    );
    const definition = await send("GET", `/api/v1/rbac/${definitionOf(minted)}`);
    expect(definition.body["spec"]).toEqual({
      subjects: [{ kind: "McpToken", name: minted.body["status"].sha }],
      roleBindings: [{ ...VIEW_SERVERS, name: "files" }, LOGS],
    });
    expect(minted.body["spec"]).toEqual({ rbac: "explicit" });
    const bearer = String(minted.body["token"]);
    expect(namesOf(await send("GET", "/api/v1/servers", undefined, { bearer }))).toEqual(["files"]);
    expect((await send("GET", "/api/v1/servers/files", undefined, { bearer })).status).toBe(200);
    expect((await send("GET", "/api/v1/servers/search", undefined, { bearer })).status).toBe(404);
    expect((await send("DELETE", "/api/v1/servers/files", undefined, { bearer })).status).toBe(403);
  });

  it("are never given what their creator lacks, and the refusal lists it", async () => {
    await createProject("ceiling");
    const bearer = await userWith("carol", VIEW_SERVERS, VIEW_PROJECTS, MINT);
    const roleBindings = [VIEW_SERVERS, { role: "edit", resource: "servers" }, LOGS];
    const refused = await mint(bearer, { name: "c", project: "ceiling" }, { rbac: "explicit", roleBindings });
    expect(refused).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(refused.body["detail"]).toMatch(/you lack edit servers, run logs$/);
    expect((await send("GET", "/api/v1/mcptokens/c?project=ceiling")).status).toBe(404);
    expect((await send("GET", "/api/v1/rbac/mcptoken.ceiling.c")).status).toBe(404);
  });

  it("lose at once what their creator loses", async () => {
    await createProject("living");
    const bearer = await userWith("dave", VIEW_SERVERS, VIEW_PROJECTS, MINT);
    const minted = await mint(bearer, { name: "d", project: "living" }, { rbac: "clone" });
    const token = { bearer: String(minted.body["token"]) };
    const definition = await send("GET", `/api/v1/rbac/${definitionOf(minted)}`);
    expect(definition.body["spec"].roleBindings).toEqual([VIEW_SERVERS, VIEW_PROJECTS, MINT]);
    expect((await send("GET", "/api/v1/servers", undefined, token)).status).toBe(200);

    const { body } = await send("GET", "/api/v1/rbac/of-dave");
    const less = { ...body, spec: { ...body["spec"], roleBindings: [VIEW_PROJECTS] } };
    expect((await send("PUT", "/api/v1/rbac/of-dave", less)).status).toBe(200);
    expect((await send("GET", "/api/v1/servers", undefined, token)).status).toBe(403);
    expect(await introspect(token.bearer)).toMatchObject({ active: true });

    await send("DELETE", "/api/v1/rbac/of-dave");
    expect(await introspect(token.bearer)).toEqual({ active: false });
  });

  it("stop when their creator is disabled, and go on afterwards", async () => {
    await createProject("paused");
    const bearer = await userWith("erin", VIEW_PROJECTS, MINT);
    const token = String((await mint(bearer, { name: "e", project: "paused" })).body["token"]);
    const disable = (disabled: boolean) =>
      send("PUT", "/api/v1/users/erin", { kind: "User", metadata: { name: "erin" }, spec: { disabled } });
    await disable(true);
    expect(await introspect(token)).toEqual({ active: false });
    await disable(false);
    expect(await introspect(token)).toMatchObject({ active: true });
  });

  it.each([
    ["revoked", () => send("POST", "/api/v1/mcptokens/f/revoke?project=ending"), 200],
    ["deleted", () => send("DELETE", "/api/v1/mcptokens/f?project=ending"), 404],
    ["deleted with their project", () => send("DELETE", "/api/v1/projects/ending"), 404],
  ])("take their bindings with them when they are %s", async (_, end, status) => {
    await createProject("ending");
    const minted = await mint(rest.admin, { name: "f", project: "ending" }, { rbac: "clone" });
    const token = String(minted.body["token"]);
    expect((await send("GET", `/api/v1/rbac/${definitionOf(minted)}`)).status).toBe(200);
    expect((await end()).status).toBe(200);
    expect((await send("GET", `/api/v1/rbac/${definitionOf(minted)}`)).status).toBe(404);
    expect((await send("GET", "/api/v1/mcptokens/f?project=ending")).status).toBe(status);
    expect(await introspect(token)).toEqual({ active: false });
    expect((await send("GET", "/api/v1/servers", undefined, { bearer: token })).status).toBe(401);
    await send("DELETE", "/api/v1/projects/ending");
  });

  it("take their bindings with them when their creator is deleted", async () => {
    await createProject("orphaned");
    const bearer = await userWith("grace", VIEW_PROJECTS, MINT, LOGS);
    const minted = await mint(bearer, { name: "g", project: "orphaned" }, { rbac: "clone" });
    await send("DELETE", "/api/v1/users/grace");
    expect((await send("GET", `/api/v1/rbac/${definitionOf(minted)}`)).status).toBe(404);
    expect(await introspect(String(minted.body["token"]))).toEqual({ active: false });
  });

  it("leave a definition alone that only has the name of theirs", async () => {
    await createProject("named");
    const minted = await mint(rest.admin, { name: "h", project: "named" }, { rbac: "clone" });
    const name = definitionOf(minted);
    await send("DELETE", `/api/v1/rbac/${name}`);
    await define(name, { subjects: [{ kind: "Group", name: "devs" }], roleBindings: [VIEW_SERVERS] });
    await send("POST", "/api/v1/mcptokens/h/revoke?project=named");
    expect((await send("GET", `/api/v1/rbac/${name}`)).status).toBe(200);
    await send("DELETE", "/api/v1/mcptokens/h?project=named");
    const again = await mint(rest.admin, { name: "h", project: "named" }, { rbac: "clone" });
    expect(again).toMatchObject({ status: 409, body: { hint: expect.stringContaining(`describe rbac ${name}`) } });
  });

  it.each([
    ["a second one of the same name", {}, 409, "already-exists"],
    ["bindings without explicit", { roleBindings: [LOGS] }, 422, "invalid"],
    ["explicit without bindings", { rbac: "explicit" }, 422, "invalid"],
    ["a clone with bindings", { rbac: "clone", roleBindings: [LOGS] }, 422, "invalid"],
    ["an unknown resource", { rbac: "explicit", roleBindings: [{ role: "view", resource: "nope" }] }, 422, "invalid"],
    ["an unknown role", { rbac: "explicit", roleBindings: [{ role: "own", resource: "servers" }] }, 422, "invalid"],
    ["an end in the past", { ttl: "2020-01-01T00:00:00Z" }, 422, "invalid"],
  ])("are refused: %s", async (_, spec, status, code) => {
    await createProject("refused");
    await mint(rest.admin, { name: "taken", project: "refused" });
    const name = status === 409 ? "taken" : "new";
    expect(await mint(rest.admin, { name, project: "refused" }, spec)).toMatchObject({
      status,
      body: { code, detail: expect.any(String), ...(status === 409 && { hint: expect.stringMatching(/-p refused$/) }) },
    });
  });

  it("cannot mint, whatever they hold", async () => {
    await createProject("strong");
    const minted = await mint(rest.admin, { name: "s", project: "strong" }, { rbac: "clone" });
    const refused = await mint(String(minted.body["token"]), { name: "t", project: "strong" });
    expect(refused).toMatchObject({ status: 403, body: { code: "forbidden" } });
  });

  describe("and what people may ask about rights", () => {
    const ask = (question: string, bearer = rest.admin) =>
      send("GET", `/api/v1/auth/${question}`, undefined, { bearer });

    it("is answered with the binding that decides", async () => {
      const bearer = await userWith("heidi", { ...VIEW_SERVERS, name: "files" }, LOGS);
      const answers = await Promise.all(
        [
          "can-i?verb=get&resource=server&name=files",
          "can-i?verb=list&resource=srv",
          "can-i?verb=delete&resource=servers&name=files",
          "can-i?verb=run&resource=logs",
          "can-i?verb=run&resource=servers&name=files",
        ].map((question) => ask(question, bearer)),
      );
      expect(answers.map(({ body }) => body)).toEqual([
        { principal: "User:heidi", allowed: true, by: "of-heidi: view servers/files" },
        { principal: "User:heidi", allowed: true, by: "those that bindings name: files" },
        { principal: "User:heidi", allowed: false, by: "no binding grants it" },
        { principal: "User:heidi", allowed: true, by: "of-heidi: run logs" },
        { principal: "User:heidi", allowed: false, by: "no binding grants it" },
      ]);
      expect((await ask("permissions", bearer)).body["permissions"]).toEqual([
        { definition: "of-heidi", binding: { ...VIEW_SERVERS, name: "files" } },
        { definition: "of-heidi", binding: LOGS },
      ]);
    });

    it("names the limit by the creator of a token", async () => {
      await createProject("limits");
      const bearer = await userWith("ivan", VIEW_PROJECTS, MINT, LOGS);
      const minted = await mint(bearer, { name: "i", project: "limits" }, { rbac: "explicit", roleBindings: [LOGS] });
      const { body } = await send("GET", "/api/v1/rbac/of-ivan");
      await send("PUT", "/api/v1/rbac/of-ivan", { ...body, spec: { ...body["spec"], roleBindings: [VIEW_PROJECTS] } });
      const by = "its creator ivan lacks it: no binding grants it";
      const expected = { principal: "McpToken:limits/i", allowed: false, by };
      const sha = String(minted.body["status"].sha);
      for (const as of ["limits/i", sha]) {
        expect((await ask(`can-i?verb=run&resource=logs&as=McpToken:${as}`)).body).toEqual(expected);
      }
      const held = await ask("permissions", String(minted.body["token"]));
      expect(held.body).toMatchObject({
        project: "limits",
        permissions: [{ binding: LOGS, limitedBy: expect.stringContaining("ivan") }],
      });
    });

    it("about others is answered to those who may impersonate", async () => {
      const bearer = await userWith("judy", VIEW_SERVERS);
      expect(await ask("permissions?as=User:admin", bearer)).toMatchObject({ status: 403 });
      expect(await ask("permissions?as=User:judy", bearer)).toMatchObject({ status: 200 });
      expect(await ask("can-i?verb=get&resource=servers&as=User:judy")).toMatchObject({ body: { allowed: true } });
    });

    it.each([
      ["can-i?verb=get&resource=nope", 422],
      ["can-i?verb=grab&resource=servers", 422],
      ["can-i?verb=run&resource=logz", 422],
      ["can-i?verb=get", 422],
      ["permissions?as=Robot:x", 422],
      ["permissions?as=User:nobody", 404],
      ["permissions?as=McpToken:a/b", 404],
    ])("is refused when it means nothing: %s", async (question, status) => {
      expect(await ask(question)).toMatchObject({ status, body: { code: expect.any(String) } });
    });
  });
});

describe("tokens and a right that is taken away meanwhile, with postgresql", () => {
  it("are never minted beyond it: 200 mints against the removal of the creator's role", async () => {
    const databaseUrl = await postgres.createDatabase();
    await using rest = await startRest(databaseUrl);
    const { send } = rest;
    await send("POST", "/api/v1/projects", { kind: "Project", metadata: { name: "race" }, spec: {} });
    await send("POST", "/api/v1/users", { kind: "User", metadata: { name: "kim" }, spec: {} });
    await send("PUT", "/api/v1/users/kim/password", { password: PASSWORD });
    const grant = (name: string, ...roleBindings: object[]) =>
      send("POST", "/api/v1/rbac", {
        kind: "RbacDefinition",
        metadata: { name },
        spec: { subjects: [{ kind: "User", name: "kim" }], roleBindings },
      });
    await grant("stays", VIEW_PROJECTS, MINT);
    await grant("goes", VIEW_SERVERS);
    const login = await send("POST", "/api/v1/login", { user: "kim", password: PASSWORD }, { bearer: null });
    const bearer = String(login.body["token"]);
    const spec = { rbac: "explicit", roleBindings: [VIEW_SERVERS] };
    const mints = Array.from({ length: 200 }, (_, at) => {
      const metadata = { name: `t${at}`, project: "race" };
      return send("POST", "/api/v1/mcptokens", { kind: "McpToken", metadata, spec }, { bearer });
    });
    await Promise.race(mints);
    expect((await send("DELETE", "/api/v1/rbac/goes")).status).toBe(200);
    const results = await Promise.all(mints);
    const minted = results.filter(({ status }) => status === 201);
    expect(results.filter(({ status }) => status !== 201 && status !== 403)).toEqual([]);
    // Both must have happened, or nothing raced.
    expect(minted.length).toBeGreaterThan(0);
    expect(minted.length).toBeLessThan(200);
    // Versions are handed out in the order of commits.
    const deletions = await postgres.query(
      databaseUrl,
      `select version from changes where type = 'DELETED' and object ->> 'name' = 'goes'`,
    );
    const removedAt = Number(deletions);
    expect(removedAt).toBeGreaterThan(0);
    for (const { body } of minted) expect(Number(body["metadata"].resourceVersion)).toBeLessThan(removedAt);
  }, 60_000);
});
