import { getKind, kindWords } from "@mcpctl/shared/kinds/index.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AnyCommand, CommandEntry } from "../src/command.ts";
import { COMMANDS } from "../src/command-registry.ts";
import { createCommand } from "../src/commands/create.ts";
import { revokeCommand } from "../src/commands/revoke.ts";
import { type FakeApi, startFakeApi } from "./fakes/fake-api.ts";
import type { McpOptions } from "../src/up-module.ts";
import { runMcpctl } from "./fakes/run-mcpctl.ts";

let api: FakeApi;
beforeAll(async () => {
  api = await startFakeApi();
});
afterAll(() => api[Symbol.asyncDispose]());

async function allCommands(entries: readonly CommandEntry[]): Promise<(AnyCommand & { name: string })[]> {
  const commands = await Promise.all(entries.map(async (entry) => ({ ...(await entry.load()), name: entry.name })));
  const inner = await Promise.all(commands.map(({ subcommands = [] }) => allCommands(subcommands)));
  return [...commands, ...inner.flat()];
}

describe("every command", () => {
  it("has an example, and every flag and positional is described", async () => {
    for (const { name, examples, flags, positionals } of await allCommands(COMMANDS)) {
      expect(examples.length, name).toBeGreaterThan(0);
      for (const { description } of [...Object.values(flags), ...Object.values(positionals)]) {
        expect(description, name).toMatch(/^[A-Z\w\-:].*[.)]$/s);
      }
    }
  });

  it("has no flag twice, and shadows a global one only on purpose", async () => {
    const shadowing: string[] = [];
    for (const { name, flags } of await allCommands(COMMANDS)) {
      const shorts = Object.values(flags).flatMap(({ short }) => (short === undefined ? [] : [short]));
      expect(new Set(shorts).size, name).toBe(shorts.length);
      if ("server" in flags || "debug" in flags) shadowing.push(name);
    }
    expect(shadowing).toEqual(["project"]);
  });

  it("has examples that are understood", async () => {
    const examples = (await allCommands(COMMANDS)).flatMap((command) => command.examples);
    const runnable = examples.filter(
      (example) => !/[<>|$]| -f | --from-|^mcpctl (login|logout|up|auth passwd|test mcp)|--server http/.test(example),
    );
    expect(runnable.length).toBeGreaterThan(20);
    for (const example of runnable) {
      const { code, err } = await runMcpctl(example.replace(/^mcpctl /, ""), { server: api.url });
      expect({ example, isUnderstood: code !== 2, err }).toMatchObject({ isUnderstood: true });
    }
  });
});

describe("the words of a kind", () => {
  it("are the words of its sub-commands too", () => {
    for (const { name, aliases = [] } of [...(createCommand.subcommands ?? []), ...(revokeCommand.subcommands ?? [])]) {
      expect([name, ...aliases].toSorted(), name).toEqual(kindWords(getKind(name)).toSorted());
    }
  });
});

describe("mcpctl up", () => {
  it("passes its flags, the terminal and the signal on, and exits with what it returns", async () => {
    const seen: unknown[] = [];
    const signal = new AbortController().signal;
    const loadUp = async () => ({
      async runUp(options: object) {
        seen.push(options);
        return 5;
      },
    });
    const line =
      "up --data-dir ./d --listen 127.0.0.1:1 --gateway-listen 127.0.0.1:2 --database-url postgres://x -o json";
    expect((await runMcpctl(line, { loadUp, signal })).code).toBe(5);
    expect((await runMcpctl("up", { loadUp, signal })).code).toBe(5);
    const common = { io: expect.any(Object), signal, cliCommand: "mcpctl" };
    const flags = { dataDir: "./d", listen: "127.0.0.1:1", gatewayListen: "127.0.0.1:2", databaseUrl: "postgres://x" };
    expect(seen).toEqual([
      { ...common, ...flags, output: "json" },
      { ...common, output: "text" },
    ]);
  });
});

describe("mcpctl mcp", () => {
  it("passes on where mcpd is, the project and a way to the bearer, and exits with what it returns", async () => {
    const seen: unknown[] = [];
    const runMcp = async (options: McpOptions) => {
      const { credential, ...rest } = options;
      seen.push({ ...rest, bearer: await credential() });
      return 1;
    };
    const given = { runMcp, server: "http://mcpd.test", token: "mcpctl_ses_x" };
    expect((await runMcpctl("mcp -p demo", given)).code).toBe(1);
    expect((await runMcpctl("mcp", { ...given, project: "of-the-environment" })).code).toBe(1);
    expect((await runMcpctl("mcp", given)).code).toBe(1);
    const common = {
      mcpdUrl: "http://mcpd.test",
      bearer: "mcpctl_ses_x",
      stateDir: "/nonexistent/state",
      graceSeconds: 30,
      logLevel: "warn",
    };
    expect(seen).toEqual([
      { ...common, project: "demo" },
      { ...common, project: "of-the-environment" },
      { ...common, project: undefined },
    ]);
  });

  it("starts without a login, which may follow, and says so to whoever needs one", async () => {
    const runMcp = async ({ credential }: McpOptions) => {
      await expect(credential()).rejects.toMatchObject({ code: "unauthenticated", hint: "Log in with: mcpctl login" });
      return 0;
    };
    expect((await runMcpctl("mcp -p demo", { runMcp, server: "http://mcpd.test", token: undefined })).code).toBe(0);
  });
});
