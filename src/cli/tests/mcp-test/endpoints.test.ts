import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { startLegacyServer } from "../../../../tests/fixtures/http-legacy-server.ts";
import { startModernServer } from "../../../../tests/fixtures/http-modern-server.ts";
import { findFreePort } from "../../../../tests/support/free-port.ts";
import { REACH_CHECKS } from "../../src/mcp-test/checks/transport-checks.ts";
import type { Endpoint } from "../../src/mcp-test/endpoint.ts";
import { type Plant, refuse } from "../fakes/conforming-server.ts";
import { testServer, testUrl } from "../fakes/test-mcp.ts";

async function startHttp(listener: Parameters<typeof createServer>[1]) {
  const server = createServer(listener ?? (() => undefined)).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function scopesOf(checks: readonly { id: string }[]): string[] {
  return [...new Set(checks.map(({ id }) => id.split(".")[0] ?? ""))];
}

describe("which revisions are tested", () => {
  it("is what the server speaks", async () => {
    const modern = await testServer({ eras: ["modern"] });
    expect({ code: modern.code, bad: modern.bad }).toEqual({ code: 0, bad: [] });
    expect(scopesOf(modern.checks)).toEqual(["endpoint", "auth", "modern"]);
    const legacy = await testServer({ eras: ["legacy"] });
    expect({ code: legacy.code, bad: legacy.bad }).toEqual({ code: 0, bad: [] });
    expect(scopesOf(legacy.checks)).toEqual(["endpoint", "auth", "legacy"]);
  });

  it("is what --era says, and then it has to be spoken", async () => {
    expect(scopesOf((await testServer({}, ["--era", "modern"])).checks)).toEqual(["endpoint", "auth", "modern"]);
    expect(scopesOf((await testServer({}, ["--era", "legacy"])).checks)).toEqual(["endpoint", "auth", "legacy"]);
    const { code, bad } = await testServer({ eras: ["modern"] }, ["--era", "legacy"]);
    expect({ code, bad }).toEqual({ code: 9, bad: ["endpoint.era"] });
  });

  it("is none where nothing is known, and the transport of 2024-11-05 is named", async () => {
    await using old = await startHttp((request, response) => {
      if (request.method !== "GET") response.writeHead(404).end();
      else {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write("event: endpoint\ndata: /messages\n\n");
      }
    });
    const { code, bad, checks } = await testUrl(old.url, [], { mcpToken: undefined });
    expect({ code, bad }).toEqual({ code: 9, bad: ["endpoint.era"] });
    expect(checks.find(({ id }) => id === "endpoint.era")?.seen).toContain("HTTP+SSE transport of 2024-11-05");
  });
});

describe("an endpoint that cannot be spoken with", () => {
  it("is unreachable where nothing listens", async () => {
    const url = `http://127.0.0.1:${await findFreePort()}/mcp`;
    const { code, bad, err } = await testUrl(url);
    expect({ code, bad }).toEqual({ code: 4, bad: ["endpoint.reachable"] });
    expect(JSON.parse(err.join("\n"))).toMatchObject({ error: { code: "unreachable" } });
  });

  it("is unreachable when it never answers", async () => {
    await using silent = await startHttp(() => undefined);
    const { code, checks } = await testUrl(silent.url, ["--timeout", "200ms"]);
    expect(code).toBe(4);
    expect(checks[0]).toMatchObject({ id: "endpoint.reachable", seen: "no answer within 200 ms" });
  });

  it("ends with 3 without a token or with a wrong one, and its refusals are tested", async () => {
    const missing = await testServer({}, [], { mcpToken: undefined });
    expect({ code: missing.code, bad: missing.bad }).toEqual({ code: 3, bad: ["endpoint.admitted"] });
    expect(missing.checks.filter(({ id, status }) => id.startsWith("auth.") && status === "ok")).toHaveLength(5);
    const wrong = await testServer({}, [], { mcpToken: "wrong" });
    expect({ code: wrong.code, bad: wrong.bad }).toEqual({ code: 3, bad: ["endpoint.admitted"] });
  });

  it("ends with 6 when the token opens something else", async () => {
    const plant: Plant = (seen) => refuse(seen, 403, -32000);
    expect((await testServer({ plant })).code).toBe(6);
  });

  it("does not follow a redirect, and names where it leads", async () => {
    const plant: Plant = () => ({ status: 308, headers: { location: "https://elsewhere.example/mcp" } });
    const { code, checks } = await testServer({ plant });
    expect(code).toBe(9);
    expect(checks.find(({ id }) => id === "endpoint.era")?.seen).toContain(
      "a redirect to https://elsewhere.example/mcp",
    );
  });

  it("is left at once on Ctrl-C", async () => {
    const controller = new AbortController();
    await using silent = await startHttp(() => controller.abort(new DOMException("Interrupted", "AbortError")));
    expect(await testUrl(silent.url, [], { signal: controller.signal })).toMatchObject({ code: 130, out: [], err: [] });
  });
});

describe("an endpoint that is asked too often", () => {
  it("is asked again when it says so", async () => {
    let requests = 0;
    const plant: Plant = (seen, decide) => {
      requests += 1;
      return requests % 7 === 0 ? { status: 429, headers: { "retry-after": "0" } } : decide(seen);
    };
    const { code, bad } = await testServer({ plant });
    expect({ code, bad }).toEqual({ code: 0, bad: [] });
  });

  it("is given up when it never relents", async () => {
    const { code } = await testServer({ plant: () => ({ status: 429, headers: { "retry-after": "0" } }) });
    expect(code).toBe(9);
  });
});

describe("an endpoint that answers too much", () => {
  it("is not read to an end that never comes", async () => {
    const plant: Plant = (seen, decide) => {
      const { method, id, params } = seen.body;
      if (method !== "tools/list") return decide(seen);
      const next = Number(params?.cursor ?? 0) + 1;
      const tools = [{ name: `tool-${next}`, inputSchema: { type: "object" } }];
      return { status: 200, message: { id, result: { resultType: "complete", tools, nextCursor: String(next) } } };
    };
    const { checks } = await testServer({ plant }, ["--era", "modern"]);
    expect(checks.find(({ id }) => id === "modern.pagination")).toMatchObject({
      status: "fail",
      seen: "tools/list: there are more than 200 pages",
    });
  });
});

describe("an endpoint without a token", () => {
  it("passes where none is asked for", async () => {
    const { code, bad, checks } = await testServer({ isProtected: false }, [], { mcpToken: undefined });
    expect({ code, bad }).toEqual({ code: 0, bad: [] });
    expect(checks.filter(({ id }) => id.startsWith("auth.")).map(({ status }) => status)).toEqual(
      Array.from({ length: 7 }, () => "skip"),
    );
  });

  it("is told from one that lets everybody in although a token is given", async () => {
    const { bad } = await testServer({ isProtected: false });
    expect(bad).toEqual(["auth.no-token", "auth.wrong-token"]);
  });
});

describe("an address that others can listen to", () => {
  it("is warned of", () => {
    const encrypted = REACH_CHECKS.find(({ id }) => id === "encrypted");
    const at = (url: string) => encrypted?.run({ settings: { url: new URL(url) } } as Endpoint);
    expect(at("http://mcp.example.com/mcp")).toMatchObject({ status: "violated" });
    expect(at("https://mcp.example.com/mcp")).toMatchObject({ status: "ok" });
    expect(at("http://127.0.0.1:7420/mcp")).toMatchObject({ status: "ok" });
  });
});

describe("servers that were written for other tests", () => {
  it("are judged by what they leave out", async () => {
    const modern = await startModernServer();
    const legacy = await startLegacyServer();
    try {
      expect(await testUrl(modern.url, [], { mcpToken: undefined })).toMatchObject({
        bad: [
          "endpoint.origin",
          "endpoint.host",
          "endpoint.content-type",
          "endpoint.accept",
          "modern.encoded-name",
          "modern.list-cache",
          "modern.bad-cursor",
        ],
      });
      expect((await testUrl(legacy.url, [], { mcpToken: undefined })).bad).toContain("legacy.ping");
    } finally {
      await modern.close();
      await legacy.close();
    }
  });
});
