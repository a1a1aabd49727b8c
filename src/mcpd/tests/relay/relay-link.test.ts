import { setTimeout as sleep } from "node:timers/promises";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningInstance } from "../../src/orchestrators/orchestrator.ts";
import { createRelayLinks } from "../../src/relay/relay-links.ts";
import { callTool, createRig, until } from "../orchestrators/rig.ts";
import { accessOf, contentOf, openLink, socketPair } from "./link-rig.ts";

const rig = createRig();
let echo: RunningInstance;
let modern: RunningInstance;
beforeAll(async () => {
  [echo, modern] = await Promise.all([rig.run("echo"), rig.run("modern")]);
}, 30_000);
afterAll(() => rig[Symbol.asyncDispose]());

const NONE = accessOf(() => false);
const REVOKED = new McpctlError("unauthenticated", "No valid bearer token was sent", { hint: "Log in" });

async function lastOf(instance: RunningInstance, name: string) {
  const received: { id?: number; params?: { name?: string } }[] = await callTool(instance.upstream, "received");
  return received.findLast(({ params }) => params?.name === name);
}

describe("what a caller may do on a link", () => {
  it("is what it may do over HTTP", async () => {
    const { ask, call } = await openLink(modern.upstream);
    const list = await ask({ id: 1, method: "tools/list", params: {} });
    expect(JSON.stringify(list)).toContain("echo");
    expect(JSON.stringify(list)).not.toContain("secret");
    expect(await call("secret")).toMatchObject({ error: { code: -32602, message: "Unknown tool: secret" } });
    expect(await call("echo", { Name: "secret" })).toMatchObject({ error: { code: -32602 } });
    for (const method of ["resources/list", "subscriptions/listen", "nonsense"]) {
      expect(await ask({ id: method, method, params: {} })).toMatchObject({ error: { code: -32601 } });
    }
    const _meta = { traceparent: "00-1", "io.modelcontextprotocol/clientInfo": { name: "forged" } };
    await call("echo", { _meta });
    expect(await lastOf(modern, "echo")).toMatchObject({
      params: { _meta: { traceparent: "00-1", "io.modelcontextprotocol/clientInfo": { name: "mcpctl" } } },
    });
  });

  it("is found out in the era of the server", async () => {
    const old = await openLink(echo.upstream);
    const params = { protocolVersion: "2025-11-25" };
    expect(await old.ask({ id: 1, method: "server/discover" })).toMatchObject({ error: { code: -32601 } });
    expect(await old.ask({ id: 2, method: "initialize", params })).toMatchObject({
      result: { protocolVersion: "2025-11-25", capabilities: { tools: {} } },
    });
    const young = await openLink(modern.upstream);
    expect(await young.ask({ id: 1, method: "server/discover" })).toMatchObject({
      result: { supportedVersions: ["2026-07-28"] },
    });
  });
});

describe("what a server says besides its answers", () => {
  it("is dropped when it is no JSON, and the link goes on", async () => {
    const malformed = Buffer.from('{"jsonrpc":"2.0","method":"notifications/message","params":{oops}}');
    const { received, call } = await openLink({
      ...echo.upstream,
      connect: (signal) => echo.upstream.connect(signal),
      request(method, params, options) {
        options.onNotification?.(malformed);
        return echo.upstream.request(method, params, options);
      },
      onChange: () => () => {},
      subscribe: () => () => {},
      close: async () => {},
    });
    expect(contentOf(await call("echo", { arguments: { text: "a" }, _meta: { "mcpctl.io/notifies": true } }))).toBe(
      "a",
    );
    expect(received).toHaveLength(1);
  });
});

describe("messages on a link", () => {
  it("are answered under the caller's ids, many at a time, whichever comes first", async () => {
    const { call, send, received } = await openLink(echo.upstream);
    const slow = call("ask", {}, "slow");
    const texts = Array.from({ length: 200 }, (_, index) => `text ${index}`);
    const answers = await Promise.all(texts.map((text, index) => call("echo", { arguments: { text } }, index)));
    expect(answers.map(contentOf)).toEqual(texts);
    await slow;
    expect(received.at(-1)).toMatchObject({ id: "slow" });
    send("", "  ");
    expect(contentOf(await call("echo", { arguments: { text: "blank lines mean nothing" } }))).toContain("blank");
  });

  it("are refused one by one when they are none, and the link goes on", async () => {
    const { send, received, call } = await openLink(echo.upstream);
    send("no json", "[]", { id: 5 }, { id: 6, method: "tools/call", params: [] }, { id: 7, result: {} });
    await call("echo");
    const codes = received.map((message) => [message.id, (message as { error?: { code: number } }).error?.code]);
    expect(codes.slice(0, 4)).toEqual([
      [null, -32700],
      [null, -32600],
      [5, -32600],
      [6, -32602],
    ]);
    expect(codes).toHaveLength(5);
  });

  it("are refused when they are too long, too many, or named like one that is under way", async () => {
    const { send, ask, call, received } = await openLink(echo.upstream, { maxCalls: 1 });
    expect(await call("echo", { arguments: { text: "x".repeat(200_000) } }, 4)).toMatchObject({
      error: { message: "The message is too long" },
    });
    send({ id: 1, method: "tools/call", params: { name: "hang" } });
    expect(await ask({ id: 1, method: "ping" })).toMatchObject({ error: { code: -32600 } });
    expect(await ask({ id: 2, method: "ping" })).toMatchObject({ error: { data: { code: "too-many-requests" } } });
    expect(received).toHaveLength(3);
  });

  it("may be 5 MB long on the way back", async () => {
    const { call } = await openLink(echo.upstream, { maxUnsentBytes: 20_000_000 });
    const answers = await Promise.all([5_000_000, 5_000_001].map((bytes) => call("large", { arguments: { bytes } })));
    expect(answers.map((answer) => contentOf(answer).length)).toEqual([5_000_000, 5_000_001]);
  });

  it("are each their own, long and short ones side by side", async () => {
    const { call } = await openLink(echo.upstream, { maxLineBytes: 1_000_000, maxUnsentBytes: 64_000_000 });
    for (let round = 0; round < 5; round += 1) {
      const texts = Array.from({ length: 24 }, (_, index) => `${round}/${index} `.repeat(1 + ((index * 7) % 11) ** 4));
      const answers = await Promise.all(texts.map((text) => call("echo", { arguments: { text } })));
      expect(answers.map(contentOf)).toEqual(texts);
    }
  });

  it("tell of progress, under the caller's token, before the answer", async () => {
    const { call, received } = await openLink(echo.upstream);
    await call("progress", { _meta: { progressToken: "mine" } }, 1);
    expect(received).toMatchObject([
      { method: "notifications/progress", params: { progressToken: "mine", progress: 1 } },
      { id: 1 },
    ]);
  });

  it.each(["echo", "modern"])("tell unasked that the tools have changed (%s)", async (name) => {
    const { call, received } = await openLink((name === "echo" ? echo : modern).upstream);
    await call("grow", {}, 1);
    expect(received).toContainEqual({ jsonrpc: "2.0", method: "notifications/tools/list_changed" });
  });

  it("fail at once when the server dies in the middle", async () => {
    const instance = await rig.run("echo", { name: "mortal" });
    const { call } = await openLink(instance.upstream);
    const hanging = call("hang");
    await call("crash", {}, "crash");
    expect(await hanging).toMatchObject({ error: { data: { code: "upstream-unavailable" } } });
    expect(contentOf(await call("echo", { arguments: { text: "back" } }))).toBe("back");
  });
});

describe("cancellation on a link", () => {
  it("reaches the server, and nobody answers", async () => {
    const { send, call, received } = await openLink(echo.upstream);
    send({ id: "a", method: "tools/call", params: { name: "hang" } });
    await call("echo");
    const hang = await lastOf(echo, "hang");
    send({ method: "notifications/cancelled", params: { requestId: "a" } });
    await call("echo");
    const all = await callTool(echo.upstream, "received");
    expect(all).toContainEqual(expect.objectContaining({ params: expect.objectContaining({ requestId: hang?.id }) }));
    expect(received.filter(({ id }) => id === "a")).toEqual([]);
  });

  it("is what the end of the connection means", async () => {
    const { send, call, socket } = await openLink(echo.upstream);
    send({ id: "a", method: "tools/call", params: { name: "hang" } });
    await call("echo");
    const hang = await lastOf(echo, "hang");
    socket.destroy();
    const cancelled = async () => JSON.stringify(await callTool(echo.upstream, "received"));
    await sleep(100);
    expect(await cancelled()).toContain(`"requestId":${hang?.id}`);
  });
});

describe("rights on a link", () => {
  it("are asked for anew after a commit, and the next call is judged by the answer", async () => {
    const { link, conditions, call } = await openLink(echo.upstream);
    await call("echo");
    expect(conditions.asked).toBe(0);
    conditions.access = NONE;
    link.expire();
    expect(await call("echo")).toMatchObject({ error: { message: "Unknown tool: echo" } });
    expect(conditions.asked).toBe(1);
  });

  it("count as of the last commit, also when one comes while they are asked for", async () => {
    const { link, conditions, call } = await openLink(echo.upstream);
    const held = Promise.withResolvers<void>();
    conditions.hold = held.promise;
    link.expire();
    const first = call("echo");
    await until(() => conditions.asked === 1);
    link.expire();
    const second = call("echo");
    await sleep(20);
    conditions.access = NONE;
    held.resolve();
    expect(await second).toMatchObject({ error: { message: "Unknown tool: echo" } });
    await first;
    expect(conditions.asked).toBe(2);
  });

  it("are confirmed in the background when they are old, and waited for when they are too old", async () => {
    const { conditions, call } = await openLink(echo.upstream);
    conditions.access = NONE;
    conditions.now = 2_000;
    expect(await call("echo")).toHaveProperty("result");
    await until(() => conditions.asked === 1);
    expect(await call("echo")).toHaveProperty("error");
    conditions.access = accessOf(() => true);
    conditions.now = 8_000;
    expect(await call("echo")).toHaveProperty("result");
  });

  it("end the link when they end, with the reason for every call that is under way", async () => {
    const { link, conditions, call, isEnded } = await openLink(echo.upstream);
    const hanging = call("hang");
    await call("echo");
    conditions.access = REVOKED;
    link.expire();
    link.tick();
    const refused = { error: { message: REVOKED.message, data: { code: "unauthenticated", hint: "Log in" } } };
    expect(await hanging).toMatchObject(refused);
    await until(isEnded);
  });

  it("end it for the call that finds out, and without any call", async () => {
    const used = await openLink(echo.upstream);
    used.conditions.access = REVOKED;
    used.link.expire();
    expect(await used.call("echo")).toMatchObject({ error: { data: { code: "unauthenticated" } } });
    await until(used.isEnded);

    const unused = await openLink(echo.upstream);
    unused.conditions.access = new McpctlError("not-found", "server not found");
    unused.conditions.now = 6_000;
    unused.link.expire();
    unused.link.tick();
    await until(unused.isEnded);
  });

  it("end it when mcpd runs the server no longer", async () => {
    const { link, conditions, call, isEnded } = await openLink(echo.upstream);
    conditions.access = accessOf(() => true, { url: "https://mcp.example.com" });
    link.expire();
    expect(await call("echo")).toMatchObject({ error: { data: { code: "not-found" } } });
    await until(isEnded);
  });

  it("fail a call while they cannot be asked for, and the link lasts", async () => {
    const { link, conditions, call } = await openLink(echo.upstream);
    const { access } = conditions;
    conditions.access = new McpctlError("database-unavailable", "The database does not answer");
    link.expire();
    expect(await call("echo")).toMatchObject({ error: { data: { code: "database-unavailable" } } });
    conditions.access = access;
    expect(await call("echo")).toHaveProperty("result");
  });
});

describe("a gateway that behaves badly", () => {
  it("is cut off when it does not read", async () => {
    const { socket, far, send } = await openLink(echo.upstream, { maxUnsentBytes: 30_000_000 });
    socket.pause();
    const calls = Array.from({ length: 40 }, (_, id) => ({
      id,
      method: "tools/call",
      params: { name: "large", arguments: { bytes: 2_000_000 } },
    }));
    send(...calls);
    await until(() => far.destroyed);
  });

  it("is cut off when a line does not end, and let go when nothing comes at all", async () => {
    const slow = await openLink(echo.upstream);
    slow.socket.write('{"jsonrpc":');
    await sleep(50);
    slow.conditions.now = 20_000;
    slow.link.tick();
    slow.send("");
    await slow.call("echo");
    slow.socket.write("{");
    await sleep(50);
    slow.conditions.now = 51_000;
    slow.link.tick();
    await until(slow.isEnded);

    const idle = await openLink(echo.upstream);
    idle.conditions.now = 61_000;
    idle.link.tick();
    await until(idle.isEnded);
  });
});

describe("createRelayLinks", () => {
  it("opens so many links for one principal, and ends all with the server", async () => {
    const closing = new AbortController();
    const links = createRelayLinks({
      openUpstream: () => ({ ...echo.upstream, onChange: () => () => {}, close: async () => {} }) as never,
      onCommit: () => () => {},
      limits: { maxLinksPerPrincipal: 2 },
    });
    const granted = accessOf(() => true);
    const principal = { kind: "User", name: "ada", groups: [] } as const;
    const request = { principal, granted, authorize: async () => granted, signal: closing.signal };
    const pairs = [await socketPair(), await socketPair()];
    for (const [, far] of pairs) links.accept(request)(far);
    expect(() => links.accept(request)).toThrow("Too many links");
    links.accept({ ...request, principal: { ...principal, name: "eve" } });
    pairs[0]?.[0].destroy();
    await until(() => {
      try {
        return links.accept(request) !== undefined;
      } catch {
        return false;
      }
    });
    closing.abort();
    await until(() => pairs[1]?.[1].destroyed === true);
    links[Symbol.dispose]();
  });
});
