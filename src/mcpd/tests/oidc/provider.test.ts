import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { createOidcProvider } from "../../src/oidc/provider.ts";

const START = {
  redirectUri: "http://127.0.0.1:9/callback",
  codeChallenge: "c".repeat(43),
  state: "s".repeat(43),
  nonce: "n".repeat(43),
};
const { codeChallenge: _, ...FLOW } = START;
const FINISH = { ...FLOW, codeVerifier: "v".repeat(43), callback: `code=secret-code&state=${START.state}` };

interface Answer {
  status?: number;
  location?: string;
  json?: object;
}

/** An HTTP server that answers every path as told, and remembers what it was asked. */
async function startServer(answerOf: (path: string, url: string) => Answer) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(`${request.method} ${path}`);
    const { status = 200, location, json = {} } = answerOf(path, url);
    const headers = { "content-type": "application/json", ...(location !== undefined && { location }) };
    response.writeHead(status, headers).end(JSON.stringify(json));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function providerAt(issuer: string) {
  return createOidcProvider({
    issuer,
    clientId: "mcpctl",
    clientSecret: "a secret",
    scopes: "openid",
    userClaim: undefined,
    hasProvisioning: false,
    allowedDomains: [],
    allowedGroups: [],
    groupsClaim: undefined,
    groupsPrefix: "oidc-",
  });
}

function metadataOf(issuer: string, change: object = {}) {
  const endpoints = {
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
  };
  return { issuer, ...endpoints, ...change };
}

describe("the provider as mcpd uses it", () => {
  it("asks for a code with PKCE, state and nonce, and looks its metadata up once", async () => {
    await using server = await startServer((_path, url) => ({ json: metadataOf(url) }));
    const provider = providerAt(server.url);
    const url = new URL(await provider.authorizationUrl(START));
    await provider.authorizationUrl(START);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: "mcpctl",
      response_type: "code",
      redirect_uri: START.redirectUri,
      scope: "openid",
      code_challenge: START.codeChallenge,
      code_challenge_method: "S256",
      state: START.state,
      nonce: START.nonce,
    });
    expect(server.asked).toEqual(["GET /.well-known/openid-configuration"]);
  });

  it("follows no redirect, neither of its metadata nor with a code in hand", async () => {
    await using elsewhere = await startServer((_path, url) => ({ json: metadataOf(url) }));
    await using moved = await startServer(() => ({ status: 302, location: `${elsewhere.url}/x` }));
    await expect(providerAt(moved.url).authorizationUrl(START)).rejects.toMatchObject({ code: "upstream-unavailable" });
    await using server = await startServer((path, url) =>
      path === "/token" ? { status: 307, location: `${elsewhere.url}/token` } : { json: metadataOf(url) },
    );
    await expect(providerAt(server.url).exchangeCode(FINISH)).rejects.toMatchObject({ code: "upstream-unavailable" });
    expect(server.asked.at(-1)).toBe("POST /token");
    expect(elsewhere.asked).toEqual([]);
  });

  it("believes no metadata of another issuer", async () => {
    await using server = await startServer(() => ({ json: metadataOf("https://other.example.com") }));
    await expect(providerAt(server.url).authorizationUrl(START)).rejects.toMatchObject({
      code: "upstream-unavailable",
    });
  });

  it("sends no code in clear, wherever the metadata points", async () => {
    await using server = await startServer((_path, url) => ({
      json: metadataOf(url, { token_endpoint: "http://metadata.example.com/token" }),
    }));
    await expect(providerAt(server.url).exchangeCode(FINISH)).rejects.toMatchObject({
      code: "upstream-protocol",
      message: "The OpenID provider names an endpoint that is not https: metadata.example.com",
    });
  });

  it("tries again after a failure, and tells no secret in it", async () => {
    let isUp = false;
    await using server = await startServer((path, url) => {
      if (path === "/token") return { status: 400, json: { error: "invalid_client", error_description: "a secret" } };
      return isUp ? { json: metadataOf(url) } : { status: 503 };
    });
    const provider = providerAt(server.url);
    await expect(provider.authorizationUrl(START)).rejects.toMatchObject({ code: "upstream-unavailable" });
    isUp = true;
    const error = await provider.exchangeCode(FINISH).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "upstream-unavailable", message: expect.stringContaining("invalid_client") });
    expect(JSON.stringify(error) + String(error)).not.toMatch(/a secret|secret-code/);
  });

  it("says so where there is no device flow", async () => {
    await using server = await startServer((_path, url) => ({ json: metadataOf(url) }));
    await expect(providerAt(server.url).startDevice()).rejects.toMatchObject({
      code: "invalid",
      hint: "Log in where a browser can be opened: mcpctl login --oidc",
    });
  });
});
