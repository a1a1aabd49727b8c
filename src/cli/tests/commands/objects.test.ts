import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { beforeEach, afterEach, describe, expect, it } from "vitest";
import { type FakeApi, startFakeApi } from "../fakes/fake-api.ts";
import { type RunOptions, runMcpctl, temporaryDirectory } from "../fakes/run-mcpctl.ts";

let api: FakeApi;
beforeEach(async () => {
  api = await startFakeApi({ pageSize: 2 });
});
afterEach(() => api[Symbol.asyncDispose]());

function run(line: string, options: RunOptions = {}) {
  return runMcpctl(line, { server: api.url, ...options });
}

function requests(): string[] {
  return api.received.map(({ method, path }) => `${method} ${path}`);
}

const server = (name: string) => `kind: Server\nmetadata: { name: ${name} }\nspec: { command: node }\n`;
const project = (name: string) => `kind: Project\nmetadata: { name: ${name} }\nspec: { servers: [files] }\n`;

describe("apply", () => {
  it("sends exactly what was written, in the order of dependencies", async () => {
    const stdin = `${project("demo")}---\nkind: RbacDefinition\nmetadata: { name: r }\nspec: {}\n---\n${server("files")}`;
    const { out, code } = await run("apply -f -", { stdin });
    expect(out).toEqual(["server/files created", "project/demo created", "rbac/r created"]);
    expect(code).toBe(0);
    expect(requests()[0]).toBe("PATCH /api/v1/servers/files?fieldManager=mcpctl-apply");
    expect(api.received[0]).toMatchObject({
      contentType: "application/apply-patch+json",
      body: { kind: "Server", metadata: { name: "files" }, spec: { command: "node" } },
    });
  });

  it("says unchanged the second time, and takes back what get prints", async () => {
    await run("apply -f -", { stdin: server("a") });
    expect((await run("apply -f -", { stdin: server("a") })).out).toEqual(["server/a unchanged"]);
    await run("apply -f -", { stdin: server("b") });
    for (const format of ["yaml", "json"]) {
      const printed = await run(`get servers -o ${format}`);
      const { out } = await run("apply -f -", { stdin: printed.out.join("\n") });
      expect(out).toEqual(["server/a unchanged", "server/b unchanged"]);
    }
  });

  it("passes on the field manager, force and the dry run", async () => {
    const { out } = await run("apply -f - --field-manager ci --force-conflicts --dry-run=server", {
      stdin: server("a"),
    });
    expect(out).toEqual(["server/a created (server dry run)"]);
    expect(requests()).toEqual(["PATCH /api/v1/servers/a?fieldManager=ci&force=true&dryRun=server"]);
    expect(api.names("servers")).toEqual([]);
  });

  it("needs neither server nor login for a client dry run", async () => {
    const { out, code } = await run("apply -f - --dry-run=client", { stdin: server("a"), token: undefined });
    expect([out, code]).toEqual([["server/a valid (client dry run)"], 0]);
    expect(requests()).toEqual([]);
  });

  it("sends nothing when any document is wrong", async () => {
    const { code } = await run("apply -f -", { stdin: `${server("a")}---\n${server("B")}` });
    expect([code, requests()]).toEqual([2, []]);
  });

  it("reports each failure, goes on, and exits with the code of the first", async () => {
    const fields = [{ path: "spec.command", message: "owned by deploy" }];
    api.fail(
      "PATCH",
      "/api/v1/servers/a",
      new McpctlError("conflict", "Other managers own fields", { hint: "--force-conflicts", fields }),
    );
    api.fail("PATCH", "/api/v1/servers/b", new McpctlError("forbidden", "no"));
    const { out, err, code } = await run("apply -f -", { stdin: ["a", "b", "c"].map(server).join("---\n") });
    expect(out).toEqual(["server/c created"]);
    expect(err).toEqual([
      "Error (conflict): server/a: Other managers own fields",
      "  spec.command: owned by deploy",
      "Hint: --force-conflicts",
      "Error (forbidden): server/b: no",
    ]);
    expect(code).toBe(7);
  });

  it("stops when nothing more can succeed", async () => {
    const { err, code } = await run("apply -f -", {
      stdin: `${server("a")}---\n${server("b")}`,
      token: "mcpctl_ses_old",
    });
    expect([err[0], code, requests().length]).toEqual(["Error (unauthenticated): No valid session", 3, 1]);
  });

  it("refuses tokens, and kinds that mcpd writes itself", async () => {
    const token = await run("apply -f -", {
      stdin: "kind: McpToken\nmetadata: { name: agent, project: demo }\nspec: {}\n",
    });
    expect(token.err).toEqual([
      'Error (invalid): McpToken "agent" cannot come from a file: it is made once',
      "Hint: Create it with: mcpctl create mcptoken agent",
    ]);
    const instance = await run("apply -f -", {
      stdin: "kind: Instance\nmetadata: { name: a-0 }\nspec: { server: a, index: 0 }\n",
    });
    expect(instance.err[0]).toMatch(/cannot come from a file: mcpd itself writes it/);
    expect([token.code, instance.code, requests()]).toEqual([2, 2, []]);
  });
});

describe("-f", () => {
  it("reads files and directories, the latter sorted and not deeper unless told to", async () => {
    await using directory = await temporaryDirectory();
    await mkdir(join(directory.path, "deep"));
    await writeFile(join(directory.path, "b.yaml"), server("b"));
    await writeFile(join(directory.path, "a.yml"), server("a"));
    await writeFile(
      join(directory.path, "c.json"),
      JSON.stringify({ kind: "Server", metadata: { name: "c" }, spec: { command: "x" } }),
    );
    await writeFile(join(directory.path, "deep", "d.yaml"), server("d"));
    await writeFile(join(directory.path, "notes.txt"), "not: [a manifest");
    await symlink(join(directory.path, "deep"), join(directory.path, "link"));
    const flat = await run(`apply --dry-run=client -f ${directory.path}`);
    expect(flat.out.map((line) => line.split(" ")[0])).toEqual(["server/a", "server/b", "server/c"]);
    const deep = await run(`apply --dry-run=client -R -f ${directory.path}`);
    expect(deep.out.map((line) => line.split(" ")[0])).toEqual(["server/a", "server/b", "server/c", "server/d"]);
    const several = await run(`apply --dry-run=client -f ${join(directory.path, "b.yaml")} -f -`, {
      stdin: server("z"),
    });
    expect(several.out.map((line) => line.split(" ")[0])).toEqual(["server/b", "server/z"]);
  });

  it("refuses a directory without manifests, and standard input twice", async () => {
    await using directory = await temporaryDirectory();
    expect((await run(`apply -f ${directory.path}`)).err).toEqual([
      `Error (invalid): ${directory.path} holds no .yaml, .yml or .json file`,
      "Hint: Read the directories inside it too with: -R",
    ]);
    expect((await run("apply -f - -f -")).err[0]).toMatch(/Standard input can be read only once/);
  });
});

describe("create", () => {
  it.each<[line: string, plural: string, body: object]>([
    [
      "create server files --npm @a/b --version 1.2.3 --arg ./docs --arg -y --arg=--flag --env A=b=c --env B=",
      "servers",
      {
        metadata: { name: "files" },
        spec: {
          package: { npm: "@a/b", version: "1.2.3" },
          args: ["./docs", "-y", "--flag"],
          env: [
            { name: "A", value: "b=c" },
            { name: "B", value: "" },
          ],
        },
      },
    ],
    [
      "create srv n --command node --replicas 0",
      "servers",
      { metadata: { name: "n" }, spec: { command: "node", replicas: 0 } },
    ],
    [
      "create server s --url https://x.example/mcp --header X-A=1",
      "servers",
      { metadata: { name: "s" }, spec: { url: "https://x.example/mcp", headers: [{ name: "X-A", value: "1" }] } },
    ],
    ["create project demo", "projects", { metadata: { name: "demo" }, spec: {} }],
    [
      "create project demo --server a --server b --naming transparent",
      "projects",
      { metadata: { name: "demo" }, spec: { servers: ["a", "b"], naming: "transparent" } },
    ],
    ["create group devs --member a@b.c", "groups", { metadata: { name: "devs" }, spec: { members: ["a@b.c"] } }],
    [
      "create rbac dev --subject User:alice@test.com --subject Group:devs --roleBindings role:edit,resource:srv --roleBindings action:logs",
      "rbac",
      {
        metadata: { name: "dev" },
        spec: {
          subjects: [
            { kind: "User", name: "alice@test.com" },
            { kind: "Group", name: "devs" },
          ],
          roleBindings: [
            { role: "edit", resource: "servers" },
            { role: "run", action: "logs" },
          ],
        },
      },
    ],
  ])("%s", async (line, plural, body) => {
    const { code, out, err } = await run(line);
    expect({ code, err }).toEqual({ code: 0, err: [] });
    expect(out).toEqual([expect.stringMatching(/^[a-z]+\/[a-z]+ created$/)]);
    expect(requests()).toEqual([`POST /api/v1/${plural}`]);
    expect(api.received[0]?.body).toEqual({ apiVersion: "mcpctl.io/v1", kind: expect.any(String), ...body });
  });

  it("creates what files hold, and fails for what exists", async () => {
    api.put("servers", { metadata: { name: "files" }, spec: { command: "node" } });
    const { out, err, code } = await run("create -f -", { stdin: `${project("demo")}---\n${server("files")}` });
    expect([out, err, code]).toEqual([
      ["project/demo created"],
      ['Error (already-exists): server "files" exists already'],
      7,
    ]);
  });

  it("refuses by the schema of the kind before anything is sent", async () => {
    const { err, code } = await run("create server S --url http://x");
    expect([err[0], code, requests()]).toEqual([
      expect.stringMatching(/server "S" is invalid: metadata\.name: must consist/),
      2,
      [],
    ]);
  });

  it("sets the password of a user that it created, from standard input", async () => {
    const { out, err } = await run("create user bob --display-name Bob --password-stdin", {
      stdin: "long enough pw\n",
    });
    expect([out, err]).toEqual([["user/bob created"], []]);
    expect(requests()).toEqual(["POST /api/v1/users", "PUT /api/v1/users/bob/password"]);
    expect(api.received[1]?.body).toEqual({ password: "long enough pw" });
  });

  it("creates no user for whom the password is too short", async () => {
    const { code, err } = await run("create user bob --password-stdin", { stdin: "secret\n" });
    expect([code, requests(), err.join()]).toEqual([2, [], expect.not.stringContaining("secret")]);
  });

  it("prints a token alone on stdout, and the talk on stderr", async () => {
    const { out, err } = await run("create mcptoken agent --ttl 30d", { project: "demo" });
    expect(out).toEqual(["mcpctl_pat_minted"]);
    expect(err.join()).not.toContain("mcpctl_pat_minted");
    expect(api.received[0]?.body).toMatchObject({
      metadata: { name: "agent", project: "demo" },
      spec: { ttl: "30d", rbac: "empty" },
    });
  });
});

describe("get", () => {
  it("follows the pages", async () => {
    for (const name of ["a", "b", "c", "d", "e"]) api.put("servers", { metadata: { name }, spec: { command: "x" } });
    expect((await run("get servers -o name")).out).toEqual([
      "server/a",
      "server/b",
      "server/c",
      "server/d",
      "server/e",
    ]);
  });

  it("asks for the project of objects that have one, and for no other", async () => {
    await run("get mcptokens,servers", { project: "env" });
    await run("get mcptokens -p flag", { project: "env" });
    await run("get mcptoken agent", { project: "env" });
    expect(requests().map((line) => line.replace("limit=500", ""))).toEqual([
      "GET /api/v1/mcptokens?project=env&",
      "GET /api/v1/servers?",
      "GET /api/v1/mcptokens?project=flag&",
      "GET /api/v1/mcptokens/agent?project=env",
    ]);
  });

  it("passes the selector on without its spaces", async () => {
    await runMcpctl(["get", "servers", "-l", "a = b, c=d"], { server: api.url });
    expect(requests()).toEqual(["GET /api/v1/servers?labelSelector=a%3Db%2Cc%3Dd&limit=500"]);
  });

  it("prints one object alone, and anything else as a list", async () => {
    api.put("servers", { metadata: { name: "a" }, spec: { command: "x" } });
    const kindOf = async (line: string) => (JSON.parse((await run(line)).out.join("")) as { kind: string }).kind;
    expect(await kindOf("get server a -o json")).toBe("Server");
    expect(await kindOf("get server/a -o json")).toBe("Server");
    expect(await kindOf("get servers -o json")).toBe("List");
    expect(await kindOf("get servers,projects -o json")).toBe("List");
  });

  it("shows a dash where an object of another version lacks what a column reads", async () => {
    api.put("projects", { metadata: { name: "odd" }, spec: 5 });
    const { out, code } = await run("get projects");
    expect([out[1], code]).toEqual(["odd    -         -        25h", 0]);
  });
});

describe("delete and revoke", () => {
  it("delete what a file names, the last first, even when the rest of the file is out of date", async () => {
    api.put("servers", { metadata: { name: "files" }, spec: { command: "x" } });
    api.put("projects", { metadata: { name: "demo" }, spec: {} });
    const stdin = `kind: Server\nmetadata: { name: files }\nspec: { bogus: 1 }\n---\n${project("demo")}`;
    const { out } = await run("delete -f -", { stdin });
    expect(out).toEqual(["project/demo deleted", "server/files deleted"]);
  });

  it("go on after an object that is missing", async () => {
    api.put("servers", { metadata: { name: "b" }, spec: { command: "x" } });
    const { out, err, code } = await run("delete servers a b");
    expect([out, err[0], code]).toEqual([["server/b deleted"], 'Error (not-found): server "a" not found', 1]);
  });

  it("address tokens by their project", async () => {
    api.put("mcptokens", { metadata: { name: "agent", project: "demo" }, spec: {} });
    expect((await run("revoke token agent -p demo")).out).toEqual(["mcptoken/agent revoked"]);
    expect((await run("delete mcptoken/agent", { project: "demo" })).out).toEqual(["mcptoken/agent deleted"]);
    expect(requests()).toEqual([
      "POST /api/v1/mcptokens/agent/revoke?project=demo",
      "DELETE /api/v1/mcptokens/agent?project=demo",
    ]);
  });

  it("delete by file takes the project from the manifest", async () => {
    api.put("mcptokens", { metadata: { name: "agent", project: "demo" }, spec: {} });
    const stdin = "kind: McpToken\nmetadata: { name: agent, project: demo }\nspec: {}\n";
    expect((await run("delete -f -", { stdin, project: "other" })).out).toEqual(["mcptoken/agent deleted"]);
  });
});

describe("describe", () => {
  it("shows the object even to those who may not list events", async () => {
    api.put("servers", { metadata: { name: "a" }, spec: { command: "x" } });
    api.fail("GET", "/api/v1/events", new McpctlError("forbidden", "no"));
    const { out, code } = await run("describe server a");
    expect([out.at(-1), code]).toEqual(["  not shown: you may not list events", 0]);
  });
});

it("an interrupted command exits with 130 and prints no error", async () => {
  const signal = AbortSignal.abort(new Error("Ctrl-C"));
  const { code, out, err } = await run("get servers,projects", { signal });
  expect({ code, out, err }).toEqual({ code: 130, out: [], err: [] });
});
