import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FAKE_PASSWORD, FAKE_TOKEN, type FakeApi, startFakeApi } from "../fakes/fake-api.ts";
import { type RunOptions, runMcpctl, temporaryDirectory } from "../fakes/run-mcpctl.ts";

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

/** Runs with nothing in the environment but the directory of the credentials. */
function run(line: string, options: RunOptions = {}) {
  return runMcpctl(line, { token: undefined, directory: join(directory.path, "mcpctl"), ...options });
}

const answers = { "User: ": "alice@test.com", Password: FAKE_PASSWORD };
const path = () => join(directory.path, "mcpctl", "credentials.json");

describe("login", () => {
  it("asks, stores the session for its owner alone, and never shows it", async () => {
    const { code, out, err } = await run(`login --server ${api.url}/`, { answers });
    expect({ code, out }).toEqual({ code: 0, out: [] });
    expect(err.at(-1)).toBe(`Logged in to ${api.url} as alice@test.com, until 2026-01-02T00:00:00.000Z`);
    expect(err.join()).not.toContain(FAKE_TOKEN);
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory.path, "mcpctl"))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(directory.path, "mcpctl"))).toEqual(["credentials.json"]);
  });

  it("makes its server the one that later commands use, each with its own session", async () => {
    await run("login", { server: api.url, answers });
    expect((await run("auth whoami")).out.at(-1)).toBe(`Server:  ${api.url}`);
    const elsewhere = await run("get servers", { server: "http://127.0.0.1:9" });
    expect([elsewhere.code, elsewhere.err[0]]).toEqual([
      3,
      "Error (unauthenticated): Not logged in to http://127.0.0.1:9",
    ]);
  });

  it("takes the password from standard input where nobody can be asked", async () => {
    const { code } = await run("login --user alice@test.com --password-stdin", {
      server: api.url,
      stdin: `${FAKE_PASSWORD}\r\n`,
    });
    expect(code).toBe(0);
    expect(api.received[0]?.body).toEqual({ user: "alice@test.com", password: FAKE_PASSWORD });
  });

  it("stores a token only after mcpd has said whose it is", async () => {
    const good = await run("login --token-stdin", { server: api.url, stdin: `${FAKE_TOKEN}\n` });
    expect(good.err).toEqual([`Logged in to ${api.url} as alice@test.com`]);
    const bad = await run("login --token-stdin", { server: api.url, stdin: "mcpctl_ses_wrong\n" });
    expect([bad.code, bad.err.join()]).toEqual([3, expect.not.stringContaining("mcpctl_ses_wrong")]);
    expect(await readFile(path(), "utf8")).toContain(FAKE_TOKEN);
  });

  it("stores nothing when the password is wrong", async () => {
    const { code } = await run("login", { server: api.url, answers: { ...answers, Password: "wrong" } });
    expect(code).toBe(3);
    await expect(stat(path())).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("warns where the password could be read on the way, and where MCPCTL_TOKEN hides the session", async () => {
    const plain = await run("login --server http://mcpctl.invalid --user a --password-stdin", { stdin: "x" });
    expect(plain.err[0]).toMatch(/^Warning: http:\/\/mcpctl\.invalid is not encrypted/);
    const hidden = await run("login", { server: api.url, answers, token: FAKE_TOKEN });
    expect(hidden.err.at(-1)).toBe("Warning: MCPCTL_TOKEN is set and wins over this session");
  });

  it("refuses an address with credentials in it, and does not repeat them", async () => {
    const { code, err } = await run("login --server http://alice:hunter2@127.0.0.1:7400", { answers });
    expect([code, err[0], err.join()]).toEqual([
      2,
      "Error (invalid): --server must not hold credentials",
      expect.not.stringContaining("hunter2"),
    ]);
  });
});

describe("the server and the token", () => {
  it("come from the flag, then the environment, then the last login", async () => {
    await run("login", { server: api.url, answers });
    await using other = await startFakeApi();
    const serverOf = async (line: string, options: RunOptions = {}) =>
      (await run(line, { token: FAKE_TOKEN, ...options })).out.at(-1);
    expect(await serverOf("auth whoami")).toContain(api.url);
    expect(await serverOf("auth whoami", { server: other.url })).toContain(other.url);
    expect(await serverOf(`auth whoami --server ${other.url}`, { server: api.url })).toContain(other.url);
    expect(await serverOf(`--server ${other.url} auth whoami`, { server: api.url })).toContain(other.url);
  });

  it("fall back to loopback", async () => {
    expect((await run("get servers")).err[0]).toBe("Error (unauthenticated): Not logged in to http://127.0.0.1:7400");
  });
});

describe("logout", () => {
  it("ends the session at mcpd and forgets it", async () => {
    await run("login", { server: api.url, answers });
    expect((await run("logout")).err).toEqual([`Logged out of ${api.url}`]);
    expect(api.received.at(-1)).toMatchObject({
      method: "POST",
      path: "/api/v1/logout",
      authorization: `Bearer ${FAKE_TOKEN}`,
    });
    expect(await readFile(path(), "utf8")).not.toContain(FAKE_TOKEN);
    expect((await run("get servers")).code).toBe(3);
  });

  it("forgets the session also when mcpd cannot be reached", async () => {
    await run("login", { server: api.url, answers });
    const { url } = api;
    await api[Symbol.asyncDispose]();
    const { code, err } = await run("logout");
    expect([code, err[0]]).toEqual([
      0,
      expect.stringMatching(/^Forgot the session of .*; mcpd did not end it: Cannot reach mcpd/),
    ]);
    expect((await run("logout")).err).toEqual([`Not logged in to ${url}`]);
  });
});

describe("the file of the credentials", () => {
  it("is refused when it is damaged, without being quoted", async () => {
    await run("login", { server: api.url, answers });
    await writeFile(path(), '{"sessions": "mcpctl_ses_leak');
    const { code, err } = await run("get servers");
    expect(code).toBe(2);
    expect(err).toEqual([
      `Error (config-invalid): ${path()} is damaged`,
      `Hint: Delete it and log in again: rm ${path()} && mcpctl login`,
    ]);
    expect((await run("get servers --debug")).err.join()).not.toContain("mcpctl_ses_leak");
  });

  it("names the way out when its directory cannot be used", async () => {
    await writeFile(join(directory.path, "mcpctl"), "");
    const { code, err } = await run("login", { server: api.url, answers });
    expect([code, err.at(-1)]).toEqual([2, "Hint: Choose another directory with MCPCTL_CONFIG_DIR"]);
  });
});

describe("version", () => {
  it("asks mcpd without a login", async () => {
    expect((await run("version", { server: api.url })).out).toEqual(["Client: 0.1.0", `Server: 0.1.0 (${api.url})`]);
    expect((await run("version -o json", { server: api.url })).out).toEqual([
      JSON.stringify({ client: { version: "0.1.0" }, server: { version: "0.1.0", url: api.url } }),
    ]);
  });

  it("prints its own version also when mcpd is out of reach", async () => {
    const { url } = api;
    await api[Symbol.asyncDispose]();
    const { code, out, err } = await run("version", { server: url });
    expect({ code, out }).toEqual({ code: 4, out: ["Client: 0.1.0"] });
    expect(err).toEqual([
      expect.stringMatching(/connection was refused$/),
      "Hint: Is mcpd running? Start it with: mcpctl up",
    ]);
    expect((await run("version --client", { server: url })).code).toBe(0);
  });
});
