import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { describe, expect, it } from "vitest";
import { startLegacyServer } from "../../../tests/fixtures/http-legacy-server.ts";
import { startModernServer } from "../../../tests/fixtures/http-modern-server.ts";
import { started, startRig } from "./support/gateway-rig.ts";

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
