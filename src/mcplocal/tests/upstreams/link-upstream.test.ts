import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Upstream, UpstreamChange, UpstreamIdentity } from "@mcpctl/shared/mcp/upstream.ts";
import { toProblem } from "@mcpctl/shared/problem.ts";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createLinkUpstream } from "../../src/upstreams/link-upstream.ts";
import { type FakeRelay, type FakeRelayOptions, startFakeRelay } from "../support/fake-relay.ts";

const signal = new AbortController().signal;
const IDENTITY: UpstreamIdentity = { era: "legacy", protocolVersion: "2025-11-25", capabilities: {} };

/** Stands for the connection over HTTP, which has tests of its own. */
function fallbackOf(counts: { opened: number; called: number }): Upstream {
  counts.opened += 1;
  return {
    identity: undefined,
    connect: async () => IDENTITY,
    async request() {
      counts.called += 1;
      return { kind: "result", json: Buffer.from('"over HTTP"') };
    },
    onChange: () => () => {},
    subscribe: () => () => {},
    close: async () => {},
  };
}

async function open(options: FakeRelayOptions = {}, url?: URL) {
  const relay = await startFakeRelay(options);
  const fallback = { opened: 0, called: 0 };
  const upstream = createLinkUpstream({
    name: "files",
    url: url ?? relay.url,
    headers: { authorization: "Bearer t" },
    timeoutSeconds: 5,
    openFallback: () => fallbackOf(fallback),
  });
  onTestFinished(() => upstream.close());
  return { relay, upstream, fallback };
}

async function call(upstream: Upstream, name: string, text = ""): Promise<unknown> {
  const { json } = await upstream.request("tools/call", { name, arguments: { text } }, { signal });
  return JSON.parse(Buffer.from(json).toString());
}

const callsOf = (relay: FakeRelay) => relay.received.filter(({ method }) => method === "tools/call");
const links = (relay: FakeRelay) => relay.dials.length;

describe("a link of the gateway to mcpd", () => {
  it("is dialled once for all, with the caller's bearer, and carries their calls", async () => {
    const { relay, upstream, fallback } = await open();
    const texts = Array.from({ length: 200 }, (_, index) => `ä ${index}`);
    const answers = await Promise.all(texts.map((text) => call(upstream, "echo", text)));
    expect(answers).toEqual(texts.map((text) => ({ name: "echo", arguments: { text } })));
    expect(relay.dials).toEqual([expect.objectContaining({ authorization: "Bearer t", upgrade: "mcpctl-relay" })]);
    expect(fallback.opened).toBe(0);
    expect(await upstream.connect(signal)).toMatchObject({ era: "legacy", serverInfo: { name: "fake" } });
  });

  it("takes answers in any order, and as long as they may be", async () => {
    const waiting: (() => void)[] = [];
    const { relay, upstream } = await open();
    relay.options.answer = ({ id, method }, send) => {
      if (method !== "tools/call") return undefined;
      const value = "x".repeat(waiting.length === 0 ? 5_000_000 : 10);
      waiting.push(() => send({ id, result: { value, id } }));
      if (waiting.length === 3) for (const answer of waiting.toReversed()) answer();
      return undefined;
    };
    const answers = await Promise.all(["hang", "hang", "hang"].map((name) => call(upstream, name)));
    expect(answers.map((answer) => (answer as { value: string }).value.length)).toEqual([5_000_000, 10, 10]);
  });

  it("passes errors and progress on, and says that the tools have changed", async () => {
    const { relay, upstream } = await open();
    let changes = 0;
    upstream.onChange(() => (changes += 1));
    relay.options.answer = ({ id, method }, send) => {
      if (method !== "tools/call") return undefined;
      send({ method: "notifications/tools/list_changed" });
      send({ method: "notifications/progress", params: { progressToken: id, progress: 1 } });
      return { error: { code: -32602, message: "Unknown tool" } };
    };
    const heard: string[] = [];
    const onNotification = (message: Uint8Array) => heard.push(Buffer.from(message).toString());
    const params = { name: "echo", _meta: { progressToken: "mine" } };
    const reply = await upstream.request("tools/call", params, { signal, onNotification });
    expect(reply.kind).toBe("error");
    expect(Buffer.from(reply.json).toString()).toBe('{"code":-32602,"message":"Unknown tool"}');
    expect(heard).toEqual([expect.stringContaining('"progressToken":"mine"')]);
    expect(changes).toBe(1);
  });

  it("tells mcpd what is no longer wanted", async () => {
    const { relay, upstream } = await open();
    const abort = new AbortController();
    const hanging = upstream.request("tools/call", { name: "hang" }, { signal: abort.signal });
    await vi.waitFor(() => expect(callsOf(relay)).toHaveLength(1));
    abort.abort(new Error("gone"));
    await expect(hanging).rejects.toThrow("gone");
    const requestId = callsOf(relay)[0]?.id;
    await vi.waitFor(() =>
      expect(relay.received.at(-1)).toMatchObject({ method: "notifications/cancelled", params: { requestId } }),
    );
  });

  it("speaks TLS to an mcpd that has it, and tells nobody else the bearer", async () => {
    const heard: Buffer[] = [];
    const listener = createServer((socket) => {
      socket
        .on("error", () => {})
        .once("data", (chunk) => {
          heard.push(chunk);
          socket.destroy();
        });
    }).listen(0, "127.0.0.1");
    onTestFinished(() => void listener.close());
    await once(listener, "listening");
    const url = new URL(`https://127.0.0.1:${(listener.address() as AddressInfo).port}/relay`);
    const { upstream } = await open({}, url);
    await expect(call(upstream, "echo")).rejects.toMatchObject({ code: "upstream-unavailable" });
    const TLS_HANDSHAKE = 0x16;
    expect(heard[0]?.[0]).toBe(TLS_HANDSHAKE);
    expect(Buffer.concat(heard).includes("Bearer")).toBe(false);
  });
});

describe("a link that breaks", () => {
  it("fails its calls at once and sends none again; the next call dials anew", async () => {
    const { relay, upstream } = await open();
    await call(upstream, "echo");
    const hanging = call(upstream, "hang");
    await vi.waitFor(() => expect(callsOf(relay)).toHaveLength(2));
    for (const link of relay.links) link.destroy();
    await expect(hanging).rejects.toMatchObject({
      code: "upstream-unavailable",
      message: 'Server "files" cannot be reached: the link to mcpd broke',
    });
    expect(await call(upstream, "echo", "again")).toMatchObject({ arguments: { text: "again" } });
    expect(links(relay)).toBe(2);
    expect(callsOf(relay)).toHaveLength(3);
  });

  it("comes back with mcpd, and whoever listens looks again for what has changed meanwhile", async () => {
    const { relay, upstream } = await open();
    const changes: UpstreamChange[] = [];
    upstream.onChange((change) => changes.push(change));
    await call(upstream, "echo");
    relay.close();
    await vi.waitFor(() => expect(call(upstream, "echo")).rejects.toMatchObject({ code: "upstream-unavailable" }));
    const again = await startFakeRelay({ port: relay.port });
    await call(upstream, "echo");
    expect(links(again)).toBe(1);
    expect(changes).toEqual([{ kind: "tools" }, { kind: "prompts" }, { kind: "resources" }]);
  });

  it("is dialled again in the background while somebody listens", async () => {
    const { relay, upstream } = await open();
    await call(upstream, "echo");
    const changed = new Promise<void>((resolve) => upstream.onChange(() => resolve()));
    for (const link of relay.links) link.destroy();
    await changed;
    expect(links(relay)).toBe(2);
  });
});

describe("an mcpd that does not let the gateway in", () => {
  it.each([200, 302, 400, 404, 405, 426, 429, 501])(
    "has no links when it answers %i: HTTP is used for good",
    async (status) => {
      const { relay, upstream, fallback } = await open({
        refuse: (_, response) => void response.writeHead(status, { location: "/" }).end("<html>"),
      });
      expect(await call(upstream, "echo")).toBe("over HTTP");
      expect(await call(upstream, "echo")).toBe("over HTTP");
      expect(fallback).toEqual({ opened: 1, called: 2 });
      expect(links(relay)).toBe(1);
    },
  );

  it.each(["unauthenticated", "forbidden", "not-found", "unavailable"] as const)(
    "says why, as over HTTP: %s",
    async (code) => {
      const problem = toProblem(new McpctlError(code, "You may not", { hint: "Ask" }), "r1");
      const headers = { "content-type": "application/problem+json" };
      const { relay, upstream, fallback } = await open({
        refuse: (_, response) => void response.writeHead(problem.status, headers).end(JSON.stringify(problem)),
      });
      const refusal = { code: "upstream-unavailable", message: "You may not", hint: "Ask" };
      await expect(call(upstream, "echo")).rejects.toMatchObject(refusal);
      await expect(upstream.connect(signal)).rejects.toMatchObject(refusal);
      expect(fallback.opened).toBe(0);
      expect(links(relay)).toBe(2);
    },
  );

  it("says through the link why the server does not answer, and is asked again", async () => {
    const { relay, upstream } = await open();
    const data = { code: "upstream-timeout", hint: "Read its log" };
    relay.options.answer = () => ({ error: { code: -32603, message: "It did not start", data } });
    await expect(upstream.connect(signal)).rejects.toMatchObject({
      code: "upstream-timeout",
      message: "It did not start",
      hint: "Read its log",
    });
    delete relay.options.answer;
    expect(await upstream.connect(signal)).toMatchObject({ era: "legacy" });
    expect(links(relay)).toBe(1);
  });

  it("cannot be reached when nobody listens", async () => {
    const { relay, upstream } = await open();
    relay.close();
    await expect(call(upstream, "echo")).rejects.toMatchObject({ code: "upstream-unavailable" });
  });
});

describe("closing", () => {
  it("ends the link and every later call", async () => {
    const { relay, upstream } = await open();
    const hanging = call(upstream, "hang");
    await vi.waitFor(() => expect(callsOf(relay)).toHaveLength(1));
    await upstream.close();
    await expect(hanging).rejects.toMatchObject({ code: "upstream-unavailable" });
    await expect(call(upstream, "echo")).rejects.toMatchObject({ code: "upstream-unavailable" });
    await vi.waitFor(() => expect(relay.links.size).toBe(0));
  });
});
