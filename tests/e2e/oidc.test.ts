import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { browse } from "../support/form-browser.ts";
import { OIDC_CLIENT, type OpenidProvider, startOpenidProvider } from "../support/openid-provider.ts";
import { eventually } from "../support/processes.ts";
import { built, run, type Running, start } from "../support/programs.ts";
import { temporaryDir } from "./support/stack.ts";
import { verifies } from "./support/verifies.ts";

const ADMIN_PASSWORD = "an admin password";

describe("the built programs with an OpenID provider", () => {
  let provider: OpenidProvider;
  let dir: Awaited<ReturnType<typeof temporaryDir>>;
  let mcpd: Running;
  let url: string;

  beforeAll(async () => {
    provider = await startOpenidProvider();
    dir = await temporaryDir();
    const secret = join(dir.path, "client-secret");
    await writeFile(secret, `${OIDC_CLIENT.secret}\n`);
    const oidc = ["--oidc-issuer", provider.issuer, "--oidc-client-id", OIDC_CLIENT.id];
    mcpd = start(
      built("mcpd"),
      ["--listen", "127.0.0.1:0", "--data-dir", join(dir.path, "data"), ...oidc, "--oidc-client-secret-file", secret],
      { MCPD_ADMIN_PASSWORD: ADMIN_PASSWORD },
    );
    url = (await mcpd.line((line) => line.startsWith("mcpd listens on "))).replace("mcpd listens on ", "");
    await writeBrowser();
    await mcpctl(["login", "--user", "admin", "--password-stdin"], "admin", `${ADMIN_PASSWORD}\n`);
    const create = ["create", "user", "alice@test.com", "--oidc-issuer", provider.issuer, "--oidc-subject", "alice"];
    expect(await mcpctl(create, "admin")).toMatchObject({ exitCode: 0 });
  });
  afterAll(async () => {
    await mcpd?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
    await dir?.[Symbol.asyncDispose]();
  });

  /** A program of the name that opens browsers, which goes through the provider's pages as alice would. */
  async function writeBrowser(): Promise<void> {
    const pages = join(import.meta.dirname, "..", "support", "form-browser.ts");
    const script = `import { browse } from ${JSON.stringify(pages)};
      await browse(process.argv.at(-1), { login: "alice", password: "any" });`;
    await writeFile(join(dir.path, "browse.mjs"), script);
    const program = join(dir.path, "xdg-open");
    await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${join(dir.path, "browse.mjs")}' "$1"\n`);
    await chmod(program, 0o755);
  }

  /** Runs the CLI with a home of its own for each person. */
  function mcpctl(args: readonly string[], who: string, stdin = "") {
    const PATH = `${dir.path}:${process.env["PATH"]}`;
    const env = { MCPCTL_SERVER: url, MCPCTL_CONFIG_DIR: join(dir.path, who), PATH };
    return run(built("mcpctl"), args, { stdin, env });
  }

  verifies("cli:login-browser", async () => {
    const login = await mcpctl(["login", "--oidc"], "laptop");
    expect(login).toMatchObject({ exitCode: 0, stdout: "" });
    expect(login.stderr).toContain(`Logged in to ${url} as alice@test.com`);
    expect(login.stderr).not.toContain("mcpctl_ses_");
    expect((await mcpctl(["auth", "whoami"], "laptop")).stdout).toContain("alice@test.com");
    expect(await mcpctl(["logout", "--all"], "laptop")).toMatchObject({ exitCode: 0 });
    expect(await mcpctl(["auth", "whoami"], "laptop")).toMatchObject({ exitCode: 3 });
  });

  verifies("cli:login-device", async () => {
    const env = { MCPCTL_SERVER: url, MCPCTL_CONFIG_DIR: join(dir.path, "headless") };
    await using login = start(built("mcpctl"), ["login", "--device"], env);
    const page = await eventuallyMatch(login, /Or open (\S+)/);
    await browse(page, { login: "alice", password: "any" });
    await eventuallyMatch(login, /Logged in to (\S+) as alice@test\.com/);
    expect((await mcpctl(["auth", "whoami"], "headless")).stdout).toContain("alice@test.com");
  });
});

async function eventuallyMatch(program: Running, pattern: RegExp): Promise<string> {
  let found: string | undefined;
  await eventually(
    async () => {
      found = pattern.exec(program.output().stderr)?.[1];
      return found !== undefined;
    },
    `the program says ${pattern}`,
    30_000,
  );
  return found ?? "";
}
