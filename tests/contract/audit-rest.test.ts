import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startPostgres } from "../support/postgres.ts";
import { type Body, type Rest, startRest } from "../support/rest.ts";

const postgres = await startPostgres();
afterAll(() => postgres[Symbol.asyncDispose]());

const PASSWORD = "a password for a test";
const SHA = "cd".repeat(32);

const shipped = (id: string, event: Body = {}) => ({
  id,
  time: "2026-11-28T01:02:03.004Z",
  tokenName: "agent",
  tokenSha: SHA,
  user: "ada",
  project: "demo",
  verb: "tools/call",
  server: "files",
  tool: "read",
  outcome: "ok",
  durationMs: 1.25,
  requestBytes: 100,
  replyBytes: 200,
  ...event,
});

describe.each(["postgresql", "pglite"] as const)("the audit trail over REST, on %s", (engine) => {
  let rest: Rest;
  let databaseUrl: string | undefined;
  beforeAll(async () => {
    databaseUrl = engine === "postgresql" ? await postgres.createDatabase() : undefined;
    rest = await startRest(databaseUrl);
  });
  afterAll(() => rest?.[Symbol.asyncDispose]());

  async function userWith(name: string, ...roleBindings: object[]): Promise<string> {
    await rest.send("POST", "/api/v1/users", { kind: "User", metadata: { name }, spec: {} });
    await rest.send("PUT", `/api/v1/users/${name}/password`, { password: PASSWORD });
    const spec = { subjects: [{ kind: "User", name }], roleBindings };
    await rest.send("POST", "/api/v1/rbac", { kind: "RbacDefinition", metadata: { name: `of-${name}` }, spec });
    const login = await rest.send("POST", "/api/v1/login", { user: name, password: PASSWORD }, { bearer: null });
    return String(login.body["token"]);
  }
  const list = async (query: string) => (await rest.send("GET", `/api/v1/audit?${query}`)).body["items"] as Body[];
  const ship = (events: unknown[], bearer?: string) =>
    rest.send("POST", "/api/v1/audit/events", { events }, bearer === undefined ? {} : { bearer });

  it("shows who did what by which right, and is whole", async () => {
    const bearer = await userWith("ada", { role: "create", resource: "projects" });
    const project = { kind: "Project", metadata: { name: "audited" }, spec: {} };
    const headers = { "x-request-id": "request-of-ada" };
    await rest.send("POST", "/api/v1/projects", project, { bearer, headers });
    await rest.send("POST", "/api/v1/logout", undefined, { bearer });
    const rows = await list("user=ada");
    expect(rows.map(({ verb, decision }) => `${verb} ${decision}`)).toEqual([
      "logout allow",
      "create allow",
      "login allow",
    ]);
    expect(rows[1]).toEqual({
      seq: expect.any(Number),
      id: expect.any(String),
      time: expect.any(String),
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      requestId: "request-of-ada",
      principal: "User:ada",
      user: "ada",
      verb: "create",
      resource: "projects",
      name: "audited",
      decision: "allow",
      decidedBy: "of-ada: create projects",
      outcome: "success",
      count: 1,
      durationMs: expect.any(Number),
      requestBytes: JSON.stringify(project).length,
    });
    const { body } = await rest.send("GET", "/api/v1/audit/verify");
    expect(body).toEqual({
      through: body["rows"],
      isComplete: true,
      rows: expect.any(Number),
      checkpoints: 0,
      outside: 0,
    });
  });

  it("keeps each event of a gateway once, in its order, and says which it has", async () => {
    const first = await ship([shipped("g-1"), shipped("g-2", { outcome: "tool-error" }), shipped("g-1")]);
    expect(first.body).toEqual({ stored: 2, duplicates: 0, rejected: [] });
    const denied = shipped("g-3", {
      server: undefined,
      outcome: "error",
      code: "not-found",
      tool: `no\u0000pe${"x".repeat(5_000)}\ud800`,
    });
    const failed = shipped("g-4", { outcome: "error", code: "upstream-timeout" });
    const second = await ship([shipped("g-2", { tool: "forged" }), denied, failed, { id: "g-5" }, 7]);
    expect(second.body).toEqual({
      stored: 3,
      duplicates: 1,
      rejected: [
        { at: 3, message: expect.stringContaining("time") },
        { at: 4, message: expect.any(String) },
      ],
    });
    const rows = await list(`token=${SHA.slice(0, 12)}`);
    expect(
      rows.map(({ id, tool, decision, outcome, code }) => [id, tool.slice(0, 5), decision, outcome, code]),
    ).toEqual([
      ["g-4", "read", "allow", "failure", "upstream-timeout"],
      ["g-3", "no\ufffdpe", "deny", "failure", "not-found"],
      ["g-2", "read", "allow", "failure", "tool-error"],
      ["g-1", "read", "allow", "success", undefined],
    ]);
    expect(rows.at(-1)).toMatchObject({
      time: "2026-11-28T01:02:03.004Z",
      receivedAt: expect.any(String),
      source: "User:admin",
      principal: "McpToken:demo/agent",
      user: "ada",
      resource: "tools",
      durationMs: 1.25,
      requestBytes: 100,
      replyBytes: 200,
    });
    expect((await rest.send("GET", "/api/v1/audit/verify")).body).not.toHaveProperty("bad");
  });

  it("stores a batch once that is sent by several at the same time", async () => {
    const batch = Array.from({ length: 200 }, (_, at) => shipped(`many-${at}`, { project: "many" }));
    const answers = await Promise.all(Array.from({ length: 5 }, () => ship(batch)));
    expect(answers.map(({ body }) => body["duplicates"] as number).toSorted((a, b) => a - b)).toEqual([
      0, 200, 200, 200, 200,
    ]);
    expect((await list("project=many&limit=500")).map(({ id }) => id)).toEqual(batch.map(({ id }) => id).toReversed());
  });

  it("lets only auditors read and only gateways write, and a gateway read nothing", async () => {
    const auditor = await userWith("auditor", { role: "run", action: "audit" });
    const gateway = await userWith("gateway", { role: "run", action: "ship-audit" });
    const editor = await userWith("editor", { role: "edit", resource: "*" });
    const asks = async (bearer: string | null) => [
      (await rest.send("GET", "/api/v1/audit", undefined, { bearer })).status,
      (await rest.send("GET", "/api/v1/audit/verify", undefined, { bearer })).status,
      (await rest.send("POST", "/api/v1/audit/events", { events: [] }, { bearer })).status,
    ];
    expect(await asks(auditor)).toEqual([200, 200, 403]);
    expect(await asks(gateway)).toEqual([403, 403, 200]);
    expect(await asks(editor)).toEqual([403, 403, 403]);
    expect(await asks(null)).toEqual([401, 401, 401]);
  });

  it("makes one row with a count of a flood of equal denials", async () => {
    const bearer = await userWith("flooder", { role: "view", resource: "groups" });
    const attempts = Array.from({ length: 40 }, (_, at) =>
      rest.send("DELETE", `/api/v1/servers/s-${at}`, undefined, { bearer }),
    );
    await Promise.all(attempts);
    const wrong = () => rest.send("GET", "/api/v1/groups", undefined, { bearer: `mcpctl_ses_${"x".repeat(43)}` });
    for (let turn = 0; turn < 30; turn += 1) expect((await wrong()).status).toBe(401);
    const count = async (query: string) => {
      const rows = await list(`decision=deny&limit=500&${query}`);
      return { rows: rows.length, denials: rows.reduce((sum, row) => sum + Number(row["count"]), 0) };
    };
    await vi.waitFor(async () => expect((await count("user=flooder&verb=delete")).denials).toBe(40), 12_000);
    expect((await count("user=flooder&verb=delete")).rows).toBeLessThanOrEqual(10);
    await vi.waitFor(async () => expect((await count("verb=list&resource=groups")).denials).toBe(30), 12_000);
    expect((await count("verb=list&resource=groups")).rows).toBeLessThanOrEqual(10);
    const [row] = await list("verb=list&resource=groups");
    expect(row).toMatchObject({ principal: "User:anonymous", source: "127.0.0.1", decidedBy: "no valid bearer" });
  }, 40_000);

  it("refuses what no row can be found by", async () => {
    for (const query of ["since=yesterday", "decision=maybe", "limit=501", "continue=x", "colour=red"]) {
      expect((await rest.send("GET", `/api/v1/audit?${query}`)).status, query).toBe(422);
    }
  });
});

describe("an mcpd that stops and starts", () => {
  it("signs the trail at its end, for its owner alone, and checks what it has signed", async () => {
    const databaseUrl = await postgres.createDatabase();
    await using first = await startRest(databaseUrl, { keepsDataDir: true });
    await first[Symbol.asyncDispose]();
    const key = join(first.dataDir, "audit.key");
    expect((await stat(key)).mode & 0o777).toBe(0o600);
    const lines = (await readFile(join(first.dataDir, "audit-checkpoints.jsonl"), "utf8")).trimEnd().split("\n");
    expect(lines).toHaveLength(1);
    const dump = await postgres.query(databaseUrl, "select string_agg(a::text, '') from audit_checkpoints a");
    expect(dump).not.toContain((await readFile(key, "utf8")).trim());

    await using second = await startRest(databaseUrl, { dataDir: first.dataDir });
    const verified = await second.send("GET", "/api/v1/audit/verify");
    expect(verified.body).toMatchObject({ isComplete: true, checkpoints: 1, outside: 1 });
    expect(verified.body).not.toHaveProperty("bad");
    const { seq } = JSON.parse(lines[0] ?? "") as { seq: number };
    await postgres.query(databaseUrl, `delete from audit_events where seq = ${seq}`);
    const broken = await second.send("GET", "/api/v1/audit/verify");
    expect(broken.body["bad"]).toMatchObject({ seq, fault: "missing" });
  });
});
