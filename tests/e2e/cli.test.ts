import { afterAll, beforeAll, describe, expect } from "vitest";
import { eventually } from "../support/processes.ts";
import { type Stack, startStack } from "./support/stack.ts";
import { verifies } from "./support/verifies.ts";

describe("the command line against a real control plane", () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack?.[Symbol.asyncDispose]());

  const server = (name: string, spec: string) => `kind: Server\nmetadata: { name: ${name} }\nspec: ${spec}\n`;

  verifies("cli:apply-again", async () => {
    const file = await stack.write("twice.yaml", server("twice", "{ command: node, replicas: 0 }"));
    expect((await stack.mcpctl(["apply", "-f", file])).stdout).toBe("server/twice created\n");
    expect((await stack.mcpctl(["apply", "-f", file])).stdout).toBe("server/twice unchanged\n");
    await stack.write("twice.yaml", server("twice", "{ command: node, replicas: 0, args: [x] }"));
    expect((await stack.mcpctl(["apply", "-f", file])).stdout).toBe("server/twice configured\n");
    const { stdout: yaml } = await stack.mcpctl(["get", "server", "twice", "-o", "yaml"]);
    const again = await stack.mcpctl(["apply", "-f", "-"], { stdin: yaml });
    expect(again).toMatchObject({ exitCode: 0, stdout: "server/twice unchanged\n" });
  });

  verifies("cli:yaml-error", async () => {
    const file = await stack.write(
      "broken.yaml",
      `${server("good", "{ command: node, replicas: 0 }")}---\nkind: Server\nmetadata: { name: bad\n`,
    );
    const failed = await stack.mcpctl(["apply", "-f", file]);
    expect(failed.exitCode).toBe(2);
    expect(failed.stderr).toMatch(/broken\.yaml:\d+:\d+: /);
    expect(await stack.mcpctl(["get", "server", "good"])).toMatchObject({ exitCode: 1 });
  });

  verifies("cli:unknown-field", async () => {
    const field = await stack.write("field.yaml", server("typo", "{ comand: node }"));
    const failed = await stack.mcpctl(["apply", "-f", field]);
    expect(failed.exitCode).toBe(2);
    expect(failed.stderr).toMatch(/field\.yaml:3:\d+: .*comand/);
    expect(failed.stderr).toContain('Did you mean "command"?');
    const kind = await stack.write("kind.yaml", "kind: Sever\nmetadata: { name: x }\nspec: {}\n");
    const unknown = await stack.mcpctl(["apply", "-f", kind]);
    expect(unknown.exitCode).toBe(2);
    expect(unknown.stderr).toContain('Did you mean "Server"?');
    const dangling = await stack.mcpctl(["create", "project", "p", "--server", "evrything"]);
    expect(dangling.exitCode).toBe(2);
    expect(dangling.stderr).toContain('Did you mean "everything"?');
  });

  verifies("cli:failing-server", async () => {
    const script = "console.error('cannot find the frobnicator'); process.exit(3)";
    const create = ["create", "server", "failing", "--command", process.execPath, "--arg", "-e", "--arg", script];
    expect(await stack.mcpctl(create)).toMatchObject({ exitCode: 0 });
    await eventually(
      async () => (await stack.mcpctl(["describe", "server", "failing"])).stdout.includes("CrashLoopBackOff"),
      "the server is seen to fail",
      30_000,
    );
    const { stdout } = await stack.mcpctl(["describe", "server", "failing"]);
    expect(stdout).toContain("cannot find the frobnicator");
    expect(stdout).toContain("Warning");
    expect(await stack.mcpctl(["delete", "server", "failing"])).toMatchObject({ exitCode: 0 });
  });

  verifies("cli:login", async () => {
    const password = "a long enough password";
    const create = ["create", "user", "alice@test.com", "--password-stdin"];
    expect(await stack.mcpctl(create, { stdin: `${password}\n` })).toMatchObject({ exitCode: 0 });
    const env = { MCPCTL_TOKEN: "" };
    const login = ["login", "--user", "alice@test.com", "--password-stdin"];
    expect(await stack.mcpctl(login, { env, stdin: "wrong password!\n" })).toMatchObject({ exitCode: 3 });
    const ok = await stack.mcpctl(login, { env, stdin: `${password}\n` });
    expect(ok).toMatchObject({ exitCode: 0 });
    expect(ok.stdout + ok.stderr).not.toContain("mcpctl_ses_");
    expect((await stack.mcpctl(["auth", "whoami"], { env })).stdout).toContain("alice@test.com");
    expect(await stack.mcpctl(["get", "servers"], { env })).toMatchObject({ exitCode: 6 });
    const grant = [
      "create",
      "rbac",
      "alice",
      "--subject",
      "User:alice@test.com",
      "--roleBindings",
      "role:view,resource:servers,name:files",
    ];
    expect(await stack.mcpctl(grant)).toMatchObject({ exitCode: 0 });
    expect(await stack.mcpctl(["get", "servers", "-o", "name"], { env })).toMatchObject({
      exitCode: 0,
      stdout: "server/files\n",
    });
    expect(await stack.mcpctl(["get", "server", "everything"], { env })).toMatchObject({ exitCode: 1 });
    expect(await stack.mcpctl(["logout"], { env })).toMatchObject({ exitCode: 0 });
    expect(await stack.mcpctl(["get", "servers"], { env })).toMatchObject({ exitCode: 3 });
  });

  verifies("cli:token-rights", async () => {
    const create = ["create", "mcptoken", "viewer", "-p", stack.up.project];
    const bind = ["--bind", "role:view,resource:srv,name:files", "--bind", "action:logs"];
    const created = await stack.mcpctl([...create, ...bind]);
    expect(created.stdout).toMatch(/^mcpctl_pat_\w+\n$/);
    const env = { MCPCTL_TOKEN: created.stdout.trim() };
    expect(await stack.mcpctl(["get", "servers", "-o", "name"], { env })).toMatchObject({ stdout: "server/files\n" });
    expect(await stack.mcpctl(["delete", "server", "files"], { env })).toMatchObject({ exitCode: 6 });
    const canI = async (...words: string[]) => stack.mcpctl(["auth", "can-i", ...words], { env });
    expect(await canI("run", "logs")).toMatchObject({ exitCode: 0, stdout: "yes\n" });
    expect(await canI("update", "server", "files")).toMatchObject({ exitCode: 1, stdout: "no\n" });
    expect(await canI("run", "logz")).toMatchObject({ exitCode: 2 });
    expect(await canI("get")).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("mcpctl auth can-i") });
    const { stdout: rights } = await canI("--list");
    expect(rights).toMatch(/^role:view,resource:servers,name:files +mcptoken\.\S+\.viewer +-$/m);
    const as = ["--as", `McpToken:${stack.up.project}/viewer`];
    expect(await stack.mcpctl(["auth", "why", "run", "logs", ...as])).toMatchObject({
      exitCode: 0,
      stdout: `McpToken:${stack.up.project}/viewer may: mcptoken.${stack.up.project}.viewer: run logs\n`,
    });
    const both = await stack.mcpctl([...create.with(2, "both"), ...bind, "--rbac", "clone"]);
    expect(both).toMatchObject({ exitCode: 2, stdout: "" });
    expect(await stack.mcpctl(["revoke", "mcptoken", "viewer", "-p", stack.up.project])).toMatchObject({ exitCode: 0 });
    expect(await stack.mcpctl(["get", "servers"], { env })).toMatchObject({ exitCode: 3 });
  });
});
