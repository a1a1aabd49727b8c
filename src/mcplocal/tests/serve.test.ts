import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { VERSION } from "@mcpctl/shared/version.ts";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { send } from "./support/wire.ts";

const PROGRAM = fileURLToPath(new URL("../src/serve.ts", import.meta.url));

function start(args: string[], env: Record<string, string> = {}) {
  const child: ChildProcess = spawn(process.execPath, [PROGRAM, ...args], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
  });
  let [out, err] = ["", ""];
  child.stdout?.on("data", (chunk) => (out += chunk));
  child.stderr?.on("data", (chunk) => (err += chunk));
  onTestFinished(() => void child.kill("SIGKILL"));
  return { child, out: () => out, err: () => err, ended: once(child, "exit").then(([code]) => code) };
}

describe("mcplocal", () => {
  it("says what it can do, and which version it is", async () => {
    const help = start(["--help"]);
    expect(await help.ended).toBe(0);
    expect(help.out()).toContain("--mcpd-url");
    const version = start(["--version"]);
    expect(await version.ended).toBe(0);
    expect(version.out()).toBe(`${VERSION}\n`);
  });

  it("explains a slip and exits with the code for wrong usage", async () => {
    const { ended, out, err } = start(["--lisen", "127.0.0.1:0"]);
    expect(await ended).toBe(2);
    expect(out()).toBe("");
    expect(err()).toBe("Error (config-invalid): Unknown flag --lisen\nHint: Did you mean --listen?\n");
  });

  it("serves until it is told to stop, and leaves no secret behind in its log", async () => {
    const credential = "mcpctl_gw_0123456789abcdef";
    const { child, ended, out, err } = start(["--listen", "127.0.0.1:0", "--mcpd-url", "http://127.0.0.1:1"], {
      MCPLOCAL_CREDENTIAL: credential,
    });
    await vi.waitFor(() => expect(err()).toContain('"msg":"serving"'), { timeout: 10_000 });
    const { url } = JSON.parse(err().split("\n")[0] ?? "");
    expect((await send(url, { method: "GET", path: "/livez" })).status).toBe(200);
    // There is no mcpd, so nothing can be served.
    expect((await send(url, { method: "GET", path: "/readyz" })).status).toBe(503);
    const token = "mcpctl_pat_0000000000000000000000000000000000000000000";
    expect((await send(url, { token, body: {} })).status).toBe(503);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(out()).toBe(`mcplocal listens on ${url}\n`);
    expect(err()).toContain("cannot check a token with mcpd");
    expect(err()).not.toMatch(/mcpctl_(?:gw|pat)_0/);
  });

  it("says when its address is taken", async () => {
    const first = start(["--listen", "127.0.0.1:0"]);
    await vi.waitFor(() => expect(first.err()).toContain("serving"), { timeout: 10_000 });
    const { host } = new URL(JSON.parse(first.err().split("\n")[0] ?? "").url);
    const second = start(["--listen", host]);
    expect(await second.ended).toBe(1);
    expect(second.err()).toContain(`Cannot listen on ${host}`);
  });
});
