import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { HttpFixture } from "../../../../tests/fixtures/http-fixture-server.ts";
import { startModernServer } from "../../../../tests/fixtures/http-modern-server.ts";
import { type Rig, startRig, started } from "../support/gateway-rig.ts";
import { type Json, modern, send, type WireAnswer } from "../support/wire.ts";

const PATIENCE = { timeout: 15_000 };

interface TwoServers {
  rig: Rig;
  other: HttpFixture;
}

/** A gateway with a healthy server and another one that a test lets fail. */
async function startTwo(options: Parameters<typeof startRig>[0] = {}): Promise<TwoServers> {
  const other = await started(startModernServer());
  const rig = await startRig({ ...options, servers: { good: await started(startModernServer()), other } });
  expect((await call(rig, "other__echo")).status).toBe(200);
  return { rig, other };
}

function call(rig: Rig, name: string, args: Json = { message: "hi" }): Promise<WireAnswer> {
  return send(rig.url, { ...modern("tools/call", { name, arguments: args }), token: rig.token });
}

/** The value of a line of `/metrics`, or of all its lines together; 0 when there is none. */
async function metric(rig: Rig, name: string): Promise<number> {
  const { text } = await send(rig.url, { method: "GET", path: "/metrics" });
  const lines = text.split("\n").filter((line) => line.startsWith(name) && !line.startsWith("#"));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

async function openSocket(rig: Rig): Promise<{ socket: Socket; heard(): string }> {
  const socket = connect(Number(new URL(rig.url).port), "127.0.0.1");
  let heard = "";
  socket.on("data", (chunk: Buffer) => (heard += chunk.toString("latin1")));
  socket.on("error", () => {});
  await once(socket, "connect");
  onTestFinished(() => void socket.destroy());
  return { socket, heard: () => heard };
}

/** The bytes of a call. */
function callText(token: string, name: string, args: Json = {}): string {
  const { headers, body } = modern("tools/call", { name, arguments: args });
  const payload = JSON.stringify(body);
  const all = { ...headers, host: "localhost", authorization: `Bearer ${token}`, "content-type": "application/json" };
  const lines = Object.entries(all).map(([header, value]) => `${header}: ${String(value)}`);
  return `POST /mcp HTTP/1.1\r\n${lines.join("\r\n")}\r\ncontent-length: ${payload.length}\r\n\r\n${payload}`;
}

/** Sends so many calls to the other server, each over a connection of its own, and waits for no answer. */
async function hang(rig: Rig, token: string, count: number): Promise<Socket[]> {
  const opened = await Promise.all(Array.from({ length: count }, () => openSocket(rig)));
  for (const { socket } of opened) socket.write(callText(token, "other__echo"));
  return opened.map(({ socket }) => socket);
}

const GET_HEALTH = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

describe("a server that hangs", () => {
  it("has its calls fail by timeout, is seen in the metrics, and disturbs no other", async () => {
    const { rig, other } = await startTwo();
    rig.controlPlane.setProject("hanging", [{ name: "other", url: other.url, timeoutSeconds: 2 }]);
    const token = rig.controlPlane.addToken("hanging");
    await send(rig.url, { ...modern("tools/list"), token });
    other.options.intercept = ({ body }) => body["method"] === "tools/call";
    const hung = Array.from({ length: 50 }, () =>
      send(rig.url, { ...modern("tools/call", { name: "other__echo", arguments: {} }), token }),
    );
    const inFlight = 'mcpctl_gateway_tool_calls_in_flight{server="other"}';
    await vi.waitFor(async () => expect(await metric(rig, inFlight)).toBe(50), PATIENCE);
    expect(await metric(rig, "mcpctl_gateway_requests_in_flight")).toBe(50);
    expect((await call(rig, "good__echo")).json.result.content[0].text).toBe("hi");
    for (const { status, json } of await Promise.all(hung)) {
      expect(status).toBe(200);
      expect(json.error.data).toEqual({ code: "upstream-timeout", hint: expect.stringContaining("describe server") });
    }
    const failures = 'mcpctl_gateway_tool_call_failures_total{server="other",code="upstream-timeout"}';
    expect(await metric(rig, failures)).toBe(50);
    expect(await metric(rig, inFlight)).toBe(0);
    await vi.waitFor(async () => expect(await metric(rig, "mcpctl_gateway_requests_in_flight")).toBe(0), PATIENCE);
  }, 30_000);

  it("gets no more than so many calls of a token, whose next one is refused at once", async () => {
    const { rig, other } = await startTwo();
    other.options.intercept = ({ body }) => body["method"] === "tools/call";
    const sockets = await hang(rig, rig.token, 1_024);
    await vi.waitFor(async () => expect(await metric(rig, "mcpctl_gateway_requests_in_flight")).toBe(1_024), PATIENCE);
    const refused = await call(rig, "good__echo");
    expect(refused).toMatchObject({ status: 429, headers: { "retry-after": "1" } });
    expect(refused.json.error.data).toEqual({ code: "too-many-requests", hint: expect.any(String) });
    const neighbour = rig.controlPlane.addToken("demo", "neighbour");
    const good = modern("tools/call", { name: "good__echo", arguments: { message: "hi" } });
    expect((await send(rig.url, { ...good, token: neighbour })).json.result.content[0].text).toBe("hi");
    for (const socket of sockets) socket.destroy();
    await vi.waitFor(async () => expect(await metric(rig, "mcpctl_gateway_requests_in_flight")).toBe(0), PATIENCE);
    expect((await call(rig, "good__echo")).status).toBe(200);
    expect(await metric(rig, 'mcpctl_gateway_refusals_total{code="too-many-requests"}')).toBe(1);
  }, 60_000);
});

describe("a server that hangs for many tokens", () => {
  it("gets no more than so many calls, whose next one fails at once with a type", async () => {
    const { rig, other } = await startTwo();
    other.options.intercept = ({ body }) => body["method"] === "tools/call";
    const tokens = ["a", "b"].map((name) => rig.controlPlane.addToken("demo", name));
    const held = await Promise.all(tokens.map((token) => hang(rig, token, 512)));
    const inFlight = 'mcpctl_gateway_tool_calls_in_flight{server="other"}';
    await vi.waitFor(async () => expect(await metric(rig, inFlight)).toBe(1_024), PATIENCE);
    const { status, json } = await call(rig, "other__echo");
    expect([status, json.error.data]).toEqual([200, { code: "too-many-requests", hint: expect.any(String) }]);
    expect((await call(rig, "good__echo")).json.result.content[0].text).toBe("hi");
    for (const socket of held.flat()) socket.destroy();
    await vi.waitFor(async () => expect(await metric(rig, inFlight)).toBe(0), PATIENCE);
  }, 60_000);
});

describe("connections beyond the bound", () => {
  it.each([
    ["of one address", { maxConnectionsPerAddress: 3 }, 429, "too-many-requests"],
    ["in all", { maxConnections: 3 }, 503, "unavailable"],
  ])("%s are refused, and served again when others have gone", async (_, options, status, code) => {
    const rig = await startRig({ options });
    const held = await Promise.all(Array.from({ length: 3 }, () => openSocket(rig)));
    const excess = await openSocket(rig);
    excess.socket.write(GET_HEALTH);
    await vi.waitFor(() => expect(excess.heard()).toContain(`"code":"${code}"`), PATIENCE);
    expect(excess.heard()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(excess.heard()).toMatch(/retry-after: 1/i);
    held[0]?.socket.write(GET_HEALTH);
    await vi.waitFor(() => expect(held[0]?.heard()).toMatch(/^HTTP\/1.1 200 /), PATIENCE);
    for (const { socket } of held) socket.destroy();
    await vi.waitFor(async () => {
      const { text } = await send(rig.url, { method: "GET", path: "/metrics" });
      expect(text).toMatch(/connections_ended_total\{bound="(?:address|total)"\} [1-9]/);
    }, PATIENCE);
  });

  it("are no longer open when they have ended", async () => {
    const rig = await startRig();
    const held = await Promise.all(Array.from({ length: 100 }, () => openSocket(rig)));
    await vi.waitFor(async () => expect(await metric(rig, "mcpctl_gateway_connections ")).toBe(101), PATIENCE);
    for (const { socket } of held) socket.destroy();
    await vi.waitFor(async () => expect(await metric(rig, "mcpctl_gateway_connections ")).toBe(1), PATIENCE);
  });
});

describe("a request that does not arrive", () => {
  it.each([
    ["slow headers", "POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", "request-timeout", 408],
    ["headers without end", `GET / HTTP/1.1\r\nX: ${"x".repeat(20_000)}`, "bad-request", 400],
    ["no HTTP at all", "\u0016\u0003\u0001\u0002", "bad-request", 400],
  ])("because of %s is answered with a problem and counted", async (_, text, code, status) => {
    const rig = await startRig({ options: { timeouts: { headersMs: 300, bodyMs: 600, checkIntervalMs: 50 } } });
    const { socket, heard } = await openSocket(rig);
    const closed = once(socket, "close");
    socket.write(text, "latin1");
    await closed;
    expect(heard()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    const problem = JSON.parse(heard().slice(heard().indexOf("\r\n\r\n")));
    expect(problem).toMatchObject({ code, status, hint: expect.any(String) });
    expect(await metric(rig, `mcpctl_gateway_refusals_total{code="${code}"}`)).toBe(1);
  });
});

describe("a client that does not take its answer", () => {
  const LARGE = { name: "good__big", arguments: { bytes: 12_000_000 } };

  function ask(rig: Rig): string {
    return callText(rig.token, LARGE.name, LARGE.arguments);
  }

  it("loses its connection, and with it what was kept for it", async () => {
    const { rig } = await startTwo({ options: { timeouts: { stallMs: 500 } } });
    const { socket } = await openSocket(rig);
    socket.pause();
    socket.write(ask(rig));
    await vi.waitFor(async () => expect(await metric(rig, "mcpctl_gateway_unread_bytes")).toBeGreaterThan(0), PATIENCE);
    expect((await call(rig, "good__echo")).status).toBe(200);
    const stalled = 'mcpctl_gateway_connections_ended_total{bound="stalled"}';
    await vi.waitFor(async () => expect(await metric(rig, stalled)).toBe(1), PATIENCE);
    expect(await metric(rig, "mcpctl_gateway_unread_bytes")).toBe(0);
    expect(await metric(rig, "mcpctl_gateway_connections ")).toBe(1);
  }, 60_000);

  it("but takes it slowly gets all of it", async () => {
    const { rig } = await startTwo({ options: { timeouts: { stallMs: 2_000 } } });
    const { socket } = await openSocket(rig);
    let bytes = 0;
    socket.removeAllListeners("data");
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      socket.pause();
      setTimeout(() => socket.resume(), 10);
    });
    socket.write(ask(rig));
    await vi.waitFor(() => expect(bytes).toBeGreaterThan(LARGE.arguments.bytes), { timeout: 50_000 });
  }, 60_000);
});

describe("readiness", () => {
  const ready = async (rig: Rig) => {
    const { status, json } = await send(rig.url, { method: "GET", path: "/readyz" });
    return [status, json.status];
  };

  it("lasts for the grace while mcpd is silent, ends with it, and comes back", async () => {
    const clock = { ms: 0 };
    const rig = await startRig({ now: () => clock.ms, options: { graceSeconds: 30 } });
    expect(await ready(rig)).toEqual([200, "ok"]);
    rig.controlPlane.setReachable(false);
    clock.ms = 29_000;
    expect(await ready(rig)).toEqual([200, "ok"]);
    expect(await metric(rig, "mcpctl_gateway_control_plane_up")).toBe(0);
    clock.ms = 31_000;
    expect(await ready(rig)).toEqual([503, "unavailable"]);
    rig.controlPlane.setReachable(true);
    clock.ms = 33_000;
    expect(await ready(rig)).toEqual([200, "ok"]);
    expect(await metric(rig, "mcpctl_gateway_control_plane_up")).toBe(1);
  });

  it("does not begin before mcpd has answered", async () => {
    const clock = { ms: 0 };
    const rig = await startRig({ now: () => clock.ms });
    rig.controlPlane.setReachable(false);
    expect(await ready(rig)).toEqual([503, "unavailable"]);
    expect((await send(rig.url, { method: "GET", path: "/livez" })).status).toBe(200);
  });
});
