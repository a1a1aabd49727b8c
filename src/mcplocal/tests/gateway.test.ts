import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { describe, expect, it, vi } from "vitest";
import { startLegacyServer } from "../../../tests/fixtures/http-legacy-server.ts";
import { startModernServer } from "../../../tests/fixtures/http-modern-server.ts";
import { started, startRig } from "./support/gateway-rig.ts";
import { modern, send } from "./support/wire.ts";

type Era = "legacy" | "modern";

const START = { legacy: startLegacyServer, modern: startModernServer };
const NEGOTIATION = { legacy: { mode: "legacy" }, modern: { mode: { pin: "2026-07-28" } } } as const;

async function connect(url: string, token: string, era: Era): Promise<Client> {
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: NEGOTIATION[era] });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL("/mcp", url), { requestInit }));
  return client;
}

describe.each([
  ["legacy", "legacy"],
  ["legacy", "modern"],
  ["modern", "legacy"],
  ["modern", "modern"],
] as const)("a %s client of a %s server", (clientEra, serverEra) => {
  it("lists and calls tools", async () => {
    const rig = await startRig({ servers: { files: await started(START[serverEra]()) } });
    const client = await connect(rig.url, rig.token, clientEra);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      "files__big",
      "files__count",
      "files__echo",
      "files__fail",
      "files__params",
      "files__wait",
    ]);
    const result = await client.callTool({ name: "files__echo", arguments: { message: "hello" } });
    expect(result.content).toEqual([{ type: "text", text: "hello" }]);
    const failure = await client.callTool({ name: "files__fail", arguments: {} });
    expect(failure.isError).toBe(true);
    await client.close();
  });

  it("passes progress on before the result", async () => {
    const rig = await startRig({ servers: { files: await started(START[serverEra]()) } });
    const client = await connect(rig.url, rig.token, clientEra);
    const steps: number[] = [];
    const call = { name: "files__count", arguments: { to: 3 } };
    const result = await client.callTool(call, { onprogress: ({ progress }) => steps.push(progress) });
    expect(result.content).toEqual([{ type: "text", text: "counted" }]);
    expect(steps).toEqual([1, 2, 3]);
    await client.close();
  });
});

describe("a gateway that stops", () => {
  const call = (ms: number) => modern("tools/call", { name: "files__wait", arguments: { ms } });

  it("lets calls under way finish and takes no new connections", async () => {
    const server = await started(startLegacyServer());
    const rig = await startRig({ servers: { files: server } });
    const running = send(rig.url, { ...call(300), token: rig.token });
    await vi.waitFor(() => expect(server.requests("tools/call")).toHaveLength(1));
    const closed = rig.close();
    await expect(send(rig.url, { method: "GET", path: "/readyz" })).rejects.toThrow("ECONNREFUSED");
    expect((await running).json.result.content[0].text).toBe("waited");
    await closed;
    expect(server.open.size).toBe(0);
  });

  it("does not wait for ever", async () => {
    const server = await started(startModernServer());
    const rig = await startRig({ servers: { files: server } });
    const running = send(rig.url, { ...call(60_000), token: rig.token }).catch(() => "cut off");
    await vi.waitFor(() => expect(server.requests("tools/call")).toHaveLength(1));
    const startedAt = performance.now();
    await rig.close();
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(await running).toBe("cut off");
    await vi.waitFor(() => expect(server.cancelled).toHaveLength(1));
  });
});

describe("a bug in the gateway", () => {
  it("is logged with an id, and only the id is told", async () => {
    const rig = await startRig({ servers: { files: await started(startModernServer()) } });
    await send(rig.url, { ...modern("tools/list"), token: rig.token });
    rig.controlPlane.setProject("demo", [{ name: "files", url: "http://127.0.0.1:1/mcp" }]);
    const broken = rig.controlPlane.addToken("broken");
    rig.controlPlane.setProject("broken", [{ name: "files" }]);
    const connection = {
      identity: undefined,
      connect: async () => ({ era: "legacy" as const, protocolVersion: "2025-11-25", capabilities: { tools: {} } }),
      async request(method: string) {
        if (method === "tools/list") return { kind: "result" as const, json: Buffer.from(LIST) };
        throw new TypeError("secret-host.internal is not a function");
      },
      onChange: () => () => {},
      subscribe: () => () => {},
      close: async () => {},
    };
    rig.controlPlane.setUpstream("files", () => connection);
    const { json } = await send(rig.url, { ...modern("tools/call", { name: "files__a" }), token: broken });
    expect(json.error).toEqual({
      code: -32603,
      message: "Unexpected error",
      data: {
        code: "internal",
        hint: expect.stringMatching(/^Look for request [0-9a-f]{8}-\d+ in the log of the gateway$/),
      },
    });
    const [, requestId] = /request (\S+)/.exec(json.error.data.hint) ?? [];
    expect(rig.lines.some((line) => line.includes(`"requestId":"${requestId}"`))).toBe(true);
  });
});

const LIST = '{"tools":[{"name":"a","inputSchema":{"type":"object"}}]}';
