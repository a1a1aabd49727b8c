import { setTimeout as sleep } from "node:timers/promises";
import type { ServerResponse } from "node:http";
import type { UpstreamChange } from "@mcpctl/shared/mcp/upstream.ts";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import {
  type FixtureOptions,
  type HttpFixture,
  type Message,
  startEvents,
  writeEvent,
  writeJson,
} from "../../../../tests/fixtures/http-fixture-server.ts";
import { startLegacyServer } from "../../../../tests/fixtures/http-legacy-server.ts";
import { startModernServer } from "../../../../tests/fixtures/http-modern-server.ts";
import { createDispatcher } from "../../src/upstreams/dispatcher.ts";
import { createHttpUpstream } from "../../src/upstreams/http-upstream.ts";

const SUBSCRIBABLE = { resources: { subscribe: true } };
const SOON = { timeout: 5_000 };

let dispatcher: ReturnType<typeof createDispatcher>;
beforeAll(() => void (dispatcher = createDispatcher()));
afterAll(() => dispatcher.destroy());

async function open(starting: Promise<HttpFixture>) {
  const server = await starting;
  const options = { name: "files", url: new URL(server.url), headers: {}, timeoutSeconds: 5, dispatcher };
  const upstream = createHttpUpstream({ ...options, capabilities: {} });
  const changes: UpstreamChange[] = [];
  onTestFinished(async () => {
    await upstream.close();
    await server.close();
  });
  return { server, upstream, changes, listen: () => upstream.onChange((change) => changes.push(change)) };
}

/** Opens streams, and says on them what a test wants. */
function streaming(capabilities: Message, slowMs = 0) {
  const streams = new Set<ServerResponse>();
  const intercept: FixtureOptions["intercept"] = ({ httpMethod, body }, response) => {
    const method = String(body["method"]);
    if (httpMethod === "GET" || method === "subscriptions/listen") {
      startEvents(response);
      streams.add(response);
      response.on("close", () => streams.delete(response));
      return true;
    }
    if (!method.startsWith("resources/")) return false;
    const delay = method === "resources/subscribe" ? slowMs : 0;
    setTimeout(() => writeJson(response, 200, { id: body["id"], result: {} }), delay);
    return true;
  };
  return { streams, options: { capabilities, intercept } };
}

const uriOf = ({ body }: { body: Message }) => body["params"].uri;
const subscriptionsOf = (server: HttpFixture) =>
  server.requests("subscriptions/listen").map(({ body }) => body["params"].notifications.resourceSubscriptions ?? []);

describe("resources of a server with sessions", () => {
  it("are subscribed to one by one, once for all who are interested, and told of", async () => {
    const { streams, options } = streaming(SUBSCRIBABLE);
    const { server, upstream, changes, listen } = await open(startLegacyServer(options));
    listen();
    const ends = [upstream.subscribe("x:1"), upstream.subscribe("x:1"), upstream.subscribe("x:2")];
    await vi.waitFor(() => expect(server.requests("resources/subscribe").map(uriOf)).toEqual(["x:1", "x:2"]), SOON);
    for (const stream of streams)
      writeEvent(stream, { method: "notifications/resources/updated", params: { uri: "x:1" } });
    await vi.waitFor(() => expect(changes).toEqual([{ kind: "resource", uri: "x:1" }]));
    for (const end of ends) end();
    await vi.waitFor(() => expect(server.requests("resources/unsubscribe").map(uriOf)).toEqual(["x:1", "x:2"]), SOON);
  });

  it("are spoken of once at a time, and not at all when interest comes and goes meanwhile", async () => {
    const { options } = streaming(SUBSCRIBABLE, 100);
    const { server, upstream } = await open(startLegacyServer(options));
    upstream.subscribe("x:1")();
    const end = upstream.subscribe("x:2");
    await vi.waitFor(() => expect(server.requests("resources/subscribe").map(uriOf)).toEqual(["x:2"]), SOON);
    end();
    const again = upstream.subscribe("x:2");
    await sleep(200);
    again();
    await vi.waitFor(() => expect(server.requests("resources/unsubscribe").map(uriOf)).toEqual(["x:2"]), SOON);
    expect(server.requests("resources/subscribe")).toHaveLength(1);
  });

  it("are given up in the same session also when interest in them went while there was no stream", async () => {
    const { streams, options } = streaming(SUBSCRIBABLE);
    const { server, upstream } = await open(startLegacyServer(options));
    const end = upstream.subscribe("x:1");
    upstream.subscribe("x:2");
    await vi.waitFor(() => expect(server.requests("resources/subscribe")).toHaveLength(2), SOON);
    for (const stream of streams) stream.end();
    await vi.waitFor(() => expect(streams.size).toBe(0));
    await sleep(50);
    end();
    await vi.waitFor(() => expect(server.requests("resources/unsubscribe").map(uriOf)).toEqual(["x:1"]), SOON);
  });

  it("are subscribed to anew when the server has forgotten the session", async () => {
    const { streams, options } = streaming(SUBSCRIBABLE);
    const { server, upstream } = await open(startLegacyServer(options));
    const { intercept } = options;
    options.intercept = (seen, response) =>
      seen.httpMethod === "GET" && !server.open.has(String(seen.headers["mcp-session-id"]))
        ? false
        : (intercept?.(seen, response) ?? false);
    upstream.subscribe("x:1");
    await vi.waitFor(() => expect(server.requests("resources/subscribe")).toHaveLength(1), SOON);
    server.open.clear();
    for (const stream of streams) stream.end();
    await vi.waitFor(() => expect(server.requests("initialize")).toHaveLength(2), { timeout: 8_000 });
    await vi.waitFor(() => expect(server.requests("resources/subscribe")).toHaveLength(2), { timeout: 8_000 });
  });
});

describe("resources of a stateless server", () => {
  it("are asked for all at once, and anew only when they are others", async () => {
    const { streams, options } = streaming(SUBSCRIBABLE);
    const { server, upstream, changes, listen } = await open(startModernServer(options));
    const ends = [upstream.subscribe("x:1"), upstream.subscribe("x:2"), upstream.subscribe("x:2")];
    listen();
    await vi.waitFor(() => expect(subscriptionsOf(server)).toEqual([["x:1", "x:2"]]), SOON);
    await sleep(200);
    upstream.subscribe("x:3")();
    ends[1]?.();
    await sleep(200);
    expect(subscriptionsOf(server)).toHaveLength(1);
    ends[2]?.();
    await vi.waitFor(() => expect(subscriptionsOf(server)).toEqual([["x:1", "x:2"], ["x:1"]]), SOON);
    await vi.waitFor(() => expect(streams.size).toBe(1));
    for (const stream of streams)
      writeEvent(stream, { method: "notifications/resources/updated", params: { uri: "x:1" } });
    await vi.waitFor(() => expect(changes).toContainEqual({ kind: "resource", uri: "x:1" }));
    upstream.subscribe("x:4");
    await vi.waitFor(() => expect(subscriptionsOf(server).at(-1)).toEqual(["x:1", "x:4"]), SOON);
    await sleep(300);
    expect(subscriptionsOf(server)).toHaveLength(3);
    expect(streams.size).toBe(1);
  });

  it("are not asked for where they cannot be subscribed to", async () => {
    const { options } = streaming({ resources: {} });
    const { server, upstream } = await open(startModernServer(options));
    upstream.subscribe("x:1");
    upstream.subscribe("x:2");
    await vi.waitFor(() => expect(server.requests("server/discover")).toHaveLength(1), SOON);
    await sleep(300);
    expect(subscriptionsOf(server)).toEqual([]);
  });

  it("that are no longer of interest leave no stream behind", async () => {
    const { streams, options } = streaming(SUBSCRIBABLE);
    const { server, upstream } = await open(startModernServer(options));
    const end = upstream.subscribe("x:1");
    await vi.waitFor(() => expect(subscriptionsOf(server)).toEqual([["x:1"]]), SOON);
    end();
    await vi.waitFor(() => expect(streams.size).toBe(0), SOON);
    upstream.subscribe("x:2");
    await vi.waitFor(() => expect(subscriptionsOf(server)).toEqual([["x:1"], ["x:2"]]), SOON);
  });
});
