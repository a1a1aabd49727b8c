import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { ClientSide, UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import { HeldCalls, type Ticket } from "../../src/pipeline/held-calls.ts";
import type { Json } from "../support/wire.ts";

const TICKET: Ticket = {
  principal: { sha: "s", project: "demo" },
  server: "files",
  method: "tools/call",
  params: { name: "ask", arguments: { a: 1 } },
};
const CLIENT = { capabilities: { elicitation: {} } };
const FORM = { message: "?", requestedSchema: { type: "object" } };
const UNKNOWN = { name: "RpcFailure", rpc: { code: -32602 } };
const reply = (value: object): UpstreamReply => ({ kind: "result", json: Buffer.from(JSON.stringify(value)) });
const read = ({ json }: UpstreamReply): Json => JSON.parse(Buffer.from(json).toString());

let held: HeldCalls;
beforeEach(() => void (held = new HeldCalls()));
afterEach(() => {
  held.close();
  vi.useRealTimers();
});

type Script = (ask: (params?: object) => Promise<Json>, signal: AbortSignal) => Promise<object>;

/** Starts a call at a server that does as the script says. */
function start(script: Script, { ticket = TICKET, signal = new AbortController().signal } = {}) {
  const run = async (client: ClientSide, gone: AbortSignal) =>
    reply(
      await script(async (params = FORM) => read(await client.ask("elicitation/create", { ...params }, gone)), gone),
    );
  return held.start(ticket, CLIENT, { run, signal });
}

function resume(state: unknown, answers: unknown, { ticket = TICKET, signal = new AbortController().signal } = {}) {
  return held.resume(state, ticket, { answers, signal });
}

/** Answers each question with what it asked. */
function answersTo({ inputRequests }: Json): Json {
  return Object.fromEntries(Object.entries(inputRequests).map(([key, { params }]: [string, Json]) => [key, params]));
}

describe("a call that is held while its client is asked", () => {
  it("is answered at once when nothing is asked", async () => {
    expect(read(await start(async () => ({ done: true })))).toEqual({ done: true });
    expect(held.size).toBe(0);
  });

  it("goes on with the answers, as often as the server asks", async () => {
    const first = read(await start(async (ask) => ({ said: [await ask(FORM), await ask({ message: "!" })] })));
    expect(first).toMatchObject({ resultType: "input_required", requestState: expect.any(String) });
    expect(Object.values(first.inputRequests)).toEqual([{ method: "elicitation/create", params: FORM }]);
    const second = read(await resume(first.requestState, answersTo(first)));
    expect(second.requestState).not.toBe(first.requestState);
    const last = read(await resume(second.requestState, answersTo(second)));
    expect(last).toEqual({ said: [FORM, { message: "!" }] });
    expect(held.size).toBe(0);
  });

  it("puts what is asked in one breath into one answer, and asks again for what was left out", async () => {
    const both: Script = async (ask) => ({ said: await Promise.all([ask({ message: "a" }), ask({ message: "b" })]) });
    const first = read(await start(both));
    const keys = Object.keys(first.inputRequests);
    expect(keys).toHaveLength(2);
    const [key = "", other = ""] = keys;
    const second = read(await resume(first.requestState, { [key]: { one: 1 }, unknown: {} }));
    expect(Object.keys(second.inputRequests)).toEqual([other]);
    expect(read(await resume(second.requestState, { [other]: { two: 2 } }))).toEqual({
      said: [{ one: 1 }, { two: 2 }],
    });
  });

  it.each<[string, Partial<Ticket>]>([
    ["another token", { principal: { sha: "t", project: "demo" } }],
    ["another project", { principal: { sha: "s", project: "other" } }],
    ["a token and project that read the same", { principal: { sha: "s demo", project: "" } }],
    ["another server", { server: "web" }],
    ["another method", { method: "prompts/get" }],
    ["other arguments", { params: { name: "ask", arguments: { a: 2 } } }],
    ["another tool", { params: { name: "tell", arguments: { a: 1 } } }],
  ])("cannot be gone on with by %s, and still can by its own", async (_, change) => {
    const first = read(await start(async (ask) => ({ said: await ask() })));
    const attempt = async () => resume(first.requestState, answersTo(first), { ticket: { ...TICKET, ...change } });
    await expect(attempt()).rejects.toMatchObject(UNKNOWN);
    expect(read(await resume(first.requestState, answersTo(first)))).toEqual({ said: FORM });
  });

  it("is the same whatever else the client says of its request", async () => {
    const first = read(await start(async (ask) => ({ said: await ask() })));
    const params = {
      ...TICKET.params,
      _meta: { traceparent: "x" },
      requestState: first.requestState,
      inputResponses: {},
    };
    const last = await resume(first.requestState, answersTo(first), { ticket: { ...TICKET, params } });
    expect(read(last)).toEqual({ said: FORM });
  });

  it.each([undefined, 1, "", "mcpctl-held-made-up", "constructor"])("is not found by the state %j", async (state) => {
    await expect((async () => resume(state, {}))()).rejects.toMatchObject(UNKNOWN);
  });

  it("can be gone on with once only", async () => {
    const first = read(await start(async (ask) => ({ said: await ask() })));
    const attempts = [0, 1].map(async () => resume(first.requestState, answersTo(first)));
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });

  it("fails as the server does while nobody waits", async () => {
    const first = read(
      await start(async (ask) => {
        void ask().catch(() => {});
        await sleep(10);
        throw new McpctlError("upstream-unavailable", "it broke");
      }),
    );
    await sleep(20);
    await expect(resume(first.requestState, answersTo(first))).rejects.toMatchObject({ code: "upstream-unavailable" });
  });

  it("is given up when its client goes away before it was asked, and not after", async () => {
    const gone = new AbortController();
    let signal: AbortSignal | undefined;
    const waiting = start(
      (_, given) =>
        new Promise((_resolve, reject) => {
          signal = given;
          given.addEventListener("abort", () => reject(given.reason));
        }),
      { signal: gone.signal },
    );
    gone.abort(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
    expect(signal?.aborted).toBe(true);

    const later = new AbortController();
    const first = read(await start(async (ask) => ({ said: await ask() }), { signal: later.signal }));
    later.abort();
    expect(read(await resume(first.requestState, answersTo(first)))).toEqual({ said: FORM });
  });

  it("does not go on for a client that has gone already", async () => {
    let signal: AbortSignal | undefined;
    const gone = AbortSignal.abort(new Error("gone"));
    const waiting = start(async (ask, given) => ((signal = given), { said: await ask() }), { signal: gone });
    await expect(waiting).rejects.toThrow("gone");
    expect(signal?.aborted).toBe(true);
    expect(held.size).toBe(0);
  });

  it("is given up when its client goes away after it has come back", async () => {
    const gone = new AbortController();
    let signal: AbortSignal | undefined;
    const first = read(
      await start(async (ask, given) => {
        signal = given;
        await ask();
        await sleep(60_000, undefined, { signal: given });
        return {};
      }),
    );
    const waiting = resume(first.requestState, answersTo(first), { signal: gone.signal });
    await sleep(5);
    gone.abort(new Error("gone"));
    await expect(waiting).rejects.toThrow();
    expect(signal?.aborted).toBe(true);
  });

  it("is given up when its client does not come back for ten minutes", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let signal: AbortSignal | undefined;
    const first = read(await start(async (ask, given) => ((signal = given), { said: await ask() })));
    vi.advanceTimersByTime(599_000);
    expect(signal?.aborted).toBe(false);
    vi.advanceTimersByTime(2_000);
    expect(signal?.aborted).toBe(true);
    await expect((async () => resume(first.requestState, {}))()).rejects.toMatchObject(UNKNOWN);
  });

  it("ends with its token, and no other does", async () => {
    const other = { ...TICKET, principal: { sha: "other", project: "demo" } };
    const [own, others] = [
      read(await start(async (ask) => ({ said: await ask() }))),
      read(await start(async (ask) => ({ said: await ask() }), { ticket: other })),
    ];
    held.endOfToken("s");
    await expect((async () => resume(own.requestState, {}))()).rejects.toMatchObject(UNKNOWN);
    expect(read(await resume(others.requestState, answersTo(others), { ticket: other }))).toEqual({ said: FORM });
  });

  it("asks for nothing that the client did not declare", async () => {
    const run = async (client: ClientSide, gone: AbortSignal) => await client.ask("sampling/createMessage", {}, gone);
    const signal = new AbortController().signal;
    await expect(held.start(TICKET, CLIENT, { run, signal })).rejects.toMatchObject({ code: "upstream-protocol" });
    expect(held.size).toBe(0);
  });

  it("is one of a limited number for one token", async () => {
    const calls = Array.from({ length: 65 }, () => start(async (ask) => ({ said: await ask() })));
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.filter(({ status }) => status === "rejected")).toEqual([
      { status: "rejected", reason: expect.objectContaining({ code: "too-many-requests" }) },
    ]);
    expect(held.size).toBe(64);
  });
});
