import { untilUncontested } from "../support/until-uncontested.ts";
import { join } from "node:path";
import { KINDS } from "../../src/shared/src/kinds/index.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPostgres } from "../support/postgres.ts";
import { type Answer, type Body, type Rest, startRest } from "../support/rest.ts";

const postgres = await startPostgres();
afterAll(() => postgres[Symbol.asyncDispose]());

const namesOf = ({ body }: Answer) => (body["items"] as Body[]).map((item) => item["metadata"].name as string);

describe.each(["pglite", "postgresql"] as const)("REST with %s", (engine) => {
  let rest: Rest;
  const send: Rest["send"] = (...request) => rest.send(...request);

  beforeAll(async () => {
    rest = await startRest(engine === "postgresql" ? await postgres.createDatabase() : undefined);
  });
  afterAll(() => rest?.[Symbol.asyncDispose]());

  const server = (name: string, spec: object = { command: "node", replicas: 0 }) => ({
    kind: "Server",
    metadata: { name },
    spec,
  });

  it("creates, reads by name and id, updates with a version, deletes", async () => {
    const created = await send("POST", "/api/v1/servers", server("crud"));
    expect(created.status).toBe(201);
    const { uid, resourceVersion } = created.body["metadata"];
    expect(created.body).toMatchObject({
      apiVersion: "mcpctl.io/v1",
      kind: "Server",
      spec: { args: [], timeoutSeconds: 60 },
    });
    expect((await send("GET", `/api/v1/servers/${uid}`)).body["metadata"].name).toBe("crud");

    const spec = { command: "node", replicas: 0, args: ["a"] };
    const updated = await untilUncontested(async () => {
      const { body } = await send("GET", "/api/v1/servers/crud");
      const { resourceVersion: version } = body["metadata"];
      return send("PUT", "/api/v1/servers/crud", {
        ...server("crud", spec),
        metadata: { name: "crud", resourceVersion: version },
      });
    });
    expect(updated).toMatchObject({ status: 200, body: { metadata: { generation: 2 }, spec: { args: ["a"] } } });
    const stale = await send("PUT", "/api/v1/servers/crud", {
      ...server("crud"),
      metadata: { name: "crud", resourceVersion },
    });
    expect(stale).toMatchObject({ status: 409, body: { code: "conflict" } });
    expect(
      (await send("DELETE", "/api/v1/servers/crud", undefined, { headers: { "if-match": `"${resourceVersion}"` } }))
        .status,
    ).toBe(409);
    expect((await send("DELETE", "/api/v1/servers/crud")).status).toBe(200);
    expect(await send("GET", "/api/v1/servers/crud")).toMatchObject({
      status: 404,
      body: { code: "not-found", hint: expect.any(String) },
    });
  });

  it("refuses a second object of the same name", async () => {
    await send("POST", "/api/v1/servers", server("twin"));
    expect(await send("POST", "/api/v1/servers", server("twin"))).toMatchObject({
      status: 409,
      body: { code: "already-exists" },
    });
  });

  it("applies: created, unchanged, configured, and a conflict between two owners", async () => {
    const apply = (manager: string, spec: object, query = "") =>
      send("PATCH", `/api/v1/servers/applied?fieldManager=${manager}${query}`, server("applied", spec));
    const result = (answer: Answer) => answer.headers.get("mcpctl-result");
    expect(result(await apply("a", { command: "node", replicas: 0 }))).toBe("created");
    expect(result(await apply("a", { command: "node", replicas: 0 }))).toBe("unchanged");
    expect(result(await apply("a", { command: "node", replicas: 0, args: ["x"] }))).toBe("configured");
    const conflict = await apply("b", { command: "node", replicas: 0, args: ["y"] });
    expect(conflict).toMatchObject({
      status: 409,
      body: { code: "conflict", fields: [{ path: "spec.args", message: "owned by a" }] },
    });
    expect(result(await apply("b", { command: "node", replicas: 0, args: ["y"] }, "&force=true&dryRun=server"))).toBe(
      "configured",
    );
    expect((await send("GET", "/api/v1/servers/applied")).body["spec"].args).toEqual(["x"]);
    expect(result(await apply("b", { command: "node", replicas: 0, args: ["y"] }, "&force=true"))).toBe("configured");
    expect((await send("GET", "/api/v1/servers/applied")).body["spec"].args).toEqual(["y"]);
    expect(result(await apply("b", { timeoutSeconds: 5 }))).toBe("configured");
  });

  it("lets writers that name no version take turns, so that none loses to another", async () => {
    await send("POST", "/api/v1/servers", server("contended"));
    const writes = Array.from({ length: 32 }, (_, i) =>
      send("PATCH", `/api/v1/servers/contended?fieldManager=writer-${i}`, {
        kind: "Server",
        metadata: { name: "contended", labels: { [`writer-${i}`]: "was-here" } },
        spec: {},
      }),
    );
    expect((await Promise.all(writes)).map(({ status }) => status)).toEqual(Array(32).fill(200));
    const { body } = await send("GET", "/api/v1/servers/contended");
    expect(Object.keys(body["metadata"].labels)).toHaveLength(32);
  });

  it("lists by label and page by page", async () => {
    for (const name of ["p1", "p2", "p3"]) {
      const manifest = { ...server(name), metadata: { name, labels: { set: "paged" } } };
      expect((await send("POST", "/api/v1/servers", manifest)).status).toBe(201);
    }
    const first = await send("GET", "/api/v1/servers?labelSelector=set=paged&limit=2");
    expect(namesOf(first)).toEqual(["p1", "p2"]);
    const rest = await send(
      "GET",
      `/api/v1/servers?labelSelector=set=paged&limit=2&continue=${first.body["metadata"].continue}`,
    );
    expect(namesOf(rest)).toEqual(["p3"]);
    expect(rest.body["metadata"].continue).toBeUndefined();
  });

  interface WatchEvent {
    type: string;
    object: Body;
  }

  /** @returns the events of a watch, up to the one that is asked for. */
  async function watch(path: string, isLast: (event: WatchEvent) => boolean): Promise<WatchEvent[]> {
    const headers = { authorization: `Bearer ${rest.admin}` };
    const { body } = await fetch(`${rest.url}${path}`, { headers });
    const events: WatchEvent[] = [];
    let buffer = "";
    for await (const chunk of body ?? []) {
      const lines = (buffer + Buffer.from(chunk).toString()).split("\n");
      buffer = lines.pop() ?? "";
      events.push(...lines.filter((line) => line !== "").map((line) => JSON.parse(line) as WatchEvent));
      const end = events.findIndex(isLast);
      if (end >= 0) return events.slice(0, end + 1);
    }
    return events;
  }

  it("watches from a version: what was, what comes, and what goes", async () => {
    const { body } = await send("GET", "/api/v1/servers");
    await send("POST", "/api/v1/servers", server("watched"));
    const path = `/api/v1/servers?watch=true&resourceVersion=${body["metadata"].resourceVersion}`;
    const reading = watch(path, ({ type }) => type === "DELETED");
    await send("PUT", "/api/v1/servers/watched", server("watched", { command: "node", replicas: 0, args: ["1"] }));
    await send("DELETE", "/api/v1/servers/watched");
    const seen = (await reading).filter(({ object }) => object["metadata"].name === "watched");
    const types = seen.map(({ type }) => type);
    expect(types.filter((type, at) => type !== types[at - 1])).toEqual(["ADDED", "MODIFIED", "DELETED"]);
  });

  it("tells a deletion with a version of its own, behind which a watch goes on", async () => {
    const { body } = await send("GET", "/api/v1/groups");
    const create = (name: string) => send("POST", "/api/v1/groups", { kind: "Group", metadata: { name }, spec: {} });
    for (const name of ["going", "staying"]) await create(name);
    await send("DELETE", "/api/v1/groups/going");
    const path = "/api/v1/groups?watch=true&resourceVersion=";
    const seen = await watch(`${path}${body["metadata"].resourceVersion}`, ({ type }) => type === "DELETED");
    expect(seen.map(({ type, object }) => [type, object["metadata"].name])).toEqual([
      ["ADDED", "going"],
      ["ADDED", "staying"],
      ["DELETED", "going"],
    ]);
    await create("coming");
    const later = await watch(`${path}${seen.at(-1)?.object["metadata"].resourceVersion}`, () => true);
    expect(later).toMatchObject([{ type: "ADDED", object: { metadata: { name: "coming" } } }]);
  });

  it("answers a watch from the future or from nowhere with an error", async () => {
    expect(await send("GET", "/api/v1/servers?watch=true&resourceVersion=abc")).toMatchObject({
      status: 400,
      body: { code: "bad-request" },
    });
  });

  it("answers bad bodies with problems that name the field", async () => {
    const unknown = await send("POST", "/api/v1/servers", server("bad", { comand: "node" }));
    expect(unknown.type).toContain("application/problem+json");
    expect(unknown).toMatchObject({
      status: 422,
      body: { code: "invalid", hint: 'Did you mean "command"?', requestId: expect.any(String) },
    });
    expect(unknown.body["fields"].map((field: Body) => field["path"])).toContain("spec.comand");
    expect(await send("POST", "/api/v1/servers", '{"kind":')).toMatchObject({
      status: 400,
      body: { code: "bad-request" },
    });
    expect(await send("POST", "/api/v1/servers", "[".repeat(100_000))).toMatchObject({ status: 400 });
    expect(await send("POST", "/api/v1/servers", "x", { headers: { "content-type": "text/plain" } })).toMatchObject({
      status: 415,
    });
    expect(await send("POST", "/api/v1/servers", `"${"x".repeat(5 * 1024 * 1024)}"`)).toMatchObject({ status: 413 });
    const nul = await send("POST", "/api/v1/servers", server("nul", { command: "a\u0000b", replicas: 0 }));
    expect(nul).toMatchObject({ status: 422, body: { code: "invalid" } });
    expect((await send("GET", "/api/v1/nonsense")).body).toMatchObject({ code: "not-found" });
  });

  it("lets nobody in without a valid bearer, and says the same to all of them", async () => {
    const bearers = [null, "", "x", "mcpctl_ses_x", `mcpctl_ses_${"a".repeat(43)}`, `mcpctl_pat_${"a".repeat(43)}`];
    const answers = await Promise.all(bearers.map((bearer) => send("GET", "/api/v1/servers", undefined, { bearer })));
    for (const answer of answers) {
      expect(answer).toMatchObject({
        status: 401,
        body: { code: "unauthenticated", detail: answers[0]?.body["detail"] },
      });
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    }
  });

  it("mints a token once, introspects it, and forgets it when it is revoked", async () => {
    await send("POST", "/api/v1/projects", { kind: "Project", metadata: { name: "minting" }, spec: {} });
    const body = { kind: "McpToken", metadata: { name: "t", project: "minting" }, spec: { ttl: "1h" } };
    const minted = await send("POST", "/api/v1/mcptokens", body);
    expect(minted).toMatchObject({ status: 201, body: { status: { phase: "Active", creator: "admin" } } });
    const raw = minted.body["token"];
    expect(await send("POST", "/api/v1/mcptokens", body)).toMatchObject({
      status: 409,
      body: { code: "already-exists" },
    });
    const stored = await send("GET", "/api/v1/mcptokens/t?project=minting");
    expect(JSON.stringify(stored.body)).not.toContain(raw);
    expect((await send("GET", "/api/v1/mcptokens/introspect", undefined, { bearer: raw })).body).toMatchObject({
      active: true,
      project: "minting",
      name: "t",
    });
    expect((await send("GET", "/api/v1/whoami", undefined, { bearer: raw })).body).toMatchObject({
      kind: "McpToken",
      creator: "admin",
    });
    expect((await send("GET", "/api/v1/projects/minting/discovery", undefined, { bearer: raw })).status).toBe(200);
    expect((await send("GET", "/api/v1/projects/other/discovery", undefined, { bearer: raw })).status).toBe(404);
    expect((await send("GET", "/api/v1/servers", undefined, { bearer: raw })).status).toBe(403);
    expect(
      (
        await send(
          "POST",
          "/api/v1/mcptokens",
          { ...body, metadata: { name: "u", project: "minting" } },
          { bearer: raw },
        )
      ).status,
    ).toBe(403);
    await send("POST", "/api/v1/mcptokens/t/revoke?project=minting");
    const unknown = await send("GET", "/api/v1/mcptokens/introspect", undefined, {
      bearer: `mcpctl_pat_${"a".repeat(43)}`,
    });
    expect((await send("GET", "/api/v1/mcptokens/introspect", undefined, { bearer: raw })).body).toEqual(unknown.body);
    expect(unknown.body).toEqual({ active: false });
    expect((await send("GET", "/api/v1/whoami", undefined, { bearer: raw })).status).toBe(401);
  });

  it("takes every token from a creator who is disabled or may no longer view the project", async () => {
    const name = "creator@test.com";
    await send("POST", "/api/v1/users", { kind: "User", metadata: { name }, spec: {} });
    await send("PUT", `/api/v1/users/${name}/password`, { password: "a creator's password" });
    await send("POST", "/api/v1/projects", { kind: "Project", metadata: { name: "lent" }, spec: {} });
    const rbac = {
      kind: "RbacDefinition",
      metadata: { name: "creators" },
      spec: {
        subjects: [{ kind: "User", name }],
        roleBindings: [
          { role: "view", resource: "project", name: "lent" },
          { role: "create", resource: "mcptokens" },
        ],
      },
    };
    const granted = await send("POST", "/api/v1/rbac", rbac);
    expect(granted).toMatchObject({ status: 201, body: { spec: { roleBindings: [{ resource: "projects" }, {}] } } });
    const session = (
      await send("POST", "/api/v1/login", { user: name, password: "a creator's password" }, { bearer: null })
    ).body["token"];
    const body = { kind: "McpToken", metadata: { name: "t", project: "lent" }, spec: {} };
    const raw = (await send("POST", "/api/v1/mcptokens", body, { bearer: session })).body["token"];
    const isActive = async () =>
      (await send("GET", "/api/v1/mcptokens/introspect", undefined, { bearer: raw })).body["active"];
    expect(await isActive()).toBe(true);
    await send("DELETE", "/api/v1/rbac/creators");
    expect(await isActive()).toBe(false);
    await send("POST", "/api/v1/rbac", rbac);
    expect(await isActive()).toBe(true);
    await send("PUT", `/api/v1/users/${name}`, { kind: "User", metadata: { name }, spec: { disabled: true } });
    expect(await isActive()).toBe(false);
    expect((await send("GET", "/api/v1/whoami", undefined, { bearer: session })).status).toBe(401);
  });

  it("relays MCP to the servers of a project, under the project's policy", async () => {
    const script = join(import.meta.dirname, "..", "fixtures", "stdio-echo.mjs");
    await send("POST", "/api/v1/servers", server("echo", { command: process.execPath, args: [script] }));
    const tools = { deny: ["echo__e*v"] };
    const project = { kind: "Project", metadata: { name: "relayed" }, spec: { servers: ["echo"], tools } };
    expect((await send("POST", "/api/v1/projects", project)).status).toBe(201);
    const minted = await send("POST", "/api/v1/mcptokens", {
      kind: "McpToken",
      metadata: { name: "relayed", project: "relayed" },
      spec: {},
    });
    const bearer = minted.body["token"];
    const rpc = (method: string, params: object, name = "relayed") =>
      send("POST", `/api/v1/projects/${name}/servers/echo/mcp`, { jsonrpc: "2.0", id: 1, method, params }, { bearer });
    const listed = await rpc("tools/list", {});
    const names = (listed.body["result"].tools as Body[]).map((tool) => tool["name"]);
    expect(names).toContain("echo");
    expect(names).not.toContain("env");
    const called = await rpc("tools/call", { name: "echo", arguments: { text: "over the relay" } });
    expect(JSON.stringify(called.body["result"])).toContain("over the relay");
    const denied = await rpc("tools/call", { name: "env", arguments: {} });
    expect(denied.body["error"]).toMatchObject({ code: -32602, message: "Unknown tool: env" });
    expect((await rpc("tools/list", {}, "minting")).status).toBe(404);
    await send("DELETE", "/api/v1/servers/echo");
  });

  it("refuses to let anybody grant what they do not hold", async () => {
    const name = "climber@test.com";
    await send("POST", "/api/v1/users", { kind: "User", metadata: { name }, spec: {} });
    await send("PUT", `/api/v1/users/${name}/password`, { password: "a climber's password" });
    const bindings = [
      { role: "edit", resource: "rbac" },
      { role: "edit", resource: "servers" },
      { role: "edit", resource: "projects" },
    ];
    const define = (roleBindings: object[]) => ({
      kind: "RbacDefinition",
      metadata: { name: `by-climber-${roleBindings.length}` },
      spec: { subjects: [{ kind: "User", name }], roleBindings },
    });
    await send("POST", "/api/v1/rbac", define(bindings));
    const session = (
      await send("POST", "/api/v1/login", { user: name, password: "a climber's password" }, { bearer: null })
    ).body["token"];
    const climb = await send("POST", "/api/v1/rbac", define([{ role: "admin", resource: "*" }]), { bearer: session });
    expect(climb).toMatchObject({
      status: 403,
      body: { code: "forbidden", detail: expect.stringContaining("admin *") },
    });
    const code = await send("POST", "/api/v1/servers", server("code"), { bearer: session });
    expect(code).toMatchObject({ status: 403, body: { hint: expect.stringContaining("run-command") } });
    expect(
      (await send("POST", "/api/v1/servers", server("remote", { url: "https://mcp.example.com" }), { bearer: session }))
        .status,
    ).toBe(201);
    const lend = { kind: "Project", metadata: { name: "lend" }, spec: { servers: ["remote"] } };
    expect((await send("POST", "/api/v1/projects", lend, { bearer: session })).status).toBe(403);
  });

  it("offers every kind with the verbs that it has, and describes them in OpenAPI", async () => {
    const { body } = await send("GET", "/openapi.json", undefined, { bearer: null });
    expect(body["openapi"]).toBe("3.1.0");
    for (const kind of KINDS) {
      const collection = body["paths"][`/api/v1/${kind.plural}`];
      expect(Object.keys(collection).includes("post"), kind.kind).toBe(kind.verbs.includes("create"));
      expect((await send("GET", `/api/v1/${kind.plural}`)).body, kind.kind).toMatchObject({
        kind: "List",
        items: expect.any(Array),
      });
    }
    const permissions = Object.values<Body>(body["paths"]).flatMap((path) =>
      Object.values<Body>(path).map((op) => op["x-permission"]?.kind),
    );
    expect(permissions).not.toContain(undefined);
  });

  it("answers the questions of machines", async () => {
    expect((await send("GET", "/livez", undefined, { bearer: null })).status).toBe(200);
    expect((await send("GET", "/readyz", undefined, { bearer: null })).status).toBe(200);
    expect((await send("GET", "/metrics", undefined, { bearer: null })).body["text"]).toContain(
      "mcpctl_http_requests_total",
    );
    expect((await send("GET", "/version", undefined, { bearer: null })).body).toEqual({ version: expect.any(String) });
  });
});
