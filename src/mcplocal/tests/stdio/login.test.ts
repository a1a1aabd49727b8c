import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { startModernServer } from "../../../../tests/fixtures/http-modern-server.ts";
import { started } from "../support/gateway-rig.ts";
import { SESSION, startStdioRig, type StdioRig } from "../support/stdio-rig.ts";

const ECHO = { name: "files__echo", arguments: { message: "hello" } };

async function startWithFiles(options: Parameters<typeof startStdioRig>[0] = {}): Promise<StdioRig> {
  return startStdioRig({ servers: { files: await started(startModernServer()) }, ...options });
}

async function codeOf(answer: Promise<{ error?: { data: { code: string } }; result?: object }>): Promise<string> {
  const { error } = await answer;
  return error?.data.code ?? "ok";
}

describe("a call", () => {
  it("of a person is recorded as theirs", async () => {
    const rig = await startWithFiles();
    expect(await codeOf(rig.askModern("tools/call", ECHO))).toBe("ok");
    const principal = { name: "", sha: "", creator: "ada", project: "demo" };
    expect(rig.records).toMatchObject([{ principal, server: "files", tool: "echo", outcome: "ok" }]);
  });

  it("with a token is recorded as the token's, which names the project", async () => {
    const rig = await startWithFiles({ withToken: true, project: undefined });
    expect(await codeOf(rig.askModern("tools/call", ECHO))).toBe("ok");
    expect(rig.records).toMatchObject([{ principal: { name: "agent", creator: "ada", project: "demo" } }]);
  });

  it("with a token that is revoked fails, also as the first", async () => {
    const rig = await startWithFiles({ withToken: true, project: undefined });
    rig.controlPlane.revoke(rig.login.bearer ?? "");
    expect(await codeOf(rig.askModern("tools/call", ECHO))).toBe("unauthenticated");
  });

  it("with the credential of a gateway fails", async () => {
    const rig = await startWithFiles();
    rig.sessions.set(SESSION, { kind: "Gateway", name: "edge" });
    expect(await codeOf(rig.askModern("tools/call", ECHO))).toBe("forbidden");
  });
});

describe("a login", () => {
  it("that is missing fails every request, and is found as soon as it is there", async () => {
    const rig = await startWithFiles();
    rig.login.bearer = undefined;
    expect(await codeOf(rig.initialize() as never)).toBe("unauthenticated");
    expect(await codeOf(rig.askModern("tools/list"))).toBe("unauthenticated");
    rig.login.bearer = SESSION;
    expect(await codeOf(rig.initialize() as never)).toBe("ok");
    expect(await codeOf(rig.ask("tools/call", ECHO))).toBe("ok");
  });

  it("that has ended fails within seconds, and another one is used from then on", async () => {
    const rig = await startWithFiles();
    expect(await codeOf(rig.askModern("tools/call", ECHO))).toBe("ok");
    rig.sessions.clear();
    await vi.waitFor(async () => expect(await codeOf(rig.askModern("tools/list"))).toBe("unauthenticated"), {
      timeout: 10_000,
      interval: 200,
    });
    rig.sessions.set("mcpctl_ses_new", { kind: "User", name: "bob" });
    rig.login.bearer = "mcpctl_ses_new";
    expect(await codeOf(rig.askModern("tools/call", ECHO))).toBe("ok");
    expect(rig.records.at(-1)).toMatchObject({ principal: { creator: "bob" } });
  });

  it("that has ended fails at once where mcpd tells of it", async () => {
    const rig = await startWithFiles();
    expect(await codeOf(rig.askModern("tools/call", ECHO))).toBe("ok");
    await vi.waitFor(() => expect(rig.controlPlane.followerCount()).toBe(1), { timeout: 3_000 });
    rig.sessions.clear();
    rig.controlPlane.announceChange();
    await nextTurn();
    expect(await codeOf(rig.askModern("tools/list"))).toBe("unauthenticated");
  });

  it("tells a client with a session what has changed while it was missing", async () => {
    const rig = await startWithFiles();
    await rig.initialize();
    expect((await rig.ask("tools/list")).result.tools).toHaveLength(6);
    rig.controlPlane.removeProject("demo");
    await vi.waitFor(async () => expect(await codeOf(rig.ask("tools/list"))).toBe("not-found"), {
      timeout: 10_000,
      interval: 200,
    });
    rig.controlPlane.setProject("demo", []);
    expect((await rig.ask("resources/list")).result.resources).toEqual([]);
    await rig.message(({ method }) => method === "notifications/tools/list_changed");
  });
});

it("answers calls again as soon as mcpd does", async () => {
  const rig = await startWithFiles();
  rig.controlPlane.setReachable(false);
  expect(await codeOf(rig.askModern("tools/list"))).toBe("unavailable");
  expect(await codeOf(rig.askModern("tools/call", ECHO))).toBe("unavailable");
  expect(rig.records).toEqual([]);
  rig.controlPlane.setReachable(true);
  expect(await codeOf(rig.askModern("tools/call", ECHO))).toBe("ok");
});
