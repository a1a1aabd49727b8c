import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningInstance } from "../../src/orchestrators/orchestrator.ts";
import { STDIO_LIMITS, StdioUpstream } from "../../src/orchestrators/stdio-upstream.ts";
import { callTool, createRig, textOf, valueOf } from "./rig.ts";

const signal = new AbortController().signal;
const rig = createRig({ stdio: { ...STDIO_LIMITS, maxLineBytes: 200_000, maxUnsentBytes: 1_000_000 } });
let echo: RunningInstance;
let modern: RunningInstance;

beforeAll(async () => {
  [echo, modern] = await Promise.all([rig.run("echo"), rig.run("modern", { env: { LOG_LEVEL: "info" } })]);
}, 30_000);
afterAll(() => rig[Symbol.asyncDispose]());

function call(instance: RunningInstance, name: string, params: object = {}) {
  return instance.upstream.request("tools/call", { name, ...params }, { signal });
}

describe("a server of the old era", () => {
  it("is probed, then initialized with the latest revision that it can know", async () => {
    const received = await callTool(echo.upstream, "received");
    expect(received.slice(0, 3)).toMatchObject([
      { method: "server/discover", params: { _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } } },
      {
        method: "initialize",
        params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "mcpctl" } },
      },
      { method: "notifications/initialized" },
    ]);
  });

  it("says who it is", async () => {
    expect(await echo.upstream.connect(signal)).toMatchObject({
      era: "legacy",
      protocolVersion: "2025-11-25",
      serverInfo: { name: "stdio-echo", version: "1.0.0" },
    });
  });

  it("gets requests as they are, without an envelope", async () => {
    await call(echo, "echo", { arguments: { text: "hä" }, _meta: { traceparent: "00-1" } });
    const received = await callTool(echo.upstream, "received");
    expect(received.at(-2).params).toEqual({ name: "echo", arguments: { text: "hä" }, _meta: { traceparent: "00-1" } });
  });

  it("gives its value as bytes, for results and errors alike", async () => {
    expect(await call(echo, "echo", { arguments: { text: "hello" } })).toMatchObject({ kind: "result" });
    const error = await call(echo, "no-such-tool");
    expect(error.kind).toBe("error");
    expect(valueOf(error)).toEqual({ code: -32602, message: "Unknown tool: no-such-tool" });
  });

  it("answers many callers at once, each with its own answer", async () => {
    const texts = Array.from({ length: 200 }, (_, index) => `text ${index}`);
    expect(await Promise.all(texts.map((text) => callTool(echo.upstream, "echo", { text })))).toEqual(texts);
  });

  it("may answer with a line that comes in many chunks", async () => {
    expect(await callTool(echo.upstream, "large", { bytes: 190_000 })).toHaveLength(190_000);
  });
});

describe("a server of the stateless era", () => {
  it("is found by the probe alone", async () => {
    expect(await modern.upstream.connect(signal)).toMatchObject({
      era: "modern",
      protocolVersion: "2026-07-28",
      serverInfo: { name: "stdio-modern" },
    });
    const received = await callTool(modern.upstream, "received");
    expect(received.map(({ method }: { method: string }) => method)).not.toContain("initialize");
  });

  it("gets the envelope with every request, and what the caller put beside it", async () => {
    await call(modern, "echo", { _meta: { traceparent: "00-1", "io.modelcontextprotocol/protocolVersion": "forged" } });
    const received = await callTool(modern.upstream, "received");
    expect(received.at(-2).params._meta).toEqual({
      traceparent: "00-1",
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientCapabilities": {},
      "io.modelcontextprotocol/clientInfo": { name: "mcpctl", version: expect.any(String) },
    });
  });

  it("is asked to tell when its tools change", async () => {
    let changes = 0;
    const forget = modern.upstream.onChange(() => (changes += 1));
    await callTool(modern.upstream, "grow");
    forget();
    await callTool(modern.upstream, "grow");
    expect(changes).toBe(1);
  });

  it("is still found when it takes longer to start than the probe waits", async () => {
    await using slow = createRig({ stdio: { ...STDIO_LIMITS, probeMs: 50 } });
    const instance = await slow.run("modern", { env: { STDIO_DELAY_MS: "400" } });
    expect(instance.state.identity?.era).toBe("modern");
  });
});

describe("cancellation", () => {
  it("tells the server when the caller aborts, and fails with the caller's reason", async () => {
    const abort = new AbortController();
    const hanging = echo.upstream.request("tools/call", { name: "hang" }, { signal: abort.signal });
    await sleep(50);
    abort.abort(new Error("gone"));
    await expect(hanging).rejects.toThrow("gone");
    const received = await callTool(echo.upstream, "received");
    const hang = received.findLast(({ params }: { params?: { name?: string } }) => params?.name === "hang");
    expect(received.at(-2)).toMatchObject({ method: "notifications/cancelled", params: { requestId: hang.id } });
  });

  it("does not even send what was aborted before", async () => {
    const before = await callTool(echo.upstream, "received");
    const request = echo.upstream.request(
      "tools/call",
      { name: "hang" },
      { signal: AbortSignal.abort(new Error("too late")) },
    );
    await expect(request).rejects.toThrow("too late");
    expect(await callTool(echo.upstream, "received")).toHaveLength(before.length + 1);
  });

  it("tells the server when the limit is over", async () => {
    const hasty = await rig.run("echo", { name: "hasty", timeoutSeconds: 0.3 });
    await expect(call(hasty, "hang")).rejects.toMatchObject({
      code: "upstream-timeout",
      message: 'Server "echo" did not answer within 0.3 s',
      hint: "See why with: mcpctl describe server echo",
    });
    expect((await callTool(hasty.upstream, "received")).at(-2)).toMatchObject({ method: "notifications/cancelled" });
  });
});

describe("progress", () => {
  it("reaches the caller under the caller's own token, and only the one who asked", async () => {
    const heard: unknown[] = [];
    const onNotification = (message: Uint8Array) => heard.push(JSON.parse(Buffer.from(message).toString()));
    const ask = (token: string) => ({ name: "progress", _meta: { progressToken: token } });
    const reply = await echo.upstream.request("tools/call", ask("mine"), { signal, onNotification });
    await echo.upstream.request("tools/call", ask("another"), { signal });
    const params = { progressToken: "mine", progress: 1 };
    expect(heard).toEqual([{ jsonrpc: "2.0", method: "notifications/progress", params }]);
    expect(textOf(reply).progressToken).toEqual(expect.any(Number));
  });

  it("works with a server of the stateless era", async () => {
    const heard: object[] = [];
    const onNotification = (message: Uint8Array) => heard.push(JSON.parse(Buffer.from(message).toString()));
    await modern.upstream.request(
      "tools/call",
      { name: "progress", _meta: { progressToken: 0 } },
      { signal, onNotification },
    );
    expect(heard).toMatchObject([{ params: { progressToken: 0 } }]);
  });
});

describe("a server that misbehaves", () => {
  it("may print lines that are no messages", async () => {
    expect(await callTool(echo.upstream, "garbage")).toBe("after garbage");
  });

  it("may answer ids that nobody waits for, and answer twice", async () => {
    expect(await callTool(echo.upstream, "twice")).toBe("first");
    expect(await callTool(echo.upstream, "echo", { text: "in step" })).toBe("in step");
  });

  it("gets a pong for a ping, and nothing else that it asks for", async () => {
    expect(await callTool(echo.upstream, "ask")).toEqual([
      { jsonrpc: "2.0", id: "ping-1", result: {} },
      { jsonrpc: "2.0", id: 7, error: expect.objectContaining({ code: -32601 }) },
    ]);
  });

  it.each(["large", "large-id-last"])("fails the one request whose answer is too long (%s)", async (name) => {
    const patient = callTool(echo.upstream, "ask");
    await expect(callTool(echo.upstream, name, { bytes: 400_000 })).rejects.toMatchObject({
      code: "upstream-protocol",
    });
    await patient;
    expect(await callTool(echo.upstream, "echo", { text: "alive" })).toBe("alive");
  });

  it("fails all requests when it cannot be told whose answer was too long", async () => {
    const waiting = call(echo, "hang");
    await expect(callTool(echo.upstream, "large-garbage", { bytes: 400_000 })).rejects.toMatchObject({
      code: "upstream-protocol",
    });
    await expect(waiting).rejects.toMatchObject({ code: "upstream-protocol" });
  });

  it("fails at once the request that it answers with something else than JSON-RPC", async () => {
    await expect(call(echo, "malformed")).rejects.toMatchObject({ code: "upstream-protocol" });
  });

  it("takes no more requests when it does not answer those that wait", async () => {
    await using strict = createRig({ stdio: { ...STDIO_LIMITS, maxRequests: 3 } });
    const silent = await strict.run("echo", { name: "silent", timeoutSeconds: 2 });
    const calls = Array.from({ length: 3 }, () => callTool(silent.upstream, "hang").catch(({ code }) => code));
    await expect(callTool(silent.upstream, "echo")).rejects.toMatchObject({
      code: "upstream-unavailable",
      message: expect.stringContaining("takes no more requests"),
    });
    expect(await Promise.all(calls)).toEqual(Array(3).fill("upstream-timeout"));
    expect(silent.load).toMatchObject({ requestsInFlight: 0, timeouts: 3, restarts: 0 });
    await expect(callTool(silent.upstream, "echo")).resolves.toBeDefined();
  });

  it("takes no more requests when it does not read those that wait", async () => {
    const deaf = await rig.run("echo", { name: "deaf", timeoutSeconds: 2 });
    await callTool(deaf.upstream, "deaf");
    const chunk = { text: "x".repeat(200_000) };
    const calls = Array.from({ length: 12 }, () =>
      callTool(deaf.upstream, "echo", chunk).catch(({ code, message }) => ({ code, message })),
    );
    expect((await calls.at(-1)).message).toContain("takes no more requests");
    expect(await calls[0]).toMatchObject({ code: "upstream-timeout" });
  });
});

describe("the connection", () => {
  it("writes the requests of one tick at once", async () => {
    const writes: string[] = [];
    const stdin = new PassThrough().on("data", (chunk) => writes.push(String(chunk)));
    const options = {
      server: "s",
      startTimeoutSeconds: 1,
      timeoutSeconds: 1,
      knownEra: "legacy",
      onBroken() {},
    } as const;
    const stdout = new PassThrough();
    const upstream = new StdioUpstream({ ...options, stdin, stdout });
    const initialized = { protocolVersion: "2025-06-18", capabilities: {}, serverInfo: { name: "s", version: "1" } };
    const connected = upstream.connect(signal);
    stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, result: initialized })}\r\n`);
    await connected;
    await sleep(20);
    writes.length = 0;
    const calls = [1, 2, 3].map((n) => upstream.request("tools/call", { n }, { signal }));
    await sleep(20);
    expect(writes).toHaveLength(1);
    expect(writes[0]?.trimEnd().split("\n")).toHaveLength(3);
    await upstream.close();
    for (const request of calls) await expect(request).rejects.toMatchObject({ code: "upstream-unavailable" });
  });
});
