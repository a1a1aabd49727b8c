import { request, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { text, tool } from "../../../../tests/fixtures/http-fixture-tools.ts";
import { startLegacyServer } from "../../../../tests/fixtures/http-legacy-server.ts";
import { startModernServer } from "../../../../tests/fixtures/http-modern-server.ts";
import { startRig, type Rig, started } from "../support/gateway-rig.ts";
import { type Json, legacy, modern, openSession, send, type WireRequest } from "../support/wire.ts";

const KEY = "io.modelcontextprotocol/";

interface OpenStream {
  status: number;
  messages: Json[];
  /** Everything that came, comments included. */
  raw(): string;
  isEnded(): boolean;
  close(): void;
}

async function openStream(
  rig: Rig,
  { method = "POST", headers, body, token = rig.token }: WireRequest,
): Promise<OpenStream> {
  const outgoing = request(new URL("/mcp", rig.url), {
    method,
    agent: false,
    headers: {
      authorization: `Bearer ${token}`,
      accept: "text/event-stream",
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
  });
  outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  const incoming = await new Promise<IncomingMessage>((resolve) => outgoing.on("response", resolve));
  const messages: Json[] = [];
  let raw = "";
  let isEnded = false;
  incoming.on("data", (chunk: Buffer) => {
    raw += chunk.toString("utf8");
    for (const [, line = ""] of chunk.toString("utf8").matchAll(/^data: (.*)$/gm)) messages.push(JSON.parse(line));
  });
  incoming.on("end", () => (isEnded = true));
  incoming.on("error", () => {});
  onTestFinished(() => void outgoing.destroy());
  const status = incoming.statusCode ?? 0;
  return { status, messages, raw: () => raw, isEnded: () => isEnded, close: () => outgoing.destroy() };
}

const openGet = (rig: Rig, session: string) =>
  openStream(rig, { method: "GET", headers: { "mcp-session-id": session } });

function openListen(rig: Rig, notifications: Json, id: Json = "sub-1"): Promise<OpenStream> {
  return openStream(rig, modern("subscriptions/listen", { notifications }, id));
}

const START = { legacy: startLegacyServer, modern: startModernServer };

describe.each(["legacy", "modern"] as const)("a change of the tools of a %s server", (era) => {
  it("is told on subscriptions and on the streams of sessions, and the list has it", async () => {
    const server = await started(START[era]({ tools: [tool("one", () => text("1"))] }));
    const rig = await startRig({ servers: { files: server } });
    const session = await openSession(rig.url, rig.token);
    await send(rig.url, { ...legacy(session, "tools/list"), token: rig.token });
    const subscription = await openListen(rig, { toolsListChanged: true }, 7);
    const stream = await openGet(rig, session);
    const opensStream = era === "legacy" ? "GET" : "subscriptions/listen";
    await vi.waitFor(() => {
      const opened = server.seen.map(({ httpMethod, body }) => body["method"] ?? httpMethod);
      expect(opened).toContain(opensStream);
    });
    server.options.tools = [tool("one", () => text("1")), tool("two", () => text("2"))];
    server.announceChange();
    await vi.waitFor(() => expect(subscription.messages).toHaveLength(2), { timeout: 5_000 });
    expect(subscription.messages).toEqual([
      {
        jsonrpc: "2.0",
        method: "notifications/subscriptions/acknowledged",
        params: { _meta: { [`${KEY}subscriptionId`]: 7 }, notifications: { toolsListChanged: true } },
      },
      {
        jsonrpc: "2.0",
        method: "notifications/tools/list_changed",
        params: { _meta: { [`${KEY}subscriptionId`]: 7 } },
      },
    ]);
    await vi.waitFor(() =>
      expect(stream.messages).toEqual([{ jsonrpc: "2.0", method: "notifications/tools/list_changed" }]),
    );
    const { json } = await send(rig.url, { ...modern("tools/list"), token: rig.token });
    expect(json.result.tools.map(({ name }: Json) => name)).toEqual(["files__one", "files__two"]);
  });
});

describe("a subscription", () => {
  it("grants only what the gateway has, and only what was asked for", async () => {
    const rig = await startRig();
    const filter = {
      promptsListChanged: true,
      tasksChanged: true,
      resourceSubscriptions: ["a:b"],
      toolsListChanged: false,
    };
    const { messages } = await openListen(rig, filter);
    await vi.waitFor(() => expect(messages).toHaveLength(1));
    expect(messages[0].params.notifications).toEqual({ promptsListChanged: true });
  });

  it("is not told of changes that were not asked for", async () => {
    const clock = { ms: 0 };
    const rig = await startRig({ servers: { files: await started(startModernServer()) }, now: () => clock.ms });
    const deaf = await openListen(rig, {});
    const listening = await openListen(rig, { toolsListChanged: true });
    await send(rig.url, { ...modern("tools/list"), token: rig.token });
    rig.controlPlane.setProject("demo", []);
    clock.ms += 6_000;
    await vi.waitFor(() => expect(listening.messages).toHaveLength(2), { timeout: 5_000 });
    expect(deaf.messages).toHaveLength(1);
  });

  it.each([
    ["a client that takes no stream", { accept: "application/json" }, { notifications: {} }, 406],
    ["a request without a filter", {}, {}, 400],
  ])("is refused to %s", async (_, headers, params, status) => {
    const rig = await startRig();
    const request = modern("subscriptions/listen", params);
    const answer = await send(rig.url, { ...request, headers: { ...request.headers, ...headers }, token: rig.token });
    expect(answer.status).toBe(status);
  });

  it("ends with a result when the gateway stops", async () => {
    const rig = await startRig();
    const { messages, isEnded } = await openListen(rig, { toolsListChanged: true });
    await vi.waitFor(() => expect(messages).toHaveLength(1));
    await rig.close();
    await vi.waitFor(() => expect(isEnded()).toBe(true));
    const result = { resultType: "complete", _meta: { [`${KEY}subscriptionId`]: "sub-1" } };
    expect(messages.at(-1)).toEqual({ jsonrpc: "2.0", id: "sub-1", result });
  });
});

describe("an open stream", () => {
  it("is kept alive by comments", async () => {
    const clock = { ms: 0 };
    const rig = await startRig({ now: () => clock.ms });
    const { raw } = await openListen(rig, { toolsListChanged: true });
    clock.ms += 15_000;
    await vi.waitFor(() => expect(raw()).toContain("\n\n:\n\n"), { timeout: 3_000 });
  });

  it("is cut when its token is revoked, and the session with it", async () => {
    const clock = { ms: 0 };
    const rig = await startRig({ now: () => clock.ms });
    const other = rig.controlPlane.addToken("demo", "other");
    const session = await openSession(rig.url, rig.token);
    const streams = [await openGet(rig, session), await openListen(rig, { toolsListChanged: true })];
    const others = await openStream(rig, { ...modern("subscriptions/listen", { notifications: {} }), token: other });
    rig.controlPlane.revoke(rig.token);
    clock.ms += 4_000;
    await vi.waitFor(() => expect(streams[0]?.isEnded()).toBe(true), { timeout: 3_000 });
    expect(streams.map((stream) => stream.isEnded())).toEqual([true, true]);
    expect(others.isEnded()).toBe(false);
    expect((await send(rig.url, { ...legacy(session, "ping"), token: rig.token })).status).toBe(401);
  });

  it("of a session ends with the session", async () => {
    const rig = await startRig();
    const session = await openSession(rig.url, rig.token);
    const stream = await openGet(rig, session);
    await send(rig.url, { method: "DELETE", headers: { "mcp-session-id": session }, token: rig.token });
    await vi.waitFor(() => expect(stream.isEnded()).toBe(true));
  });

  it("of a session is told at once what it missed before it was opened", async () => {
    const server = await started(startModernServer({ tools: [tool("one", () => text("1"))] }));
    const rig = await startRig({ servers: { files: server } });
    const session = await openSession(rig.url, rig.token);
    await send(rig.url, { ...legacy(session, "tools/list"), token: rig.token });
    expect((await openGet(rig, session)).messages).toEqual([]);
    server.options.tools = [];
    server.announceChange();
    await sleep(1_500);
    const late = await openGet(rig, session);
    await vi.waitFor(() => expect(late.messages).toHaveLength(1));
  });

  it("tells a change to one stream of a session only, the newest", async () => {
    const clock = { ms: 0 };
    const rig = await startRig({ servers: { files: await started(startModernServer()) }, now: () => clock.ms });
    const session = await openSession(rig.url, rig.token);
    await send(rig.url, { ...legacy(session, "tools/list"), token: rig.token });
    const streams = [await openGet(rig, session), await openGet(rig, session)];
    rig.controlPlane.setProject("demo", []);
    clock.ms += 6_000;
    await vi.waitFor(() => expect(streams[1]?.messages).toHaveLength(1), { timeout: 15_000 });
    expect(streams[0]?.messages).toEqual([]);
  });
});
