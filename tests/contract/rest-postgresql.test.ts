import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startPostgres } from "../support/postgres.ts";
import { type Rest, startRest } from "../support/rest.ts";

const postgres = await startPostgres();
afterAll(() => postgres[Symbol.asyncDispose]());

/** What can only be seen by looking into the database behind mcpd's back. */
describe("REST and what it leaves in the database", () => {
  let rest: Rest;
  let databaseUrl: string;
  beforeAll(async () => {
    databaseUrl = await postgres.createDatabase();
    rest = await startRest(databaseUrl);
  });
  afterAll(() => rest?.[Symbol.asyncDispose]());

  const sql = (text: string) => postgres.query(databaseUrl, text);
  const server = (name: string) => ({ kind: "Server", metadata: { name }, spec: { command: "node", replicas: 0 } });
  const audited = (filter: string) =>
    sql(`select principal, verb, decision, decided_by from audit_events where ${filter} order by verb`);

  it("writes one audit row with every mutation", async () => {
    await rest.send("POST", "/api/v1/servers", server("audited"));
    await rest.send("DELETE", "/api/v1/servers/audited");
    expect((await audited("name = 'audited'")).trim().split("\n")).toEqual([
      "User:admin|create|allow|admin: admin *",
      "User:admin|delete|allow|admin: admin *",
    ]);
  });

  it("writes one for a denial and for a login that failed", async () => {
    await rest.send("POST", "/api/v1/users", { kind: "User", metadata: { name: "nobody" }, spec: {} });
    await rest.send("PUT", "/api/v1/users/nobody/password", { password: "nobody's password" });
    const login = (password: string) =>
      rest.send("POST", "/api/v1/login", { user: "nobody", password }, { bearer: null });
    expect((await login("not nobody's password")).status).toBe(401);
    const bearer = String((await login("nobody's password")).body["token"]);
    expect((await rest.send("DELETE", "/api/v1/servers/any", undefined, { bearer })).status).toBe(404);
    expect((await audited("principal = 'User:nobody'")).trim().split("\n")).toEqual([
      "User:nobody|delete|deny|no binding grants it",
      expect.stringMatching(/^User:nobody\|login\|(allow\|password|deny\|wrong user or password)$/),
      expect.stringMatching(/^User:nobody\|login\|(allow\|password|deny\|wrong user or password)$/),
    ]);
  });

  it("writes one for whatever people do to their own account, and none for what was only slowed down", async () => {
    const [password, next] = ["somebody's password", "somebody's next password"];
    await rest.send("POST", "/api/v1/users", { kind: "User", metadata: { name: "somebody" }, spec: {} });
    await rest.send("PUT", "/api/v1/users/somebody/password", { password });
    const login = (given: string) =>
      rest.send("POST", "/api/v1/login", { user: "somebody", password: given }, { bearer: null });
    const bearer = String((await login(password)).body["token"]);
    const change = (oldPassword: string) =>
      rest.send("PUT", "/api/v1/password", { oldPassword, password: next }, { bearer });
    expect((await change("not the old one")).status).toBe(403);
    const { body } = await change(password);
    await rest.send("DELETE", "/api/v1/sessions", undefined, { bearer: String(body["token"]) });
    expect((await audited("principal = 'User:somebody'")).split("\n")).toEqual([
      "User:somebody|login|allow|password",
      "User:somebody|logout-all|allow|authenticated",
      expect.stringMatching(/^User:somebody\|set-password\|(allow\|authenticated|deny\|The old password is wrong)$/),
      expect.stringMatching(/^User:somebody\|set-password\|(allow\|authenticated|deny\|The old password is wrong)$/),
    ]);
    const statuses: number[] = [];
    while (!statuses.includes(429)) statuses.push((await login(`guess ${statuses.length}`)).status);
    const failed = "decided_by = 'wrong user or password' and principal = 'User:somebody'";
    // Equal failures of some seconds are one row with their count.
    await vi.waitFor(
      async () => {
        const counted = await sql(`select sum(count) from audit_events where ${failed}`);
        expect(counted).toBe(String(statuses.length - 1));
      },
      { timeout: 15_000, interval: 500 },
    );
  }, 30_000);

  it("writes one for a refusal that is decided inside the transaction", async () => {
    const spec = {
      subjects: [{ kind: "User", name: "nobody" }],
      roleBindings: [{ role: "edit", resource: "servers" }],
    };
    await rest.send("POST", "/api/v1/rbac", { kind: "RbacDefinition", metadata: { name: "nobodys" }, spec });
    const user = { user: "nobody", password: "nobody's password" };
    const bearer = String((await rest.send("POST", "/api/v1/login", user, { bearer: null })).body["token"]);
    expect((await rest.send("POST", "/api/v1/servers", server("code"), { bearer })).status).toBe(403);
    expect(await audited("principal = 'User:nobody' and verb = 'create'")).toMatch(
      /^User:nobody\|create\|deny\|You cannot set/,
    );
  });

  it("changes nothing that cannot be audited", async () => {
    await sql("alter table audit_events rename to hidden");
    const refused = await rest.send("POST", "/api/v1/servers", server("unaudited"));
    await sql("alter table hidden rename to audit_events");
    expect(refused).toMatchObject({ status: 500, body: { code: "internal", detail: "Unexpected error" } });
    expect((await rest.send("GET", "/api/v1/servers/unaudited")).status).toBe(404);
  });

  it("answers a watch from a version whose changes are forgotten with 410", async () => {
    const { body } = await rest.send("GET", "/api/v1/servers");
    await sql(`update revision set pruned = ${body["metadata"].resourceVersion}`);
    const old = await rest.send("GET", "/api/v1/servers?watch=true&resourceVersion=1");
    expect(old).toMatchObject({ status: 410, body: { code: "resource-version-too-old", hint: expect.any(String) } });
  });

  it("stores no bearer and no password", async () => {
    await rest.send("POST", "/api/v1/projects", { kind: "Project", metadata: { name: "p" }, spec: {} });
    const token = { kind: "McpToken", metadata: { name: "t", project: "p" }, spec: {} };
    const raw = String((await rest.send("POST", "/api/v1/mcptokens", token)).body["token"]);
    const tables = [
      "resources",
      "changes",
      "sessions",
      "mcp_tokens",
      "credentials",
      "audit_events",
      "audit_checkpoints",
    ];
    // People paste what they have in their hands.
    const bearer = String(
      (await rest.send("POST", "/api/v1/login", { user: "nobody", password: "nobody's password" })).body["token"],
    );
    const headers = { "x-request-id": raw };
    await rest.send("DELETE", `/api/v1/groups/${raw}`, undefined, { bearer, headers });
    await rest.send("DELETE", `/api/v1/groups/a%00b`, undefined, { bearer });
    await rest.send("POST", "/api/v1/login", { user: raw, password: raw }, { bearer: null });
    const event = {
      id: "x",
      time: "2026-01-01T00:00:00Z",
      tokenName: raw,
      tokenSha: "",
      user: raw,
      project: raw,
      verb: "tools/call",
      tool: raw,
      outcome: "ok",
      durationMs: 0,
      requestBytes: 0,
      replyBytes: 0,
    };
    await rest.send("POST", "/api/v1/audit/events", { events: [event] });
    const dump = (await Promise.all(tables.map((table) => sql(`select t::text from ${table} t`)))).join("\n");
    expect(dump).toContain("mcptokens");
    expect(dump.match(/mcpctl_pat_\.\.\./g)?.length).toBeGreaterThan(5);
    for (const secret of [raw, rest.admin, bearer, "nobody's password", "an admin password"])
      expect(dump).not.toContain(secret);
  });
});
