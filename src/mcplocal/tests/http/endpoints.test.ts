import { beforeAll, describe, expect, it } from "vitest";
import { generateToken } from "@mcpctl/shared/tokens/index.ts";
import { startModernServer } from "../../../../tests/fixtures/http-modern-server.ts";
import { startRig, type Rig, started } from "../support/gateway-rig.ts";
import { modern, send, type WireRequest } from "../support/wire.ts";

describe("the endpoints of the gateway", () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig({
      servers: { files: await started(startModernServer()) },
      options: {
        allowedHosts: ["mcp.example.com", "other.example.com:8443"],
        allowedOrigins: ["https://app.example.com"],
      },
    });
    rig.controlPlane.setProject("secret", []);
  });
  const list = modern("tools/list");
  const ask = (request: WireRequest) => send(rig.url, request);

  it("are /mcp and the project's own, for a token of the project", async () => {
    for (const path of ["/mcp", "/projects/demo/mcp", "/projects/d%65mo/mcp"]) {
      expect((await ask({ ...list, path, token: rig.token })).status, path).toBe(200);
    }
  });

  it("do not tell a project of others from one that does not exist", async () => {
    const others = await ask({ ...list, path: "/projects/secret/mcp", token: rig.token });
    const nobodys = await ask({ ...list, path: "/projects/nothing/mcp", token: rig.token });
    const garbage = await ask({ ...list, path: "/projects/%E0%A4%A/mcp", token: rig.token });
    expect(others.status).toBe(404);
    expect(others.text).toBe(nobodys.text);
    expect(garbage.text).toBe(nobodys.text);
    expect(Object.keys(others.headers)).toEqual(Object.keys(nobodys.headers));
  });

  it("say the same to every token that does not work, and to none", async () => {
    const revoked = rig.controlPlane.addToken("demo");
    rig.controlPlane.revoke(revoked);
    const answers = await Promise.all([
      ask({ ...list }),
      ask({ ...list, token: "guess" }),
      ask({ ...list, token: generateToken().raw }),
      ask({ ...list, token: revoked }),
      ask({ ...list, path: "/projects/secret/mcp" }),
      ask({ ...list, headers: { ...list.headers, authorization: [`Bearer ${rig.token}`, `Bearer ${rig.token}`] } }),
    ]);
    for (const { status, text, headers } of answers) {
      expect(status).toBe(401);
      expect(text).toBe(answers[0].text);
      expect(headers["www-authenticate"]).toBe("Bearer");
    }
  });

  it.each(["GET", "POST", "DELETE", "PUT", "OPTIONS"])("ask for a token before anything else: %s", async (method) => {
    const { status, headers } = await ask({ method, headers: { "mcp-session-id": "x" } });
    expect({ status, challenge: headers["www-authenticate"] }).toEqual({ status: 401, challenge: "Bearer" });
  });

  it.each(["?access_token=x", "?token=x", "?a=1&api_key=x", "?authorization=Bearer%20x", "?q=mcpctl_pat_abc"])(
    "refuse credentials in the address: %s",
    async (query) => {
      expect((await ask({ ...list, path: `/mcp${query}`, token: rig.token })).status).toBe(400);
      expect((await ask({ ...list, path: `/mcp${query}` })).status).toBe(400);
    },
  );

  it.each([
    "/",
    "/mcp/",
    "/sse",
    "/projects",
    "/projects/demo",
    "/projects/a/b/mcp",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/register",
  ])("are no more than that: %s", async (path) => {
    const { status, headers, json } = await ask({ method: "GET", path, token: rig.token });
    expect(status).toBe(404);
    expect(headers["content-type"]).toBe("application/problem+json");
    expect(json.code).toBe("not-found");
  });

  it.each(["/healthz", "/livez", "/readyz"])("tell their health to everybody: %s", async (path) => {
    const { status, json } = await ask({ method: "GET", path, headers: { host: "10.0.0.7:7420" } });
    expect({ status, json }).toEqual({ status: 200, json: { status: "ok" } });
  });

  it("count what they do", async () => {
    await ask({ ...modern("tools/call", { name: "files__echo", arguments: { message: "x" } }), token: rig.token });
    const { text } = await ask({ method: "GET", path: "/metrics" });
    expect(text).toContain('mcpctl_gateway_tool_calls_total{server="files",outcome="ok"}');
    expect(text).toContain('mcpctl_gateway_requests_total{method="tools/call",outcome="ok"}');
    expect(text).toContain('mcpctl_gateway_servers{state="ready"} 1');
  });

  const port = () => new URL(rig.url).port;
  it.each([
    ["its own address", () => `127.0.0.1:${port()}`, 200],
    ["localhost", () => `localhost:${port()}`, 200],
    ["localhost behind a forwarded port", () => "localhost:8080", 200],
    ["loopback of IPv6", () => `[::1]:${port()}`, 200],
    ["letters of any case", () => "LocalHost", 200],
    ["an allowed host", () => "mcp.example.com", 200],
    ["an allowed host on any port", () => "mcp.example.com:443", 200],
    ["an allowed host and port", () => "other.example.com:8443", 200],
    ["an allowed host on another port", () => "other.example.com", 403],
    ["another host", () => "attacker.test", 403],
    ["a host that begins like ours", () => "localhost.attacker.test", 403],
    ["a host behind credentials", () => "localhost@attacker.test", 403],
    ["another address", () => "192.0.2.1", 403],
    ["our address written otherwise", () => "0x7f000001", 403],
  ])("check that the request was meant for them: %s", async (_, host, status) => {
    const answer = await ask({ ...list, token: rig.token, headers: { ...list.headers, host: host() } });
    expect(answer.status).toBe(status);
    if (status === 403)
      expect(answer.json).toMatchObject({ code: "forbidden", hint: expect.stringContaining("--allowed-hosts") });
  });

  it.each([
    ["a page on loopback", "http://localhost:3000", 200],
    ["a page on 127.0.0.1", "https://127.0.0.1", 200],
    ["an allowed page", "https://app.example.com", 200],
    ["an allowed page in other letters", "https://APP.example.com", 200],
    ["an allowed page on another port", "https://app.example.com:8443", 403],
    ["an allowed page without TLS", "http://app.example.com", 403],
    ["another page", "https://attacker.test", 403],
    ["a page that begins like loopback", "http://localhost.attacker.test", 403],
    ["a page behind credentials", "http://localhost@attacker.test", 403],
    ["a page without an address", "null", 403],
    ["a file", "file://localhost", 403],
    ["something empty", "", 403],
  ])("check where a browser's request comes from: %s", async (_, origin, status) => {
    expect((await ask({ ...list, token: rig.token, headers: { ...list.headers, origin } })).status).toBe(status);
  });

  it("check host and origin before the token", async () => {
    expect((await ask({ ...list, headers: { host: "attacker.test" } })).status).toBe(403);
    expect((await ask({ method: "GET", path: "/metrics", headers: { origin: "https://attacker.test" } })).status).toBe(
      403,
    );
  });
});

describe("the endpoint without authentication", () => {
  it("serves one project to everybody", async () => {
    const rig = await startRig({
      servers: { files: await started(startModernServer()) },
      options: { openProject: "demo" },
    });
    const { status, json } = await send(rig.url, modern("tools/list"));
    expect({ status, tools: json.result.tools.length }).toEqual({ status: 200, tools: 6 });
    expect((await send(rig.url, { ...modern("tools/list"), path: "/projects/other/mcp" })).status).toBe(404);
  });
});
