import type { ServerResponse } from "node:http";
import type { ClientSide } from "@mcpctl/shared/mcp/upstream.ts";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import {
  type HttpFixture,
  type Intercept,
  type Message,
  startEvents,
  writeEvent,
} from "../../../../tests/fixtures/http-fixture-server.ts";
import { startLegacyServer } from "../../../../tests/fixtures/http-legacy-server.ts";
import { createDispatcher } from "../../src/upstreams/dispatcher.ts";
import { createHttpUpstream } from "../../src/upstreams/http-upstream.ts";

const ROOTS = { roots: {} };
const signal = new AbortController().signal;

let dispatcher: ReturnType<typeof createDispatcher>;
beforeAll(() => void (dispatcher = createDispatcher()));
afterAll(() => dispatcher.destroy());

interface AskingServer {
  server: HttpFixture;
  /** Asks on the stream of a call, by name, or on that called "session". */
  ask(id: string, on: string): void;
  finish(name: string): void;
  answers(): Message[];
  /** Whether the stream of the session is open. */
  isListening(): boolean;
  /** Names of the calls that have begun. */
  begun(): string[];
}

/** A server whose calls do nothing by themselves. */
async function startAsking(intercept: Intercept = () => false): Promise<AskingServer> {
  const calls = new Map<string, { id: unknown; response: ServerResponse }>();
  let stream: ServerResponse | undefined;
  const server = await startLegacyServer({
    intercept(seen, response) {
      if (intercept(seen, response)) return true;
      if (seen.httpMethod === "GET") {
        startEvents(response);
        stream = response;
        response.on("close", () => (stream = undefined));
        return true;
      }
      if (seen.body["method"] !== "tools/call") return false;
      startEvents(response);
      calls.set(seen.body["params"].name, { id: seen.body["id"], response });
      return true;
    },
  });
  onTestFinished(() => server.close());
  return {
    server,
    ask(id, on) {
      const response = on === "session" ? stream : calls.get(on)?.response;
      if (response) writeEvent(response, { id, method: "roots/list", params: { id } });
    },
    finish(name) {
      const call = calls.get(name);
      if (call) writeEvent(call.response, { id: call.id, result: { content: [] } });
      call?.response.end();
    },
    answers: () => server.seen.map(({ body }) => body).filter((body) => body["method"] === undefined && "id" in body),
    isListening: () => stream !== undefined,
    begun: () => [...calls.keys()],
  };
}

function open({ server }: AskingServer, timeoutSeconds = 5) {
  const options = { name: "files", url: new URL(server.url), headers: {}, timeoutSeconds, dispatcher };
  const upstream = createHttpUpstream({ ...options, capabilities: ROOTS });
  onTestFinished(() => upstream.close());
  const asked: string[] = [];
  function call(name: string, isAskable = true) {
    const client: ClientSide = {
      capabilities: ROOTS,
      async ask(_, params) {
        asked.push(`${name} ${String(params["id"])}`);
        return { kind: "result", json: Buffer.from('{"roots":[]}') };
      },
    };
    return upstream.request("tools/call", { name }, { signal, ...(isAskable && { client }) });
  }
  return { asked, call };
}

describe("a question of a server with sessions", () => {
  it("belongs to the call on whose stream it comes", async () => {
    const server = await startAsking();
    const { asked, call } = open(server);
    const calls = [call("a"), call("b")];
    await vi.waitFor(() => expect(server.begun()).toHaveLength(2));
    server.ask("q", "b");
    await vi.waitFor(() => expect(server.answers()).toEqual([{ jsonrpc: "2.0", id: "q", result: { roots: [] } }]));
    expect(asked).toEqual(["b q"]);
    server.finish("a");
    server.finish("b");
    await Promise.all(calls);
  });

  it("is put to nobody on the stream of a call whose client cannot be asked, though another's can", async () => {
    const server = await startAsking();
    const { asked, call } = open(server);
    const calls = [call("askable"), call("mute", false)];
    await vi.waitFor(() => expect(server.begun()).toHaveLength(2));
    server.ask("q", "mute");
    await vi.waitFor(() => expect(server.answers()).toMatchObject([{ id: "q", error: { code: -32601 } }]));
    expect(asked).toEqual([]);
    server.finish("askable");
    server.finish("mute");
    await Promise.all(calls);
  });

  it("belongs to the only call when it comes on the stream of the session, which is open before that call", async () => {
    const server = await startAsking();
    const { asked, call } = open(server);
    const calls = [call("a"), call("mute", false)];
    await vi.waitFor(() => expect(server.begun()).toHaveLength(2));
    server.ask("q", "session");
    await vi.waitFor(() => expect(server.answers()).toMatchObject([{ id: "q", result: { roots: [] } }]));
    expect(asked).toEqual(["a q"]);
    server.finish("a");
    server.finish("mute");
    await Promise.all(calls);
  });

  it("is refused once when it may belong to several, which then take turns", async () => {
    const server = await startAsking();
    const { asked, call } = open(server);
    const first = [call("a"), call("b")];
    await vi.waitFor(() => expect(server.begun()).toHaveLength(2));
    server.ask("q", "session");
    await vi.waitFor(() => expect(server.answers()).toMatchObject([{ id: "q", error: { code: -32601 } }]));
    const second = [call("c"), call("d")];
    server.finish("a");
    server.finish("b");
    await Promise.all(first);
    await vi.waitFor(() => expect(server.begun()).toHaveLength(3));
    server.ask("r", "session");
    await vi.waitFor(() => expect(asked).toEqual(["c r"]));
    server.finish("c");
    await vi.waitFor(() => expect(server.begun()).toHaveLength(4));
    server.finish("d");
    await Promise.all(second);
  });

  it("does not make the server late", async () => {
    const server = await startAsking();
    const client: ClientSide = {
      capabilities: ROOTS,
      ask: () => new Promise((resolve) => setTimeout(resolve, 900, { kind: "result", json: Buffer.from("{}") })),
    };
    const options = { name: "files", url: new URL(server.server.url), headers: {}, timeoutSeconds: 0.4, dispatcher };
    const upstream = createHttpUpstream({ ...options, capabilities: ROOTS });
    onTestFinished(() => upstream.close());
    const call = upstream.request("tools/call", { name: "a" }, { signal, client });
    await vi.waitFor(() => expect(server.begun()).toEqual(["a"]));
    server.ask("q", "a");
    await vi.waitFor(() => expect(server.answers()).toHaveLength(1), { timeout: 3_000 });
    server.finish("a");
    expect(await call).toMatchObject({ kind: "result" });
  });

  it("has the stream of the session as long as there are calls, and anew for the next after a while", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const server = await startAsking();
    const { asked, call } = open(server);
    const streams = () => server.server.seen.filter(({ httpMethod }) => httpMethod === "GET").length;
    for (const name of ["a", "b"]) {
      const running = call(name);
      await vi.waitFor(() => expect(server.begun()).toContain(name));
      server.ask(`q-${name}`, "session");
      await vi.waitFor(() => expect(asked).toContain(`${name} q-${name}`));
      server.finish(name);
      await running;
    }
    expect(streams()).toBe(1);
    vi.advanceTimersByTime(6_000);
    await vi.waitFor(() => expect(server.isListening()).toBe(false));
    const running = call("c");
    await vi.waitFor(() => expect(server.begun()).toContain("c"));
    expect(streams()).toBe(2);
    server.ask("q-c", "session");
    await vi.waitFor(() => expect(asked).toContain("c q-c"));
    server.finish("c");
    await running;
  });

  it("is taken back from the client when its call ends without waiting for the answer", async () => {
    const server = await startAsking();
    let taken: AbortSignal | undefined;
    const client: ClientSide = {
      capabilities: ROOTS,
      ask: (_method, _params, given) => {
        taken = given;
        return new Promise((_, reject) => given.addEventListener("abort", () => reject(given.reason)));
      },
    };
    const options = { name: "files", url: new URL(server.server.url), headers: {}, timeoutSeconds: 5, dispatcher };
    const upstream = createHttpUpstream({ ...options, capabilities: ROOTS });
    onTestFinished(() => upstream.close());
    const call = upstream.request("tools/call", { name: "a" }, { signal, client });
    await vi.waitFor(() => expect(server.begun()).toEqual(["a"]));
    server.ask("q", "a");
    await vi.waitFor(() => expect(taken?.aborted).toBe(false));
    server.finish("a");
    await call;
    expect(taken?.aborted).toBe(true);
  });

  it("needs no stream of the session where there is none", async () => {
    const server = await startAsking(
      ({ httpMethod }, response) => httpMethod === "GET" && Boolean(response.writeHead(405).end()),
    );
    const { asked, call } = open(server);
    for (const name of ["a", "b"]) {
      const running = call(name);
      await vi.waitFor(() => expect(server.begun()).toContain(name));
      server.ask(`q-${name}`, name);
      await vi.waitFor(() => expect(asked).toContain(`${name} q-${name}`));
      server.finish(name);
      await running;
    }
    expect(server.server.seen.filter(({ httpMethod }) => httpMethod === "GET")).toHaveLength(1);
  });
});
