import { describe, expect, it, vi } from "vitest";
import { text, tool } from "../../../../tests/fixtures/http-fixture-tools.ts";
import { startLegacyServer } from "../../../../tests/fixtures/http-legacy-server.ts";
import { startModernServer } from "../../../../tests/fixtures/http-modern-server.ts";
import { type Rig, startRig, started } from "../support/gateway-rig.ts";
import { type Json, legacy, modern, openSession, send } from "../support/wire.ts";

const list = async (rig: Rig) => (await send(rig.url, { ...modern("tools/list"), token: rig.token })).json.result;
const names = (result: Json): string[] => result.tools.map(({ name }: Json) => name);
const conditions = (result: Json): Json[] => result._meta["mcpctl.io/conditions"] ?? [];

async function call(rig: Rig, name: string): Promise<Json> {
  const request = modern("tools/call", { name, arguments: { message: "hi" } });
  return (await send(rig.url, { ...request, token: rig.token })).json;
}

/** A clock that a test moves, so that it need not wait. */
function clockedRig(servers: Parameters<typeof startRig>[0]) {
  const clock = { ms: 0 };
  return startRig({ ...servers, now: () => clock.ms }).then((rig) => ({ rig, clock }));
}

const one = (name: string) => ({ tools: [tool(name, () => text(name))] });

describe("the list of a project", () => {
  it("never dials a server that has been seen", async () => {
    const server = await started(startModernServer(one("a")));
    const rig = await startRig({ servers: { files: server } });
    expect(names(await list(rig))).toEqual(["files__a"]);
    server.options.intercept = () => true;
    const startedAt = performance.now();
    for (let count = 0; count < 20; count += 1) expect(names(await list(rig))).toEqual(["files__a"]);
    expect(performance.now() - startedAt).toBeLessThan(500);
    expect(server.requests("tools/list")).toHaveLength(1);
  });

  it("is partial after a moment when one of the servers hangs, says so, and is complete once it answers", async () => {
    const hung = await started(startModernServer({ ...one("late"), intercept: () => true }));
    const { rig, clock } = await clockedRig({});
    const good = await started(startLegacyServer(one("a")));
    rig.controlPlane.setProject("demo", [
      { name: "good", url: good.url },
      { name: "hung", url: hung.url, timeoutSeconds: 6 },
    ]);
    const startedAt = performance.now();
    const partial = await list(rig);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(names(partial)).toEqual(["good__a"]);
    expect(conditions(partial)).toEqual([
      { server: "hung", code: "upstream-timeout", message: 'Server "hung" has not answered yet' },
    ]);
    const again = performance.now();
    expect(names(await list(rig))).toEqual(["good__a"]);
    expect((await call(rig, "good__a")).result.content[0].text).toBe("a");
    expect(performance.now() - again).toBeLessThan(500);
    const { json } = await send(rig.url, { ...modern("server/discover"), token: rig.token });
    expect(json.result.instructions).toContain("- hung: ");
    hung.options.intercept = () => false;
    const isComplete = async (): Promise<void> => {
      clock.ms += 2_000;
      expect(names(await list(rig))).toEqual(["good__a", "hung__late"]);
    };
    await vi.waitFor(isComplete, { timeout: 8_000, interval: 500 });
  });

  it("costs nobody else anything when a server is down, and has its tools when it is back", async () => {
    const { rig, clock } = await clockedRig({ servers: { good: await started(startModernServer(one("a"))) } });
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    const good = { name: "good", url: (await started(startModernServer(one("a")))).url };
    rig.controlPlane.setProject("demo", [good, { name: "down", url: `http://127.0.0.1:${port}/mcp` }]);
    const session = await openSession(rig.url, rig.token);
    const before = await list(rig);
    expect(names(before)).toEqual(["good__a"]);
    expect(conditions(before)).toMatchObject([{ server: "down", code: "upstream-unavailable" }]);
    expect((await call(rig, "down__b")).error).toMatchObject({
      code: -32602,
      message: "Unknown tool: down__b",
      data: { code: "not-found", hint: expect.stringContaining("down") },
    });
    const stream = fetchEvents(rig, session);
    await started(startLegacyServer({ ...one("b"), port }));
    clock.ms += 5_001;
    await vi.waitFor(async () => expect(names(await list(rig))).toEqual(["down__b", "good__a"]), { timeout: 5_000 });
    expect(await stream).toContain("notifications/tools/list_changed");
    expect(conditions(await list(rig))).toEqual([]);
  });

  it("has the tools of a server again a second after mcpd says that it is back", async () => {
    const { rig, clock } = await clockedRig({});
    const { url } = await started(startModernServer(one("a")));
    const fault = { reason: "CrashLoopBackOff", message: "it ended" };
    rig.controlPlane.setProject("demo", [{ name: "files", url, fault }]);
    expect(names(await list(rig))).toEqual([]);
    rig.controlPlane.setProject("demo", [{ name: "files", url }]);
    clock.ms += 1_001;
    await vi.waitFor(async () => expect(names(await list(rig))).toEqual(["files__a"]), { timeout: 5_000 });
  });

  it("has the tools of a server again as soon as mcpd answers again, behind which it was out of reach", async () => {
    const { rig, clock } = await clockedRig({});
    const server = await started(startModernServer(one("a")));
    rig.controlPlane.setProject("demo", [{ name: "files", url: server.url }]);
    expect(names(await list(rig))).toEqual(["files__a"]);
    server.options.intercept = (_seen, response) => response.writeHead(503).end() !== undefined;
    rig.controlPlane.setReachable(false);
    clock.ms += 6_000;
    expect((await call(rig, "files__a")).error).toBeDefined();
    await vi.waitFor(async () => expect(names(await list(rig))).toEqual([]), { timeout: 3_000 });
    rig.controlPlane.setReachable(true);
    server.options.intercept = () => false;
    clock.ms += 1_001;
    await vi.waitFor(async () => expect(names(await list(rig))).toEqual(["files__a"]), { timeout: 3_000 });
  });

  it.each<[string, Json]>([
    ["refuses to list", { status: 200, message: { error: { code: -32603, message: "no" } } }],
    ["answers with nonsense", { status: 200, message: { result: { tools: 7 } } }],
    ["answers with an HTTP error", { status: 500, message: {} }],
    ["asks for credentials", { status: 401, message: {} }],
    ["redirects", { status: 307, message: {} }],
  ])("is never an empty success when a server %s", async (_, { status, message }) => {
    const server = await started(startModernServer());
    server.options.intercept = ({ body }, response) => {
      if (body["method"] !== "tools/list") return false;
      response.writeHead(status, { "content-type": "application/json", location: "http://127.0.0.1:1/" });
      response.end(JSON.stringify({ jsonrpc: "2.0", id: body["id"], ...message }));
      return true;
    };
    const rig = await startRig({ servers: { bad: server } });
    const result = await list(rig);
    expect(names(result)).toEqual([]);
    expect(conditions(result)).toMatchObject([{ server: "bad", code: expect.stringMatching(/^upstream-/) }]);
  });

  it("is looked at again when it is old, while the old one is served", async () => {
    const server = await started(startModernServer(one("a")));
    const { rig, clock } = await clockedRig({ servers: { files: server } });
    await list(rig);
    server.options.tools = one("b").tools;
    clock.ms += 299_000;
    expect(names(await list(rig))).toEqual(["files__a"]);
    clock.ms += 2_000;
    await vi.waitFor(async () => expect(names(await list(rig))).toEqual(["files__b"]), { timeout: 5_000 });
  });

  it("has all tools of a server that lists them in pages", async () => {
    const tools = Array.from({ length: 250 }, (_, index) => tool(`t${String(index).padStart(3, "0")}`, () => text("")));
    const rig = await startRig({ servers: { files: await started(startLegacyServer({ tools, pageSize: 7 })) } });
    expect(names(await list(rig))).toEqual(tools.map(({ listed }) => `files__${listed.name}`));
  });

  it("costs a server with too many tools its own only", async () => {
    const tools = Array.from({ length: 10_000 }, (_, index) => tool(`t${index}`, () => text("")));
    const servers = {
      many: await started(startModernServer({ tools })),
      few: await started(startModernServer(one("a"))),
    };
    const result = await list(await startRig({ servers }));
    expect(names(result)).toEqual(["few__a"]);
    expect(conditions(result)).toMatchObject([
      { server: "many", code: "upstream-protocol", message: expect.stringContaining("5000") },
    ]);
  });

  it("is one page of ten thousand tools when two servers have so many", async () => {
    const tools = Array.from({ length: 5_000 }, (_, index) => tool(`t${index}`, () => text("")));
    const servers = {
      a: await started(startModernServer({ tools })),
      b: await started(startLegacyServer({ tools, pageSize: 100 })),
    };
    const rig = await startRig({ servers });
    expect(names(await list(rig))).toHaveLength(10_000);
    const session = await openSession(rig.url, rig.token);
    const old = (await send(rig.url, { ...legacy(session, "tools/list"), token: rig.token })).json.result;
    expect(old.tools).toEqual((await list(rig)).tools);
  });

  it("drops prefixes in a transparent project", async () => {
    const servers = [
      { name: "files", url: (await started(startModernServer())).url },
      { name: "web", url: (await started(startLegacyServer(one("echo")))).url },
    ];
    const rig = await startRig();
    rig.controlPlane.setProject("demo", servers, { naming: "transparent" });
    expect(names(await list(rig))).toEqual(["big", "count", "fail", "files__echo", "params", "wait", "web__echo"]);
    expect((await call(rig, "web__echo")).result.content[0].text).toBe("echo");
    expect((await call(rig, "params")).result.content[0].text).toContain('"name":"params"');
  });

  it("carries the servers' instructions under their names", async () => {
    const server = await started(startLegacyServer({ ...one("a"), instructions: "Read before you write." }));
    const rig = await startRig({ servers: { files: server } });
    const { json } = await send(rig.url, { ...modern("server/discover"), token: rig.token });
    expect(json.result.instructions).toBe("# files\n\nRead before you write.");
  });
});

describe("a call in a project", () => {
  it("finds a tool of a server that nobody has listed yet", async () => {
    const rig = await startRig({ servers: { files: await started(startLegacyServer()) } });
    expect((await call(rig, "files__echo")).result.content[0].text).toBe("hi");
  });

  it("to a server that mcpd knows to be faulty says so, and does not dial it", async () => {
    const server = await started(startModernServer(one("a")));
    const { rig, clock } = await clockedRig({ servers: { files: server } });
    await list(rig);
    const dialled = server.seen.length;
    const fault = { reason: "CrashLoopBackOff", message: "exited with code 1" };
    rig.controlPlane.setProject("demo", [{ name: "files", url: server.url, fault }]);
    clock.ms += 6_000;
    await vi.waitFor(async () => expect(names(await list(rig))).toEqual([]), { timeout: 3_000 });
    const { error } = await call(rig, "files__a");
    expect(error).toMatchObject({ code: -32603, message: expect.stringContaining("exited with code 1") });
    expect(error.data).toEqual({
      code: "upstream-unavailable",
      hint: expect.stringContaining("mcpctl describe server files"),
    });
    expect(server.seen).toHaveLength(dialled);
    rig.controlPlane.setProject("demo", [{ name: "files", url: server.url }]);
    clock.ms += 6_000;
    await vi.waitFor(async () => expect((await call(rig, "files__a")).result?.content[0].text).toBe("a"), {
      timeout: 3_000,
    });
  });

  it("that finds its server gone takes the server's tools off the list", async () => {
    const server = await started(startModernServer(one("a")));
    const { rig, clock } = await clockedRig({ servers: { files: server } });
    await list(rig);
    clock.ms += 2_000;
    await server.close();
    expect((await call(rig, "files__a")).error.data.code).toBe("upstream-unavailable");
    await vi.waitFor(async () => expect(names(await list(rig))).toEqual([]), { timeout: 3_000 });
  });

  it("goes to the new address of a server once mcpd has told it", async () => {
    const [before, after] = [await started(startModernServer(one("a"))), await started(startLegacyServer(one("a")))];
    const { rig, clock } = await clockedRig({});
    rig.controlPlane.setProject("demo", [{ name: "files", url: before.url, revision: "1" }]);
    await call(rig, "files__a");
    rig.controlPlane.setProject("demo", [{ name: "files", url: after.url, revision: "2" }]);
    clock.ms += 6_000;
    await vi.waitFor(
      async () => {
        await call(rig, "files__a");
        expect(after.requests("tools/call").length).toBeGreaterThan(0);
      },
      { timeout: 3_000 },
    );
    const calls = before.requests("tools/call").length;
    await call(rig, "files__a");
    expect(before.requests("tools/call")).toHaveLength(calls);
  });
});

describe("a project", () => {
  it("that mcpd no longer has is gone for its tokens within seconds", async () => {
    const { rig, clock } = await clockedRig({ servers: { files: await started(startModernServer()) } });
    await list(rig);
    rig.controlPlane.removeProject("demo");
    clock.ms += 6_000;
    await vi.waitFor(
      async () => expect((await send(rig.url, { ...modern("tools/list"), token: rig.token })).status).toBe(404),
      { timeout: 3_000 },
    );
  });

  it("is served through an outage of mcpd for the grace, then not at all, then again", async () => {
    const { rig, clock } = await clockedRig({ servers: { files: await started(startModernServer(one("a"))) } });
    const status = async () => (await send(rig.url, { ...modern("tools/list"), token: rig.token })).status;
    await list(rig);
    rig.controlPlane.setReachable(false);
    for (let second = 2; second <= 28; second += 2) {
      clock.ms += 2_000;
      expect(await status(), `after ${second} s`).toBe(200);
      expect((await call(rig, "files__a")).result.content[0].text).toBe("a");
    }
    clock.ms += 4_000;
    const closed = await send(rig.url, { ...modern("tools/list"), token: rig.token });
    expect(closed).toMatchObject({
      status: 503,
      headers: { "retry-after": "1" },
      json: { error: { data: { code: "unavailable" } } },
    });
    rig.controlPlane.setReachable(true);
    clock.ms += 2_000;
    await vi.waitFor(async () => expect(await status()).toBe(200), { timeout: 3_000 });
  });
});

/** Everything that a session's stream says until it tells of a change. */
async function fetchEvents(rig: Rig, session: string): Promise<string> {
  const headers = { authorization: `Bearer ${rig.token}`, "mcp-session-id": session, accept: "text/event-stream" };
  const { body } = await fetch(new URL("/mcp", rig.url), { headers });
  let heard = "";
  for await (const chunk of body ?? []) {
    heard += Buffer.from(chunk).toString("utf8");
    if (heard.includes("list_changed")) break;
  }
  return heard;
}
