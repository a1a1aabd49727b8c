import { describe, expect, it, vi } from "vitest";
import { text, tool } from "../../../../tests/fixtures/http-fixture-tools.ts";
import type { HttpFixture } from "../../../../tests/fixtures/http-fixture-server.ts";
import { startLegacyServer } from "../../../../tests/fixtures/http-legacy-server.ts";
import { startModernServer } from "../../../../tests/fixtures/http-modern-server.ts";
import { startRig, started } from "../support/gateway-rig.ts";
import { legacy, modern, notification, openSession, send, type WireRequest } from "../support/wire.ts";

const START = { legacy: startLegacyServer, modern: startModernServer };

describe("a session", () => {
  const attempts: [string, (session: string) => WireRequest][] = [
    ["call", (session) => legacy(session, "tools/call", { name: "files__echo", arguments: { message: "x" } })],
    ["list", (session) => legacy(session, "tools/list")],
    ["ping", (session) => legacy(session, "ping")],
    ["cancel", (session) => notification(session, "notifications/cancelled", { requestId: 1 })],
    ["open its stream", (session) => ({ method: "GET", headers: { "mcp-session-id": session } })],
    ["end it", (session) => ({ method: "DELETE", headers: { "mcp-session-id": session } })],
  ];

  it.each(attempts)(
    "of another token cannot be used to %s, and does not suffer from the attempt",
    async (_, attempt) => {
      const rig = await startRig({ servers: { files: await started(startModernServer()) } });
      rig.controlPlane.setProject("other", []);
      const thieves = {
        sameProject: rig.controlPlane.addToken("demo", "thief"),
        otherProject: rig.controlPlane.addToken("other", "thief"),
      };
      const session = await openSession(rig.url, rig.token);
      for (const [who, token] of Object.entries(thieves)) {
        const stolen = await send(rig.url, { ...attempt(session), token });
        const invented = await send(rig.url, { ...attempt("made-up"), token });
        expect({ status: stolen.status, text: stolen.text }, who).toEqual({ status: 404, text: invented.text });
      }
      expect((await send(rig.url, { ...legacy(session, "ping"), token: rig.token })).status).toBe(200);
    },
  );

  it("is of no use without a token", async () => {
    const rig = await startRig();
    const session = await openSession(rig.url, rig.token);
    for (const [, attempt] of attempts) expect((await send(rig.url, attempt(session))).status).toBe(401);
  });
});

describe("two principals", () => {
  it("never get each other's answers, however their calls interleave", async () => {
    const whoami = tool("whoami", async ({ args }) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
      return text(`canary ${String(args["canary"])}`);
    });
    const rig = await startRig({
      servers: {
        old: await started(startLegacyServer({ tools: [whoami] })),
        new: await started(startModernServer({ tools: [whoami] })),
      },
    });
    const principals = ["ada", "bob"].map((name) => ({ name, token: rig.controlPlane.addToken("demo", name) }));
    const sessions = await Promise.all(principals.map(({ token }) => openSession(rig.url, token)));
    const calls = Array.from({ length: 1_000 }, async (__, index) => {
      const who = principals[index % 2] ?? { name: "", token: "" };
      const canary = `${who.name}-${index}`;
      const call = { name: `${index % 3 === 0 ? "old" : "new"}__whoami`, arguments: { canary } };
      const session = sessions[index % 2] ?? "";
      // The same ids on both sides: what they collide with must not matter.
      const request =
        index % 5 === 0 ? legacy(session, "tools/call", call, index >> 1) : modern("tools/call", call, index >> 1);
      const { json } = await send(rig.url, { ...request, token: who.token });
      expect(json).toMatchObject({ id: index >> 1, result: { content: [{ text: `canary ${canary}` }] } });
    });
    await Promise.all(calls);
    expect(rig.records).toHaveLength(1_000);
    for (const name of ["ada", "bob"])
      expect(rig.records.filter(({ principal }) => principal.name === name)).toHaveLength(500);
  });

  it("get progress under their own token only, even when both chose the same", async () => {
    const rig = await startRig({ servers: { files: await started(startLegacyServer()) } });
    const ask = async (to: number) => {
      const params = { name: "files__count", arguments: { to }, _meta: { progressToken: "same" } };
      return send(rig.url, { ...modern("tools/call", params), token: rig.token });
    };
    const answers = await Promise.all([ask(2), ask(5), ask(3)]);
    const progress = answers.map(({ events }) =>
      events.slice(0, -1).map(({ params }) => [params.progressToken, params.progress]),
    );
    expect(progress.map((steps) => steps.length)).toEqual([2, 5, 3]);
    expect(progress.flat().every(([token]) => token === "same")).toBe(true);
  });
});

describe("a caller's token", () => {
  const seenBy = (server: HttpFixture) => JSON.stringify(server.seen);

  it.each(["legacy", "modern"] as const)("never reaches a %s server of its own address", async (era) => {
    const server = await started(START[era]());
    const rig = await startRig();
    const headers = { "x-key": "of-the-server", accept: "text/plain", "Mcp-Session-Id": "forged", Host: "elsewhere" };
    rig.controlPlane.setProject("demo", [{ name: "files", url: server.url, headers }]);
    const call = { name: "files__echo", arguments: { message: "x" } };
    const request = modern("tools/call", call);
    const session = await openSession(rig.url, rig.token);
    await send(rig.url, {
      ...request,
      token: rig.token,
      headers: { ...request.headers, cookie: "c=1", "x-other": "1" },
    });
    await send(rig.url, { ...legacy(session, "tools/call", call), token: rig.token });
    expect(server.requests("tools/call")).toHaveLength(2);
    expect(seenBy(server)).not.toContain(rig.token);
    expect(seenBy(server)).not.toContain("mcpctl_pat_");
    for (const { headers: sent } of server.seen) {
      expect(sent).toMatchObject({ "x-key": "of-the-server", host: new URL(server.url).host });
      expect(Object.keys(sent)).not.toEqual(expect.arrayContaining(["cookie"]));
      expect([sent["x-other"], sent["authorization"]]).toEqual([undefined, undefined]);
      expect(sent["mcp-session-id"]).not.toBe("forged");
      expect(sent["mcp-session-id"]).not.toBe(session);
    }
  });

  it("is the credential on mcpd's relay, for the caller's own calls only", async () => {
    const relay = await started(startLegacyServer());
    const rig = await startRig();
    rig.controlPlane.setProject("demo", [{ name: "files", url: relay.url, isRelay: true }]);
    const other = rig.controlPlane.addToken("demo", "other");
    for (const token of [rig.token, other]) {
      const call = { name: "files__echo", arguments: { message: token } };
      expect((await send(rig.url, { ...modern("tools/call", call), token })).status).toBe(200);
    }
    for (const { headers, body } of relay.requests("tools/call")) {
      expect(headers.authorization).toBe(`Bearer ${body["params"].arguments.message}`);
    }
    for (const { headers } of relay.seen)
      expect([`Bearer ${rig.token}`, `Bearer ${other}`]).toContain(headers.authorization);
  });

  it("that no longer works is not used to look at servers on behalf of others", async () => {
    const clock = { ms: 0 };
    const relay = await started(startLegacyServer());
    const rig = await startRig({ now: () => clock.ms });
    rig.controlPlane.setProject("demo", [{ name: "files", url: relay.url, isRelay: true }]);
    const other = rig.controlPlane.addToken("demo", "other");
    await send(rig.url, { ...modern("tools/list"), token: rig.token });
    rig.controlPlane.revoke(rig.token);
    relay.options.intercept = ({ headers }, response) =>
      headers.authorization === `Bearer ${rig.token}` && Boolean(response.writeHead(401).end());
    clock.ms += 301_000;
    await send(rig.url, { ...modern("tools/list"), token: other });
    await vi.waitFor(() => expect(relay.requests("tools/list")).toHaveLength(2), { timeout: 5_000 });
    const { json } = await send(rig.url, { ...modern("tools/list"), token: other });
    expect(json.result.tools).toHaveLength(6);
  });

  it("gives way to the gateway's own credential, which no server but the relay sees", async () => {
    const [relay, direct] = [await started(startLegacyServer()), await started(startModernServer())];
    const rig = await startRig({ options: { credential: "mcpctl_gw_secret" } });
    rig.controlPlane.setProject("demo", [
      { name: "relayed", url: relay.url, isRelay: true },
      { name: "direct", url: direct.url },
    ]);
    for (const name of ["relayed__echo", "direct__echo"]) {
      await send(rig.url, { ...modern("tools/call", { name, arguments: { message: "x" } }), token: rig.token });
    }
    expect(relay.requests("tools/call")[0]?.headers.authorization).toBe("Bearer mcpctl_gw_secret");
    expect(seenBy(direct)).not.toContain("mcpctl_");
    expect(rig.controlPlane.introspected).toEqual([rig.token]);
  });

  it("is in no log, record or metric", async () => {
    const rig = await startRig({ servers: { files: await started(startLegacyServer()) } });
    await send(rig.url, {
      ...modern("tools/call", { name: "files__echo", arguments: { message: "x" } }),
      token: rig.token,
    });
    await send(rig.url, { ...modern("tools/call", { name: "files__nothing" }), token: rig.token });
    const { text: metrics } = await send(rig.url, { method: "GET", path: "/metrics" });
    for (const output of [rig.lines.join("\n"), JSON.stringify(rig.records), metrics])
      expect(output).not.toContain(rig.token);
  });
});

describe("a tool that the policy hides", () => {
  const request = (name: string) => modern("tools/call", { name, arguments: { message: "x" } });

  it.each([
    ["the server's policy, by the server's name", { tools: { deny: ["echo"] } }, {}],
    ["the server's policy, by allowing others", { tools: { allow: ["f*"], deny: [] } }, {}],
    ["the project's policy, by the exposed name", {}, { tools: { deny: ["files__ec*"] } }],
    ["the project's policy, by allowing others", {}, { tools: { allow: ["files__fail"], deny: [] } }],
  ])("by %s is neither listed nor called, and answers as if it did not exist", async (_, server, project) => {
    const fixture = await started(startModernServer());
    const rig = await startRig();
    rig.controlPlane.setProject("demo", [{ name: "files", url: fixture.url, ...server }], project);
    const list = await send(rig.url, { ...modern("tools/list"), token: rig.token });
    expect(list.text).not.toContain("files__echo");
    expect(list.text).toContain("files__fail");
    const session = await openSession(rig.url, rig.token);
    for (const attempt of [request("files__echo"), legacy(session, "tools/call", { name: "files__echo" })]) {
      const denied = await send(rig.url, { ...attempt, token: rig.token });
      expect(denied.json.error).toEqual({ code: -32602, message: "Unknown tool: files__echo" });
    }
    const missing = await send(rig.url, { ...request("files__e"), token: rig.token });
    expect(missing.json.error).toEqual({ code: -32602, message: "Unknown tool: files__e" });
    expect((await send(rig.url, { ...request("echo"), token: rig.token })).json.error.code).toBe(-32602);
    expect(fixture.requests("tools/call")).toEqual([]);
  });
});
