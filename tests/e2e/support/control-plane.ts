import { join } from "node:path";
import { built, type Finished, run, type Running, start } from "../../support/programs.ts";
import { temporaryDir } from "./stack.ts";

const PASSWORD = "correct horse battery staple";
const ECHO = join(import.meta.dirname, "..", "..", "fixtures", "stdio-echo.mjs");
const isListening = (line: string) => line.startsWith("mcpd listens on ");

export interface LoneControlPlane extends AsyncDisposable {
  api: string;
  /** Of its data, and of what the CLI keeps. */
  dir: string;
  /** What whoever is logged in has in the environment. */
  env: Record<string, string>;
  mcpctl(args: readonly string[], options?: { stdin?: string; env?: Record<string, string> }): Promise<Finished>;
  login(): Promise<void>;
  kill(): Promise<void>;
  /** On the same address, with the same data. */
  startAgain(): Promise<void>;
}

/** The built mcpd by itself, with a project "demo" that has one server, "echo", and an administrator who is logged in. */
export async function startControlPlane(): Promise<LoneControlPlane> {
  await using cleanup = new AsyncDisposableStack();
  const { path: dir } = cleanup.use(await temporaryDir());
  const programs = cleanup.use(new AsyncDisposableStack());
  const startMcpd = async (listen: string): Promise<{ program: Running; api: string }> => {
    const args = ["--listen", listen, "--data-dir", join(dir, "data")];
    const program = programs.use(start(built("mcpd"), args, { MCPD_ADMIN_PASSWORD: PASSWORD }));
    return { program, api: (await program.line(isListening)).replace("mcpd listens on ", "") };
  };
  const first = await startMcpd("127.0.0.1:0");
  const { api } = first;
  let { program } = first;
  const env = {
    MCPCTL_CONFIG_DIR: join(dir, "config"),
    MCPCTL_STATE_DIR: join(dir, "state"),
    MCPCTL_SERVER: api,
  };
  const mcpctl: LoneControlPlane["mcpctl"] = (args, { stdin = "", env: more } = {}) =>
    run(built("mcpctl"), args, { env: { ...env, ...more }, stdin });
  const login = async (): Promise<void> => {
    await mcpctl(["login", "--user", "admin", "--password-stdin"], { stdin: `${PASSWORD}\n` });
  };
  await login();
  await mcpctl(["create", "server", "echo", "--command", process.execPath, "--arg", ECHO]);
  await mcpctl(["create", "project", "demo", "--server", "echo"]);
  const running = cleanup.move();
  return {
    api,
    dir,
    env,
    mcpctl,
    login,
    kill: async () => void (await program.end("SIGKILL")),
    startAgain: async () => void ({ program } = await startMcpd(new URL(api).host)),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
