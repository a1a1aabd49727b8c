import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryDir } from "../e2e/support/stack.ts";
import { built, type Finished, run, start } from "../support/programs.ts";

const MCPD = built("mcpd");
/** Each test starts mcpd several times. */
const TIMEOUT_MS = 180_000;
const PASSWORD = "a password for the test";

describe("mcpd and the key of its secrets", () => {
  let dir: Awaited<ReturnType<typeof temporaryDir>>;
  let args: string[];
  let keyFile: string;

  beforeAll(async () => {
    dir = await temporaryDir();
    const data = join(dir.path, "data");
    args = ["--listen", "127.0.0.1:0", "--data-dir", data, "--log-level", "silent"];
    keyFile = join(data, "secrets-key");
    await using mcpd = start(MCPD, args, { MCPD_ADMIN_PASSWORD: PASSWORD });
    const api = (await mcpd.line((line) => line.startsWith("mcpd listens on "))).replace("mcpd listens on ", "");
    const post = async (path: string, body: object, token = "") => {
      const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
      return fetch(`${api}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    };
    const { token } = (await (await post("/api/v1/login", { user: "admin", password: PASSWORD })).json()) as {
      token: string;
    };
    const secret = { kind: "Secret", metadata: { name: "s" }, spec: { data: { key: "value" } } };
    expect((await post("/api/v1/secrets", secret, token)).status).toBe(201);
  });
  afterAll(() => dir?.[Symbol.asyncDispose]());

  function expectRefusal({ exitCode, stderr }: Finished, message: RegExp): void {
    expect(stderr).toMatch(/^Error \(secrets-key-unusable\): /m);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^Hint: /m);
    expect(exitCode).toBe(2);
  }

  it("made one that only its owner can read", async () => {
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
  });

  it("refuses to start with another key, a weak one, or none", { timeout: TIMEOUT_MS }, async () => {
    const key = await readFile(keyFile, "utf8");
    const other = join(dir.path, "other");
    await writeFile(other, randomBytes(32).toString("base64"));
    expectRefusal(await run(MCPD, [...args, "--secrets-key-file", other]), /does not have/);
    expectRefusal(await run(MCPD, args, { env: { MCPD_SECRETS_KEY: "weak" } }), /not 32 random bytes/);
    await rm(keyFile);
    expectRefusal(await run(MCPD, args), /does not have/);
    await writeFile(keyFile, key);
  });

  it("takes it from systemd, and from a file behind a newer one", { timeout: TIMEOUT_MS }, async () => {
    const credentials = join(dir.path, "credentials");
    await mkdir(credentials);
    const key = await readFile(keyFile, "utf8");
    await writeFile(join(credentials, "mcpd-secrets-key"), key);
    await rm(keyFile);
    const isReady = (line: string) => line.startsWith("mcpd listens on ");
    await using first = start(MCPD, args, { CREDENTIALS_DIRECTORY: credentials });
    expect(await first.line(isReady)).toContain("http");
    await first.end("SIGTERM");
    const both = join(dir.path, "both");
    await writeFile(both, `${randomBytes(32).toString("base64")}\n${key}`);
    await using second = start(MCPD, args, { MCPD_SECRETS_KEY_FILE: both });
    expect(await second.line(isReady)).toContain("http");
  });
});
