import { untilUncontested } from "../support/until-uncontested.ts";
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Body, type Rest, startRest } from "../support/rest.ts";

describe("REST and who may do what, for how long", () => {
  let rest: Rest;
  beforeAll(async () => {
    rest = await startRest(undefined);
  });
  afterAll(() => rest?.[Symbol.asyncDispose]());

  const password = "a password for a test";
  const server = { kind: "Server", metadata: { name: "s" }, spec: { command: "node", replicas: 0 } };

  /** Makes a user with these rights. @returns the bearer of a session. */
  async function userWith(name: string, ...roleBindings: object[]): Promise<string> {
    await rest.send("POST", "/api/v1/users", { kind: "User", metadata: { name }, spec: {} });
    await rest.send("PUT", `/api/v1/users/${name}/password`, { password });
    const spec = { subjects: [{ kind: "User", name }], roleBindings };
    await rest.send("POST", "/api/v1/rbac", { kind: "RbacDefinition", metadata: { name: `of-${name}` }, spec });
    const login = await rest.send("POST", "/api/v1/login", { user: name, password }, { bearer: null });
    return String(login.body["token"]);
  }

  /** Reads a watch line by line. */
  async function watch(bearer: string): Promise<{ next(): Promise<Body>; end(): void }> {
    const abort = new AbortController();
    const headers = { authorization: `Bearer ${bearer}` };
    const response = await fetch(`${rest.url}/api/v1/projects?watch=true`, { headers, signal: abort.signal });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const lines: string[] = [];
    return {
      async next() {
        while (lines.length === 0) {
          const { value = "", done } = (await reader?.read()) ?? { done: true };
          if (done) return { type: "END" };
          lines.push(...value.split("\n").filter((line) => line !== ""));
        }
        return JSON.parse(lines.shift() ?? "") as Body;
      },
      end: () => abort.abort(),
    };
  }
  const createProject = (name: string) =>
    rest.send("POST", "/api/v1/projects", { kind: "Project", metadata: { name }, spec: {} });

  it("ends a watch when the session behind it ends", async () => {
    const bearer = await userWith("watcher", { role: "view", resource: "projects" });
    const watching = await watch(bearer);
    await createProject("seen");
    expect(await watching.next()).toMatchObject({ type: "ADDED", object: { metadata: { name: "seen" } } });
    await rest.send("PUT", "/api/v1/users/watcher/password", { password: "another password" });
    await createProject("unseen");
    expect(await watching.next()).toMatchObject({ type: "ERROR", object: { code: "unauthenticated" } });
    expect(await watching.next()).toEqual({ type: "END" });
    watching.end();
  });

  it("shows a watcher nothing after the right is lost", async () => {
    const bearer = await userWith("former", { role: "view", resource: "projects" });
    const watching = await watch(bearer);
    await rest.send("DELETE", "/api/v1/rbac/of-former");
    await createProject("secret");
    expect(await watching.next()).toMatchObject({ type: "ERROR", object: { code: "forbidden" } });
    watching.end();
  });

  it("takes If-Match seriously when applying, too", async () => {
    await rest.send("POST", "/api/v1/servers", server);
    const apply = (version: string) =>
      rest.send(
        "PATCH",
        "/api/v1/servers/s?fieldManager=m",
        { ...server, metadata: { name: "s", labels: { a: "b" } } },
        {
          headers: { "if-match": `"${version}"` },
        },
      );
    expect(await apply("1")).toMatchObject({ status: 409, body: { code: "conflict" } });
    const applied = await untilUncontested(async () => {
      const { body } = await rest.send("GET", "/api/v1/servers/s");
      return apply(body["metadata"].resourceVersion);
    });
    expect(applied.status).toBe(200);
  });

  it("refuses a query that a path does not know instead of ignoring it", async () => {
    await createProject("dry");
    const token = { kind: "McpToken", metadata: { name: "t", project: "dry" }, spec: {} };
    const minted = await rest.send("POST", "/api/v1/mcptokens?dryRun=server", token);
    expect(minted).toMatchObject({ status: 422, body: { code: "invalid", fields: [{ path: "dryRun" }] } });
    expect((await rest.send("GET", "/api/v1/mcptokens/t?project=dry")).status).toBe(404);
    const unnamed = await rest.send("GET", "/api/v1/mcptokens/t");
    expect(unnamed).toMatchObject({ status: 400, body: { hint: expect.stringContaining("?project=") } });
  });

  it("lets no token hand on, take away or set anything that outlives it", async () => {
    await createProject("lent");
    const minted = await rest.send("POST", "/api/v1/mcptokens", {
      kind: "McpToken",
      metadata: { name: "strong", project: "lent" },
      spec: {},
    });
    const subject = { kind: "McpToken", name: minted.body["status"].sha as string };
    const spec = { subjects: [subject], roleBindings: [{ role: "admin", resource: "*" }] };
    await rest.send("POST", "/api/v1/rbac", { kind: "RbacDefinition", metadata: { name: "strong" }, spec });
    const bearer = String(minted.body["token"]);
    expect((await rest.send("GET", "/api/v1/rbac", undefined, { bearer })).status).toBe(200);
    const group = { kind: "Group", metadata: { name: "g" }, spec: { members: ["admin"] } };
    const attempts = await Promise.all([
      rest.send("DELETE", "/api/v1/rbac/strong", undefined, { bearer }),
      rest.send("POST", "/api/v1/rbac", { kind: "RbacDefinition", metadata: { name: "x" }, spec }, { bearer }),
      rest.send("POST", "/api/v1/groups", group, { bearer }),
      rest.send("PUT", "/api/v1/users/admin/password", { password }, { bearer }),
      rest.send("POST", "/api/v1/mcptokens", { ...minted.body, metadata: { name: "y", project: "lent" } }, { bearer }),
    ]);
    expect(attempts.map(({ status }) => status)).toEqual([403, 403, 403, 403, 422]);
  });

  it("keeps somebody who may do everything", async () => {
    const refused = { status: 409, body: { code: "conflict", hint: expect.any(String) } };
    expect(await rest.send("DELETE", "/api/v1/rbac/admin")).toMatchObject(refused);
    const { body } = await rest.send("GET", "/api/v1/rbac/admin");
    const weaker = { ...body, spec: { ...body["spec"], roleBindings: [{ role: "view", resource: "*" }] } };
    expect(await rest.send("PUT", "/api/v1/rbac/admin", weaker)).toMatchObject(refused);

    await userWith("second-admin", { role: "admin", resource: "*" });
    expect((await rest.send("DELETE", "/api/v1/rbac/of-second-admin")).status).toBe(200);
  });

  it("answers even what the framework refuses as a problem", async () => {
    const answers = await Promise.all(
      ["/api/v1/servers/%zz", `/api/v1/servers/${"x".repeat(400)}`].map((path) => rest.send("GET", path)),
    );
    for (const { body, type } of answers) {
      expect(type).toContain("application/problem+json");
      expect(body).toMatchObject({ code: "bad-request", requestId: expect.any(String) });
    }
  });

  it("stops within seconds although a client holds back half a request", async () => {
    const other = await startRest(undefined);
    const { port, hostname } = new URL(other.url);
    const socket = connect(Number(port), hostname).on("error", () => {});
    await once(socket, "connect");
    socket.write(
      "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    const startedAt = Date.now();
    await other[Symbol.asyncDispose]();
    expect(Date.now() - startedAt).toBeLessThan(12_000);
    socket.destroy();
  });
});
