import { describe, expect, it, vi } from "vitest";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import { text, tool } from "../../../../tests/fixtures/http-fixture-tools.ts";
import { startLegacyServer } from "../../../../tests/fixtures/http-legacy-server.ts";
import { startModernServer } from "../../../../tests/fixtures/http-modern-server.ts";
import { started, startRig } from "../support/gateway-rig.ts";
import { startStdioRig } from "../support/stdio-rig.ts";
import { type Json, modern, send } from "../support/wire.ts";

const KEY = "io.modelcontextprotocol/";
const START = { legacy: startLegacyServer, modern: startModernServer };
const ECHO = { name: "files__echo", arguments: { message: "hello" } };
const HELLO = [{ type: "text", text: "hello" }];

/** A server of the old era that asks before it answers. */
function askingUpstream(): Upstream {
  return {
    identity: { era: "legacy", protocolVersion: "2025-11-25", capabilities: { tools: {} } },
    async connect() {
      return this.identity ?? Promise.reject(new Error("no identity"));
    },
    async request(method, _params, { client, signal }) {
      const tools = { tools: [{ name: "ask", inputSchema: { type: "object" } }] };
      if (method === "tools/list") return { kind: "result", json: Buffer.from(JSON.stringify(tools)) };
      const form = { message: "Who?", requestedSchema: { type: "object", properties: {} } };
      const answer = await client?.ask("elicitation/create", form, signal);
      return { kind: "result", json: Buffer.from(JSON.stringify(text(Buffer.from(answer?.json ?? "").toString()))) };
    },
    onChange: () => () => {},
    subscribe: () => () => {},
    close: async () => {},
  };
}

describe.each(["legacy", "modern"] as const)("with a %s server", (era) => {
  it("requests with an envelope are served without a session", async () => {
    const rig = startStdioRig({ servers: { files: await started(START[era]()) } });
    const { result } = await rig.askModern("tools/call", ECHO);
    expect(result).toMatchObject({ resultType: "complete", content: HELLO });
  });

  it("requests without one belong to the session that initialize has opened", async () => {
    const rig = startStdioRig({ servers: { files: await started(START[era]()) } });
    expect((await rig.initialize()).result).toMatchObject({ protocolVersion: "2025-11-25" });
    expect((await rig.ask("tools/call", ECHO)).result.content).toEqual(HELLO);
  });

  it("progress comes before the result", async () => {
    const rig = startStdioRig({ servers: { files: await started(START[era]()) } });
    const _meta = { progressToken: "mine" };
    await rig.askModern("tools/call", { name: "files__count", arguments: { to: 2 }, _meta });
    expect(rig.messages.map(({ params, id }: Json) => params?.progress ?? id)).toEqual([1, 2, "ask-1"]);
    expect(rig.messages[0].params.progressToken).toBe("mine");
  });

  it("a request that is cancelled is cancelled at the server, and not answered", async () => {
    const files = await started(START[era]());
    const rig = startStdioRig({ servers: { files } });
    await rig.askModern("tools/list");
    const { body } = modern("tools/call", { name: "files__wait", arguments: {} }, "slow") as { body: Json };
    rig.send(body);
    await vi.waitFor(() => expect(files.requests("tools/call")).toHaveLength(1));
    rig.send({ method: "notifications/cancelled", params: { requestId: "slow" } });
    await vi.waitFor(() => expect(files.cancelled).not.toHaveLength(0));
    await vi.waitFor(() => expect(rig.records).toMatchObject([{ outcome: "cancelled" }]));
    await rig.askModern("tools/list");
    expect(rig.messages.filter(({ id }: Json) => id === "slow")).toEqual([]);
  });
});

describe("a client that finds out which era there is", () => {
  it("may go on without a session after a good discover", async () => {
    const rig = startStdioRig({ servers: { files: await started(startModernServer()) } });
    const { result } = await rig.askModern("server/discover");
    expect(result.supportedVersions).toContain("2026-07-28");
    expect((await rig.askModern("tools/list")).result.tools).toHaveLength(6);
  });

  it("may initialize after a good discover, and need no envelope from then on", async () => {
    const rig = startStdioRig({ servers: { files: await started(startModernServer()) } });
    expect((await rig.askModern("server/discover")).result.resultType).toBe("complete");
    expect((await rig.initialize()).result.serverInfo.name).toBe("mcpctl");
    rig.send({ method: "notifications/initialized" });
    const { result } = await rig.ask("tools/list");
    expect(result.tools).toHaveLength(6);
    expect(result).not.toHaveProperty("resultType");
  });

  it("need not wait for the answer to initialize", async () => {
    const rig = startStdioRig({ servers: { files: await started(startLegacyServer()) } });
    const [, listed] = await Promise.all([rig.initialize(), rig.ask("tools/list")]);
    expect(listed.result.tools).toHaveLength(6);
  });

  it("begins anew when it initializes again", async () => {
    const rig = startStdioRig({ servers: { files: await started(startLegacyServer()) } });
    await rig.initialize();
    const again = await rig.ask("initialize", { protocolVersion: "2024-11-05", capabilities: {} });
    expect(again.result.protocolVersion).toBe("2024-11-05");
    expect((await rig.ask("tools/list")).result.tools).toHaveLength(6);
  });

  it("is told what is missing", async () => {
    const rig = startStdioRig();
    expect((await rig.ask("ping")).result).toEqual({});
    expect((await rig.ask("tools/list")).error).toMatchObject({ code: -32600, message: /initialize/ });
    const version = { _meta: { [`${KEY}protocolVersion`]: "2099-01-01" } };
    expect((await rig.ask("tools/list", version)).error).toMatchObject({ code: -32022 });
    const bare = { _meta: { [`${KEY}protocolVersion`]: "2026-07-28" } };
    expect((await rig.ask("tools/list", bare)).error).toMatchObject({ code: -32602 });
    expect((await rig.askModern("initialized")).error).toMatchObject({ code: -32601 });
    expect((await rig.ask("initialize", {})).error).toMatchObject({ code: -32602 });
    expect((await rig.ask("tools/list")).error).toMatchObject({ code: -32600 });
    await rig.initialize();
    expect((await rig.ask("nothing/like-it")).error).toMatchObject({ code: -32601 });
  });
});

describe("a change of the tools", () => {
  const change = async () => {
    const files = await started(startModernServer({ tools: [tool("one", () => text("1"))] }));
    const rig = startStdioRig({ servers: { files } });
    const announce = () => {
      files.options.tools = [];
      files.announceChange();
    };
    return { rig, announce };
  };
  const CHANGED = { jsonrpc: "2.0", method: "notifications/tools/list_changed" };

  it("is told to the client with a session, unasked", async () => {
    const { rig, announce } = await change();
    await rig.initialize();
    await rig.ask("tools/list");
    announce();
    expect(await rig.message(({ method }) => method === CHANGED.method)).toEqual(CHANGED);
    expect((await rig.ask("tools/list")).result.tools).toEqual([]);
  });

  it("is told to who listens, until it cancels that", async () => {
    const { rig, announce } = await change();
    const filter = { notifications: { toolsListChanged: true } };
    const { body } = modern("subscriptions/listen", filter, "listen") as { body: Json };
    rig.send(body);
    const _meta = { [`${KEY}subscriptionId`]: "listen" };
    const greeting = await rig.message(({ method }) => method === "notifications/subscriptions/acknowledged");
    expect(greeting.params).toEqual({ _meta, ...filter });
    await rig.askModern("tools/list");
    announce();
    expect(await rig.message(({ method }) => method === CHANGED.method)).toEqual({ ...CHANGED, params: { _meta } });
    rig.send({ method: "notifications/cancelled", params: { requestId: "listen" } });
    rig.controlPlane.removeProject("demo");
    await rig.gateway.close();
    expect(rig.messages.filter(({ id }: Json) => id === "listen")).toEqual([]);
  });

  it("is not waited for any longer when the gateway ends", async () => {
    const { rig } = await change();
    const { body } = modern("subscriptions/listen", { notifications: {} }, "listen") as { body: Json };
    rig.send(body);
    await rig.message(({ method }) => method === "notifications/subscriptions/acknowledged");
    await rig.gateway.idle();
    await rig.gateway.close();
    expect(rig.messages.at(-1)).toMatchObject({ id: "listen", result: { resultType: "complete" } });
  });
});

describe("a question of a server", () => {
  const rigWithQuestion = () => {
    const rig = startStdioRig();
    rig.controlPlane.setProject("demo", [{ name: "asks" }]);
    rig.controlPlane.setUpstream("asks", askingUpstream);
    return rig;
  };

  it("is a request to a client with a session", async () => {
    const rig = rigWithQuestion();
    await rig.initialize({ elicitation: {} });
    const answered = rig.ask("tools/call", { name: "asks__ask" });
    const question = await rig.message(({ method }) => method === "elicitation/create");
    expect(question.params.message).toBe("Who?");
    rig.send({ id: question.id, result: { action: "accept", content: { who: "ada" } } });
    expect((await answered).result.content[0].text).toContain("ada");
  });

  it("is a result for a client without one, which comes back with the answer", async () => {
    const rig = rigWithQuestion();
    const _meta = { [`${KEY}clientCapabilities`]: { elicitation: {} } };
    const { result } = await rig.askModern("tools/call", { name: "asks__ask", _meta });
    expect(result).toMatchObject({ resultType: "input_required", requestState: expect.any(String) });
    const [[key, asked]] = Object.entries(result.inputRequests) as [[string, Json]];
    expect(asked.method).toBe("elicitation/create");
    const inputResponses = { [key]: { action: "accept", content: { who: "ada" } } };
    const { requestState } = result;
    const final = await rig.askModern("tools/call", { name: "asks__ask", requestState, inputResponses, _meta });
    expect(final.result.content[0].text).toContain("ada");
  });
});

it("lists tools byte for byte as over HTTP", async () => {
  const servers = { files: await started(startModernServer()), docs: await started(startLegacyServer()) };
  const http = await startRig({ servers });
  const stdio = startStdioRig({ servers });
  const arrayIn = (line: string | undefined) => /"tools":(\[.*\])[,}]/.exec(line ?? "")?.[1];
  await stdio.askModern("tools/list");
  const overStdio = stdio.lines.at(-1);
  const overHttp = await send(http.url, { ...modern("tools/list"), token: http.token });
  expect(arrayIn(overStdio)).toContain("docs__echo");
  expect(arrayIn(overStdio)).toBe(arrayIn(overHttp.text));
});
