import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { runMcpctl, temporaryDirectory } from "../../src/cli/tests/fakes/run-mcpctl.ts";
import { browse } from "../support/form-browser.ts";
import { OIDC_CLIENT, type OpenidProvider, startOpenidProvider } from "../support/openid-provider.ts";
import { type Rest, startRest } from "../support/rest.ts";

let provider: OpenidProvider;
let rest: Rest;

beforeAll(async () => {
  provider = await startOpenidProvider();
  rest = await startRest(undefined, {
    settings: {
      oidcIssuer: provider.issuer,
      oidcClientId: OIDC_CLIENT.id,
      oidcClientSecret: OIDC_CLIENT.secret,
    },
  });
});
afterEach(() => provider.forge());
afterAll(async () => {
  await rest?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
});

async function createUser(name: string, spec: object): Promise<void> {
  expect((await rest.send("POST", "/api/v1/users", { kind: "User", metadata: { name }, spec })).status).toBe(201);
}

function bound(subject: string, spec: object = {}) {
  return { ...spec, oidc: { issuer: provider.issuer, subject } };
}

/** Runs `mcpctl login`, somebody at the keyboard of the browser who logs in as `subject`. */
async function login(subject: string, { line = "login --oidc", directory = "/nonexistent/mcpctl" } = {}) {
  const pages: Promise<{ text: string }>[] = [];
  const openBrowser = (url: string) => void pages.push(browse(url, { login: subject, password: "any" }));
  const ran = await runMcpctl(line, { server: rest.url, token: undefined, directory, openBrowser });
  return { ...ran, page: (await pages[0])?.text };
}

describe("a login with the browser", () => {
  it("goes through the pages of the provider and ends in a session of mcpd", async () => {
    await using directory = await temporaryDirectory();
    const config = join(directory.path, "mcpctl");
    await createUser("alice@test.com", bound("alice"));
    const { code, err, out, page } = await login("alice", { directory: config });
    expect({ code, out, err }).toMatchObject({ code: 0, out: [] });
    expect(err.at(-1)).toMatch(new RegExp(`^Logged in to ${rest.url} as alice@test.com, until `));
    expect(page).toContain("Go back to the terminal");
    const run = (line: string) => runMcpctl(line, { server: rest.url, token: undefined, directory: config });
    expect((await run("auth whoami")).out[0]).toBe("Name:    alice@test.com");
    expect((await run("auth sessions")).out[1]).toMatch(/ oidc +127\.0\.0\.1 .* yes$/);
    expect((await run("logout")).code).toBe(0);
    expect((await run("auth whoami")).code).toBe(3);
  });

  it("is what mcpd offers first, and a password stays possible", async () => {
    const { body } = await rest.send("GET", "/api/v1/login/methods", undefined, { bearer: null });
    expect(body).toEqual({ password: true, oidc: { issuer: provider.issuer } });
    const addresses: string[] = [];
    const abort = new AbortController();
    const openBrowser = (url: string) => {
      addresses.push(url);
      abort.abort();
    };
    const options = { server: rest.url, token: undefined, answers: {}, signal: abort.signal, openBrowser };
    expect((await runMcpctl("login", options)).code).toBe(130);
    expect(addresses).toEqual([expect.stringContaining(`${provider.issuer}/auth?`)]);
    const wrong = await runMcpctl("login --user admin --password-stdin", { server: rest.url, stdin: "wrong" });
    expect(wrong.err.join()).toContain("Wrong user or password");
  });

  it("lets in nobody whom no user is bound to, and says what to ask an administrator for", async () => {
    const { code, err } = await login("stranger");
    expect([code, err.at(-2)]).toEqual([6, "Error (forbidden): No user has your identity at the OpenID provider"]);
    expect(err.at(-1)).toContain(`{ issuer: ${provider.issuer}, subject: stranger }`);
  });

  it("takes no notice of an address that another user has as a name", async () => {
    await createUser("carol@test.com", {});
    provider.accounts.set("mallory", { email: "carol@test.com", email_verified: true });
    expect((await login("mallory")).code).toBe(6);
  });

  it("lets in no user who is disabled", async () => {
    await createUser("dan", bound("dan", { disabled: true }));
    const { code, err } = await login("dan");
    expect([code, err.at(-2)]).toEqual([6, 'Error (forbidden): User "dan" is disabled']);
  });
});

describe("a login on another device", () => {
  it("shows the code, waits for the person, and ends in a session", async () => {
    await using directory = await temporaryDirectory();
    await createUser("eve", bound("eve"));
    const shown = Promise.withResolvers<string>();
    const ran = runMcpctl("login --device", {
      server: rest.url,
      token: undefined,
      directory: join(directory.path, "mcpctl"),
      onError: (text) => {
        const [, url] = /^Or open (\S+)$/.exec(text) ?? [];
        if (url !== undefined) shown.resolve(url);
      },
    });
    const page = await browse(await shown.promise, { login: "eve", password: "any" });
    expect(page.status).toBe(200);
    const { code, err } = await ran;
    expect([code, err.at(-1)]).toEqual([0, expect.stringMatching(/ as eve, until /)]);
    expect(err.join()).toMatch(/type the code [A-Z]{4}-[A-Z]{4}/);
  });

  it("answers that it is pending, and refuses a code that it never gave", async () => {
    const poll = (deviceCode: string) =>
      rest.send("POST", "/api/v1/login/oidc/device/token", { deviceCode }, { bearer: null });
    const { body } = await rest.send("POST", "/api/v1/login/oidc/device", undefined, { bearer: null });
    expect((await poll(body["deviceCode"])).body).toEqual({ isPending: true, isTooFast: false });
    expect(await poll("made up")).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
  });
});

interface Flow {
  start: { redirectUri: string; state: string; nonce: string };
  codeVerifier: string;
  callback: string;
}

const CODE_VERIFIER = "v".repeat(43);
/** base64url of the SHA-256 of the verifier. */
const CODE_CHALLENGE = Buffer.from(
  await crypto.subtle.digest("SHA-256", new TextEncoder().encode(CODE_VERIFIER)),
).toString("base64url");

/** Does what the CLI does up to the redirect, on a port where nobody listens. */
async function startFlow(subject: string): Promise<Flow> {
  const start = { redirectUri: "http://127.0.0.1:9/callback", state: "s".repeat(43), nonce: "n".repeat(43) };
  const body = { ...start, codeChallenge: CODE_CHALLENGE };
  const answer = await rest.send("POST", "/api/v1/login/oidc/code", body, { bearer: null });
  expect(answer.status).toBe(200);
  const redirect = await browse(
    answer.body["authorizationUrl"],
    { login: subject, password: "any" },
    "http://127.0.0.1:9/",
  );
  return { start, codeVerifier: CODE_VERIFIER, callback: new URL(redirect.url).search.slice(1) };
}

function finish({ start, codeVerifier, callback }: Flow, change: object = {}) {
  const body = { ...start, codeVerifier, callback, ...change };
  return rest.send("POST", "/api/v1/login/oidc", body, { bearer: null });
}

describe("the answer of the browser", () => {
  it("is good once", async () => {
    await createUser("fay", bound("fay"));
    const flow = await startFlow("fay");
    expect(await finish(flow)).toMatchObject({ status: 200, body: { user: "fay" } });
    expect(await finish(flow)).toMatchObject({
      status: 401,
      body: { detail: expect.stringContaining("invalid_grant") },
    });
  });

  it.each([
    ["another state", { state: "x".repeat(43) }],
    ["another nonce", { nonce: "x".repeat(43) }],
    ["another verifier", { codeVerifier: "x".repeat(43) }],
    ["another port", { redirectUri: "http://127.0.0.1:10/callback" }],
    ["an error in place of a code", { callback: `error=access_denied&state=${"s".repeat(43)}` }],
    ["a code that was made up", { callback: `code=made-up&state=${"s".repeat(43)}` }],
  ])("is refused with %s", async (_, change) => {
    const answer = await finish(await startFlow("fay"), change);
    expect(answer).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
    expect(answer.body).not.toHaveProperty("token");
  });

  it("is refused when another issuer has sent it", async () => {
    const flow = await startFlow("fay");
    const query = new URLSearchParams(flow.callback);
    query.set("iss", "https://other.example.com");
    expect((await finish(flow, { callback: query.toString() })).status).toBe(401);
  });

  it("goes to no address but a port of loopback", async () => {
    const body = { redirectUri: "http://evil.example.com/callback", state: "s".repeat(43), nonce: "n".repeat(43) };
    const start = { ...body, codeChallenge: CODE_CHALLENGE };
    expect((await rest.send("POST", "/api/v1/login/oidc/code", start, { bearer: null })).status).toBe(422);
  });
});

describe("an ID token", () => {
  const now = () => Math.floor(Date.now() / 1_000);
  const OTHER_KEY = { kid: "other" };

  it.each<[string, Parameters<OpenidProvider["forge"]>[0]]>([
    [
      "of another issuer",
      ({ header, claims }) => ({ header, claims: { ...claims, iss: "https://other.example.com" } }),
    ],
    ["for another client", ({ header, claims }) => ({ header, claims: { ...claims, aud: "another" } })],
    ["that has expired", ({ header, claims }) => ({ header, claims: { ...claims, exp: now() - 60 } })],
    ["with another nonce", ({ header, claims }) => ({ header, claims: { ...claims, nonce: "x".repeat(43) } })],
    ["without a nonce", ({ header, claims: { nonce: _, ...claims } }) => ({ header, claims })],
    ["without a subject", ({ header, claims: { sub: _, ...claims } }) => ({ header, claims })],
    ["signed with another key", (token) => ({ ...token, signature: "wrong" })],
    ["naming an unknown key", ({ header, claims }) => ({ header: { ...header, ...OTHER_KEY }, claims })],
    ["without a signature", ({ claims }) => ({ header: { alg: "none" }, claims, signature: "none" })],
    ["signed with a shared secret", ({ header, claims }) => ({ header: { ...header, alg: "HS256" }, claims })],
  ])("%s is refused", async (_, forge) => {
    const flow = await startFlow("fay");
    provider.forge(forge);
    expect(await finish(flow)).toMatchObject({
      status: 401,
      body: { code: "unauthenticated", detail: expect.stringContaining("is not valid (OAUTH_") },
    });
  });

  it("that the clocks differ about by seconds is good", async () => {
    const flow = await startFlow("fay");
    provider.forge(({ header, claims }) => ({ header, claims: { ...claims, exp: now() - 5 } }));
    expect((await finish(flow)).status).toBe(200);
  });
});

describe("the identity of a user", () => {
  it("belongs to one user", async () => {
    const again = { kind: "User", metadata: { name: "fay-2" }, spec: bound("fay") };
    expect(await rest.send("POST", "/api/v1/users", again)).toMatchObject({
      status: 409,
      body: { fields: [{ path: "spec.oidc.subject" }] },
    });
  });

  it("is set only by those who hold every right of the user, and ends its sessions", async () => {
    await createUser("gil", {});
    const password = "a long enough password";
    await rest.send("PUT", "/api/v1/users/gil/password", { password });
    const spec = { subjects: [{ kind: "User", name: "gil" }], roleBindings: [{ role: "edit", resource: "users" }] };
    await rest.send("POST", "/api/v1/rbac", { kind: "RbacDefinition", metadata: { name: "gil" }, spec });
    const session = await rest.send("POST", "/api/v1/login", { user: "gil", password }, { bearer: null });
    const bearer = String(session.body["token"]);
    const rebind = (name: string) =>
      rest.send("PUT", `/api/v1/users/${name}`, { kind: "User", metadata: { name }, spec: bound("gil") }, { bearer });
    expect(await rebind("admin")).toMatchObject({ status: 403, body: { detail: expect.stringContaining("admin *") } });
    expect((await rebind("gil")).status).toBe(200);
    expect((await rest.send("GET", "/api/v1/whoami", undefined, { bearer })).status).toBe(401);
  });
});
