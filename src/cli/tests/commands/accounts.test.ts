import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { FAKE_PASSWORD, FAKE_TOKEN, type FakeApi, startFakeApi } from "../fakes/fake-api.ts";
import { type RunOptions, runMcpctl, temporaryDirectory } from "../fakes/run-mcpctl.ts";

const NEW_PASSWORD = "a new and long password";

let api: FakeApi;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeEach(async () => {
  api = await startFakeApi();
  directory = await temporaryDirectory();
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

function run(line: string, options: RunOptions = {}) {
  return runMcpctl(line, { token: undefined, directory: directory.path, server: api.url, ...options });
}

function logIn() {
  return run("login --user alice@test.com --password-stdin", { stdin: FAKE_PASSWORD });
}

function lastBody(method: string): unknown {
  return api.received.findLast((call) => call.method === method)?.body;
}

describe("auth passwd", () => {
  const answers = { Old: FAKE_PASSWORD, New: NEW_PASSWORD, Repeat: NEW_PASSWORD };

  it("asks for the old and the new password without showing them, and stores the new session", async () => {
    await logIn();
    const { code, out, err } = await run("auth passwd", { answers });
    expect([code, out]).toEqual([0, []]);
    expect(lastBody("PUT")).toEqual({ oldPassword: FAKE_PASSWORD, password: NEW_PASSWORD });
    expect(err.join()).not.toMatch(/password\b.*battery|new and long/);
    const stored = await readFile(join(directory.path, "credentials.json"), "utf8");
    expect(JSON.parse(stored).sessions[api.url]).toEqual({
      token: FAKE_TOKEN,
      user: "alice@test.com",
      expiresAt: "2026-01-03T00:00:00.000Z",
    });
  });

  it("changes nothing when the new passwords differ, or the new one is too short", async () => {
    await logIn();
    const differ = await run("auth passwd", { answers: { ...answers, Repeat: "another new password" } });
    const short = await run("auth passwd", { answers: { ...answers, New: "short", Repeat: "short" } });
    expect([differ.code, short.code, lastBody("PUT")]).toEqual([2, 2, undefined]);
  });

  it("reads both from standard input, where nobody can be asked", async () => {
    await logIn();
    const stdin = `${FAKE_PASSWORD}\r\n${NEW_PASSWORD}\n`;
    expect((await run("auth passwd alice@test.com --password-stdin", { stdin })).code).toBe(0);
    expect(lastBody("PUT")).toEqual({ oldPassword: FAKE_PASSWORD, password: NEW_PASSWORD });
    const one = await run("auth passwd --password-stdin", { stdin: FAKE_PASSWORD });
    expect([one.code, one.err[0]]).toEqual([2, expect.stringContaining("needs 2 lines")]);
    expect((await run("auth passwd")).code).toBe(2);
  });

  it("sets another user's password with the new one alone", async () => {
    await logIn();
    const { code, err } = await run("auth passwd bob@test.com --password-stdin", { stdin: `${NEW_PASSWORD}\n` });
    expect([code, err]).toEqual([0, ["Password of bob@test.com set; the user's sessions have ended"]]);
    expect(api.received.at(-1)).toMatchObject({
      path: "/api/v1/users/bob%40test.com/password",
      body: { password: NEW_PASSWORD },
    });
  });

  it("says that the session in the environment has ended", async () => {
    const { err } = await run("auth passwd", { answers, token: FAKE_TOKEN });
    expect(err.at(-1)).toContain("MCPCTL_TOKEN has ended");
  });
});

describe("auth sessions", () => {
  it("ends those that are named", async () => {
    await logIn();
    expect((await run("auth sessions --end one --end ../two")).err).toEqual([
      "Session one ended",
      "Session ../two ended",
    ]);
    expect(api.received.slice(-2).map(({ method, path }) => `${method} ${path}`)).toEqual([
      "DELETE /api/v1/sessions/one",
      "DELETE /api/v1/sessions/..%2Ftwo",
    ]);
  });
});

describe("logout --all", () => {
  it("ends every session, and keeps this one when mcpd did not", async () => {
    await logIn();
    api.fail("DELETE", "/api/v1/sessions", new McpctlError("unavailable", "mcpd is stopping"));
    expect((await run("logout --all")).code).toBe(4);
    expect((await run("auth whoami")).code).toBe(0);
    await api[Symbol.asyncDispose]();
    api = await startFakeApi();
    await logIn();
    expect((await run("logout --all")).err).toEqual([`Logged out of ${api.url}, everywhere`]);
    expect((await run("auth whoami")).code).toBe(3);
  });
});

describe("login", () => {
  it("asks an older mcpd for nothing but a password", async () => {
    api.fail("GET", "/api/v1/login/methods", new McpctlError("not-found", "No such path"));
    expect((await run("login", { answers: { "User: ": "alice@test.com", Password: FAKE_PASSWORD } })).code).toBe(0);
  });

  it.each([
    "login --oidc --user alice",
    "login --device --password-stdin",
    "login --oidc --device",
    "login --device --token-stdin",
  ])("refuses ways that exclude each other: %s", async (line) => {
    expect((await run(line, { stdin: FAKE_PASSWORD })).code).toBe(2);
    expect(api.received).toEqual([]);
  });
});

describe("create user", () => {
  it("binds an identity of an OpenID provider", async () => {
    await logIn();
    const line = "create user eve --oidc-issuer https://id.example.com --oidc-subject 42";
    expect((await run(line)).code).toBe(0);
    expect(lastBody("POST")).toMatchObject({ spec: { oidc: { issuer: "https://id.example.com", subject: "42" } } });
    expect((await run("create user eve --oidc-subject 42")).code).toBe(2);
  });
});
