import { describe, expect } from "vitest";
import { findFreePort } from "../support/free-port.ts";
import { startHttpProxy } from "../support/http-proxy.ts";
import { built, type Running, start } from "../support/programs.ts";
import { connect, ERAS, textOf } from "./support/client.ts";
import { type LoneControlPlane, startControlPlane } from "./support/control-plane.ts";
import { verifies } from "./support/verifies.ts";

async function addressOf(program: Running): Promise<string> {
  const [url = ""] = /http:\/\/[^\s/]+/.exec(await program.line((line) => line.includes("http://"))) ?? [];
  return url;
}

function startGateway({ api }: LoneControlPlane, listen = "127.0.0.1:0"): Running {
  return start(built("mcplocal-serve"), ["--listen", listen, "--mcpd-url", api, "--log-level", "error"]);
}

async function mint({ mcpctl }: LoneControlPlane): Promise<string> {
  return (await mcpctl(["create", "mcptoken", "agent", "-p", "demo"])).stdout.trim();
}

/** A proxy that gives each request to the next gateway, as a load balancer without affinity does, and counts them. */
async function takeTurns(origins: readonly string[]) {
  const counts = origins.map(() => 0);
  let turn = 0;
  const next = (): string => {
    const at = turn++ % origins.length;
    counts[at] = (counts[at] ?? 0) + 1;
    return origins[at] ?? "";
  };
  const proxy = await startHttpProxy(`${origins[0]}/mcp`, (headers) => headers, next);
  return Object.assign(proxy, { counts });
}

async function rawList(url: string, token: string): Promise<string> {
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "raw", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const response = await fetch(`${url}/mcp`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/list",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: { _meta: meta } }),
  });
  return response.text();
}

describe("several gateways", () => {
  verifies("gateway:replicas", async () => {
    await using plane = await startControlPlane();
    const token = await mint(plane);
    await using one = startGateway(plane);
    await using other = startGateway(plane);
    const origins = [await addressOf(one), await addressOf(other)];
    await using proxy = await takeTurns(origins);
    for (const era of ERAS) {
      await using client = await connect(proxy.url, token, era, { elicitation: {} });
      for (let turn = 0; turn < 6; turn += 1) {
        expect((await client.listTools()).tools.length).toBeGreaterThan(10);
        const answer = await client.callTool({ name: "echo__echo", arguments: { text: `turn ${turn}` } });
        expect(textOf(answer)).toContain(`turn ${turn}`);
      }
    }
    expect(Math.min(...proxy.counts)).toBeGreaterThan(10);
    const [first, second] = await Promise.all(origins.map((origin) => rawList(origin, token)));
    expect(first).toContain("echo__echo");
    expect(second).toBe(first);
  });

  verifies("gateway:session-survives", async () => {
    await using plane = await startControlPlane();
    const token = await mint(plane);
    const listen = `127.0.0.1:${await findFreePort()}`;
    const messages: string[] = [];
    {
      await using first = startGateway(plane, listen);
      const url = `${await addressOf(first)}/mcp`;
      await using client = await connect(url, token, "legacy");
      await client.callTool({ name: "echo__echo", arguments: { text: "before" } });
      await first.end("SIGKILL");
      await expect(client.callTool({ name: "echo__echo", arguments: { text: "lost" } })).rejects.toThrow();
      await using second = startGateway(plane, listen);
      await addressOf(second);
      const answer = await client.callTool({ name: "echo__echo", arguments: { text: "after" } });
      expect(textOf(answer)).toContain("after");
      const received = textOf(await client.callTool({ name: "echo__received", arguments: {} }));
      const calls = JSON.parse(received) as { method: string; params?: { arguments?: { text?: string } } }[];
      for (const { method, params } of calls) {
        if (method === "tools/call" && params?.arguments?.text !== undefined) messages.push(params.arguments.text);
      }
    }
    expect(messages).toEqual(["before", "after"]);
  });
});
