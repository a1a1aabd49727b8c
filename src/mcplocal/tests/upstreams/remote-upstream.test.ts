import type { Upstream, UpstreamChange } from "@mcpctl/shared/mcp/upstream.ts";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { startModernServer } from "../../../../tests/fixtures/http-modern-server.ts";
import { startSseServer } from "../../../../tests/fixtures/http-sse-server.ts";
import { createDispatcher } from "../../src/upstreams/dispatcher.ts";
import { createRemoteUpstream } from "../../src/upstreams/remote-upstream.ts";

const signal = new AbortController().signal;
let dispatcher: ReturnType<typeof createDispatcher>;
beforeAll(() => void (dispatcher = createDispatcher()));
afterAll(() => dispatcher.destroy());

function open(url: string): Upstream {
  const upstream = createRemoteUpstream({
    name: "old",
    url: new URL(url),
    headers: { "x-key": "k" },
    timeoutSeconds: 5,
    dispatcher,
    capabilities: {},
  });
  onTestFinished(() => upstream.close());
  return upstream;
}

async function started<T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  onTestFinished(() => server.close());
  return server;
}

async function echo(upstream: Upstream, message: string): Promise<unknown> {
  const params = { name: "echo", arguments: { message } };
  const { json } = await upstream.request("tools/call", params, { signal });
  return JSON.parse(Buffer.from(json).toString());
}

describe("a server of the first revision", () => {
  it("is found out and called over its stream of events", async () => {
    const server = await started(startSseServer());
    const upstream = open(server.url);
    expect(await upstream.connect(signal)).toMatchObject({ era: "legacy", protocolVersion: "2024-11-05" });
    const answers = await Promise.all(["a", "b", "c"].map((message) => echo(upstream, message)));
    expect(answers).toEqual(["a", "b", "c"].map((text) => ({ content: [{ type: "text", text }] })));
    expect(server.posted.map(({ method }) => method)).toEqual([
      "initialize",
      "notifications/initialized",
      "tools/call",
      "tools/call",
      "tools/call",
    ]);
    expect(server.open.size).toBe(1);
  });

  it("is heard when it says that something changed", async () => {
    const server = await started(startSseServer());
    const upstream = open(server.url);
    const changes: UpstreamChange[] = [];
    upstream.onChange((change) => changes.push(change));
    await upstream.connect(signal);
    server.announceChange();
    await vi.waitFor(() => expect(changes).toEqual([{ kind: "tools" }]));
  });

  it("is reached again when its stream has ended", async () => {
    const server = await started(startSseServer());
    const upstream = open(server.url);
    await echo(upstream, "before");
    for (const stream of server.open) stream.destroy();
    await vi.waitFor(async () => expect(await echo(upstream, "after")).toMatchObject({ content: [{ text: "after" }] }));
    expect(server.open.size).toBe(1);
  });

  it("leaves no stream open when it is closed", async () => {
    const server = await started(startSseServer());
    const upstream = open(server.url);
    await echo(upstream, "x");
    await upstream.close();
    await vi.waitFor(() => expect(server.open.size).toBe(0));
  });

  it("gets nothing posted to another host that it names", async () => {
    const other = await started(startSseServer());
    const server = await started(startSseServer({ endpoint: new URL("/messages", other.url).href }));
    await expect(open(server.url).connect(signal)).rejects.toMatchObject({ code: "upstream-protocol" });
    expect(other.posted).toEqual([]);
  });
});

it("uses Streamable HTTP where the server speaks it, and asks for no stream", async () => {
  const server = await started(startModernServer());
  const upstream = open(server.url);
  expect(await upstream.connect(signal)).toMatchObject({ era: "modern" });
  expect(await echo(upstream, "new")).toMatchObject({ content: [{ text: "new" }] });
});

it("says what a server answered that speaks neither", async () => {
  const server = await started(startSseServer());
  const nowhere = open(new URL("/nowhere", server.url).href);
  await expect(nowhere.connect(signal)).rejects.toMatchObject({
    code: "upstream-protocol",
    message: expect.stringContaining("HTTP 404"),
  });
});
