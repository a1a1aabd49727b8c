import { McpctlError } from "@mcpctl/shared/errors.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CommandEntry } from "../src/command.ts";
import { COMMANDS } from "../src/command-registry.ts";
import { type FakeApi, startFakeApi } from "./fakes/fake-api.ts";
import { runMcpctl, type RunOptions } from "./fakes/run-mcpctl.ts";

const CONDITION = { type: "Ready", status: "True", reason: "Running", lastTransitionAt: "2026-01-02T00:55:00.000Z" };
const STATUS = { observedGeneration: 2, replicas: 1, readyReplicas: 1, toolCount: 14, protocolVersion: "2026-07-28" };

const ALICE = { principal: "User:alice@test.com", user: "alice@test.com", requestId: "r-1", hash: "ab", count: 1 };
const AGENT = {
  ...ALICE,
  principal: "McpToken:demo/agent",
  tokenName: "agent",
  tokenSha: "0123456789abcdef",
  project: "demo",
  source: "Gateway:edge",
  verb: "tools/call",
  resource: "tools",
};
const AUDIT_EVENTS = [
  {
    ...AGENT,
    seq: 4,
    id: "g-2",
    time: "2026-01-02T00:59:30.000Z",
    tool: "rm\u001b[2J",
    decision: "deny",
    decidedBy: "the project of the token shows no such tool",
    outcome: "failure",
    code: "not-found",
  },
  {
    ...AGENT,
    seq: 3,
    id: "g-1",
    time: "2026-01-02T00:58:00.000Z",
    receivedAt: "2026-01-02T00:58:01.000Z",
    server: "files",
    tool: "read_text_file",
    decision: "allow",
    decidedBy: "the project of the token",
    outcome: "success",
    durationMs: 12.5,
    requestBytes: 200,
    replyBytes: 3_000,
  },
  {
    ...ALICE,
    seq: 2,
    id: "m-2",
    time: "2026-01-02T00:50:00.000Z",
    verb: "delete",
    resource: "servers",
    name: "files",
    decision: "deny",
    decidedBy: "no binding grants it",
    outcome: "failure",
    count: 40,
  },
  {
    ...ALICE,
    seq: 1,
    id: "m-1",
    time: "2026-01-02T00:40:00.000Z",
    verb: "login",
    resource: "sessions",
    decision: "allow",
    decidedBy: "password",
    outcome: "success",
    durationMs: 3.125,
  },
];

let api: FakeApi;

beforeAll(async () => {
  api = await startFakeApi();
  api.put("servers", {
    metadata: { name: "files", labels: { team: "data" }, annotations: { note: "first\nsecond" }, generation: 2 },
    spec: { package: { npm: "@modelcontextprotocol/server-filesystem", version: "2026.8.31" }, args: ["./docs"] },
    status: { ...STATUS, conditions: [{ ...CONDITION, message: "1 of 1 instances answers" }] },
  });
  api.put("servers", { metadata: { name: "search" }, spec: { url: "https://mcp.example.com/mcp" } });
  api.put("projects", { metadata: { name: "demo" }, spec: { servers: ["files", "search"] } });
  api.put("mcptokens", {
    metadata: { name: "agent", project: "demo" },
    spec: {},
    status: {
      phase: "Active",
      creator: "alice@test.com",
      sha: "0123456789abcdef",
      expiresAt: "2026-02-01T01:00:00.000Z",
    },
  });
  api.put("secrets", {
    metadata: { name: "search" },
    spec: { description: "For the search server", data: { key: "[redacted]", "api-key": "[redacted]" } },
  });
  api.put("gateways", {
    metadata: { name: "edge" },
    spec: {},
    status: { creator: "User:alice", sha: "0123456789abcdef" },
  });
  api.put("users", { metadata: { name: "mei" }, spec: { displayName: "美 \u001b[31mred\u001b[0m\u202e\n\u009b2Jx" } });
  api.put("users", { metadata: { name: "alice@test.com" }, spec: { displayName: "Alice 👩‍🔬" } });
  const event = { type: "Warning", reason: "Crashed", message: "exited with code 1", count: 3 };
  api.put("events", {
    metadata: { name: "files-crashed" },
    spec: {
      ...event,
      message: "exited with code 1\nError: no such directory\n    at main.js:1\u001b[0m\n",
      regarding: { kind: "Server", name: "files" },
      lastSeenAt: "2026-01-02T00:50:00.000Z",
    },
  });
  api.put("events", {
    metadata: { name: "other" },
    spec: { ...event, regarding: { kind: "Server", name: "search" }, lastSeenAt: "2026-01-02T00:50:00.000Z" },
  });
  api.answer("GET", "/api/v1/audit", { items: AUDIT_EVENTS, metadata: {} });
  const whole = { through: 1_234, isComplete: true, rows: 1_234, checkpoints: 12, outside: 12 };
  api.answer("GET", "/api/v1/audit/verify", whole);
  api.fail(
    "GET",
    "/api/v1/groups",
    new McpctlError("forbidden", "alice@test.com may not list groups", { hint: "Ask an admin" }),
  );
  const fields = [{ path: "spec.command", message: "owned by deploy" }];
  api.fail("PATCH", "/api/v1/servers/owned", new McpctlError("conflict", "Other managers own fields", { fields }));
});
afterAll(() => api[Symbol.asyncDispose]());

async function expectGolden(
  name: string,
  lines: readonly (string | readonly string[])[],
  options: RunOptions = {},
): Promise<void> {
  const transcripts: string[] = [];
  for (const line of lines) transcripts.push((await runMcpctl(line, { server: api.url, ...options })).transcript);
  const text = transcripts.join("\n").replaceAll(api.url, "http://127.0.0.1:7400");
  await expect(text).toMatchFileSnapshot(`golden/${name}.txt`);
}

describe("what people see", () => {
  it("tables", () =>
    expectGolden("tables", [
      "get servers",
      "get srv -o wide",
      "get servers,projects",
      "get server/files project/demo",
      "get servers -l team=data --no-headers",
      "get mcptokens",
      "get mcptokens -p demo",
      "get secrets -o wide",
      "get gateways",
      "get users",
      "get events",
      "get instances",
      "get servers -o name",
      "auth sessions",
    ]));

  it("descriptions", () =>
    expectGolden("describe", [
      "describe server files",
      "describe mcptoken agent -p demo",
      "describe user mei",
      "describe secret search",
    ]));

  it("objects", () =>
    expectGolden("objects", [
      "get server search -o json",
      "get servers search -o yaml",
      "get projects -o yaml",
      "get secret search -o yaml",
    ]));

  it("the audit trail", async () => {
    await expectGolden("audit", [
      "get audit",
      "get audit -o wide --limit 2",
      "get audit --token agent --limit 1 -o json",
      "get audit --limit 1 -o yaml",
      "get audit --since yesterday",
      "get audit files",
      "get audit -o name",
      "get servers --token agent",
      "audit verify",
      "audit verify -o json",
    ]);
    await using broken = await startFakeApi();
    const bad = { seq: 17, fault: "edited", message: "The row, or the one before it, is not as it was" };
    const part = { through: 16, isComplete: true, rows: 16, checkpoints: 1, outside: 1 };
    broken.answer("GET", "/api/v1/audit/verify", { ...part, bad: { ...bad, time: "2026-01-02T00:40:00.000Z" } });
    const empty = { items: [], metadata: {} };
    broken.answer("GET", "/api/v1/audit", empty);
    await expectGolden("audit-broken", ["audit verify", "audit verify -o json", "get audit"], { server: broken.url });
  });

  it("errors", async () => {
    const stdin = "kind: Server\nmetadata: { name: owned }\nspec: { command: node }\n";
    await expectGolden(
      "errors",
      [
        "get server nope",
        "get server nope -o json",
        "get groups",
        "get server/files user/nope",
        "apply -f -",
        "apply -f /nonexistent/file.yaml",
        "delete server nope search2 --ignore-not-found",
        "login",
        "get mcptoken agent",
      ],
      { stdin },
    );
    await expectGolden("unauthenticated", ["get servers", "get servers -o json"], { token: undefined });
  });
});

describe("help", () => {
  it.each([[["--help"]], ...paths(COMMANDS).map((path) => [[...path, "--help"]])])("of %s", async (words) => {
    const { transcript } = await runMcpctl(words);
    await expect(transcript).toMatchFileSnapshot(`golden/help/${["mcpctl", ...words.slice(0, -1)].join("-")}.txt`);
  });

  it("of the sub-commands", async () => {
    for (const entry of COMMANDS) {
      for (const path of paths((await entry.load()).subcommands ?? [])) {
        const words = [entry.name, ...path];
        const { transcript } = await runMcpctl(["help", ...words]);
        await expect(transcript).toMatchFileSnapshot(`golden/help/${["mcpctl", ...words].join("-")}.txt`);
      }
    }
  });
});

function paths(entries: readonly CommandEntry[]): string[][] {
  return entries.map(({ name }) => [name]);
}
