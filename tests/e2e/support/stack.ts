import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { built, type Finished, run, type Running, start } from "../../support/programs.ts";

/** What `mcpctl up -o json` prints. */
export interface UpLine {
  api: string;
  gateway: string;
  project: string;
  token: string;
  session: string;
}

export interface Stack extends AsyncDisposable {
  up: UpLine;
  program: Running;
  dir: string;
  /** Runs the CLI as the administrator of this stack. */
  mcpctl(args: readonly string[], options?: { stdin?: string; env?: Record<string, string> }): Promise<Finished>;
  /** Writes a file into the directory of this stack. */
  write(name: string, text: string): Promise<string>;
}

export interface StackOptions {
  databaseUrl?: string | undefined;
  /** A directory that outlives the stack. */
  dir?: string;
}

/** A directory of its own for one test. */
export async function temporaryDir(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "mcpctl-e2e-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

export function upArgs(dir: string, databaseUrl?: string): string[] {
  const listen = ["--listen", "127.0.0.1:0", "--gateway-listen", "127.0.0.1:0"];
  return ["up", "--data-dir", join(dir, "data"), ...listen, ...(databaseUrl ? ["--database-url", databaseUrl] : [])];
}

/** Starts the built `mcpctl up` on free ports and waits until everything answers. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  await using cleanup = new AsyncDisposableStack();
  const dir = options.dir ?? cleanup.use(await temporaryDir()).path;
  const program = cleanup.use(start(built("mcpctl"), [...upArgs(dir, options.databaseUrl), "-o", "json"]));
  const up = JSON.parse(await program.line(() => true)) as UpLine;
  const running = cleanup.move();
  return {
    up,
    program,
    dir,
    mcpctl: (args, { stdin, env } = {}) =>
      run(built("mcpctl"), args, {
        ...(stdin !== undefined && { stdin }),
        cwd: dir,
        env: { MCPCTL_SERVER: up.api, MCPCTL_TOKEN: up.session, MCPCTL_CONFIG_DIR: join(dir, "config"), ...env },
      }),
    async write(name, text) {
      const path = join(dir, name);
      await writeFile(path, text);
      return path;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
