import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createHttpControlPlane } from "../../src/mcplocal/src/control-plane/http-control-plane.ts";
import { createGateway } from "../../src/mcplocal/src/gateway.ts";
import { createDispatcher } from "../../src/mcplocal/src/upstreams/dispatcher.ts";
import { type Json, modern, send, type WireAnswer } from "../../src/mcplocal/tests/support/wire.ts";
import { type Rest, startRest } from "../support/rest.ts";

const PATIENCE = { timeout: 20_000, interval: 100 };
const SERVER = join(import.meta.dirname, "..", "fixtures", "stdio-echo.mjs");
const SILENT_LOG = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const MAX_GROWTH_BYTES = 200_000_000;

describe("a project with a server that fails and one that does not", () => {
  const cleanup = new AsyncDisposableStack();
  let rest: Rest;
  let gateway: string;
  let token: string;

  beforeAll(async () => {
    rest = cleanup.use(await startRest(undefined));
    await declare("good", {});
    await declare("bad", { timeoutSeconds: 15 });
    const project = { kind: "Project", metadata: { name: "demo" }, spec: { servers: ["good", "bad"] } };
    expect((await rest.send("POST", "/api/v1/projects", project)).status).toBe(201);
    const wanted = { kind: "McpToken", metadata: { name: "agent", project: "demo" }, spec: {} };
    token = String((await rest.send("POST", "/api/v1/mcptokens", wanted)).body["token"]);
    const dispatcher = createDispatcher();
    cleanup.defer(() => dispatcher.destroy());
    const running = createGateway({
      controlPlane: createHttpControlPlane({ mcpdUrl: rest.url, dispatcher }),
      options: { host: "127.0.0.1", port: 0, drainSeconds: 1 },
      log: SILENT_LOG,
    });
    gateway = (await running.listen()).url;
    cleanup.defer(() => running.close());
    for (const server of ["good", "bad"]) await vi.waitFor(() => expectEcho(server), PATIENCE);
  }, 60_000);
  afterAll(() => cleanup.disposeAsync());

  async function declare(name: string, extra: object): Promise<void> {
    const spec = { command: process.execPath, args: [SERVER], ...extra };
    const answer = await rest.send("POST", "/api/v1/servers", { kind: "Server", metadata: { name }, spec });
    expect(answer.status).toBe(201);
  }

  function call(name: string, args: Json = {}): Promise<WireAnswer> {
    return send(gateway, { ...modern("tools/call", { name, arguments: args }), token });
  }

  async function expectEcho(server: string): Promise<void> {
    const { json } = await call(`${server}__echo`, { text: "hello" });
    expect(json.result?.content?.[0]?.text).toBe("hello");
  }

  /** The value of a line of `/metrics` of mcpd; 0 when there is none. */
  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`${rest.url}/metrics`)).text();
    const line = text.split("\n").find((candidate) => candidate.startsWith(`${name} `));
    return Number(line?.slice(line.lastIndexOf(" ")) ?? 0);
  }

  it("fails the call that ends the server, serves the other one meanwhile, and has it back", async () => {
    const { status, json } = await call("bad__crash");
    expect(status).toBe(200);
    expect(json.error.data).toEqual({ code: "upstream-unavailable", hint: expect.stringContaining("describe server") });
    await expectEcho("good");
    await vi.waitFor(() => expectEcho("bad"), PATIENCE);
    expect(await metric('mcpctl_server_restarts_total{server="bad"}')).toBe(1);
    expect(await metric('mcpctl_server_restarts_total{server="good"}')).toBe(0);
  }, 60_000);

  it("fails 200 calls that are not answered, serves the other server meanwhile, and gives everything back", async () => {
    const before = process.memoryUsage.rss();
    const hung = Array.from({ length: 200 }, () => call("bad__hang"));
    const inFlight = 'mcpctl_server_requests_in_flight{server="bad"}';
    await vi.waitFor(async () => expect(await metric(inFlight)).toBe(200), PATIENCE);
    for (let count = 0; count < 20; count += 1) await expectEcho("good");
    for (const { json } of await Promise.all(hung)) {
      expect(json.error.data).toEqual({ code: "upstream-timeout", hint: expect.stringContaining("describe server") });
    }
    expect(await metric(inFlight)).toBe(0);
    expect(process.memoryUsage.rss() - before).toBeLessThan(MAX_GROWTH_BYTES);
    await expectEcho("bad");
  }, 60_000);

  it("refuses further calls to a server that does not read, and serves the other one", async () => {
    await vi.waitFor(() => expectEcho("bad"), PATIENCE);
    expect((await call("bad__deaf")).status).toBe(200);
    const text = "x".repeat(3_000_000);
    const answers = await Promise.all(Array.from({ length: 10 }, () => call("bad__echo", { text })));
    const codes = answers.map(({ json }) => json.error?.data?.code);
    expect(codes).toContain("upstream-unavailable");
    expect(codes.filter((code) => code !== "upstream-unavailable" && code !== "upstream-timeout")).toEqual([]);
    expect(await metric('mcpctl_server_unsent_bytes{server="bad"}')).toBeGreaterThan(3_000_000);
    await expectEcho("good");
  }, 60_000);
});
