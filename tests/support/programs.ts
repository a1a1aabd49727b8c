import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const DIST = join(import.meta.dirname, "..", "..", "dist");
const STOP_MS = 15_000;

/** What a test that failed half-way has left running. */
const children = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** Ends a child with the tests, whatever happens. */
export function remember<T extends ChildProcess>(child: T): T {
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

export interface Finished {
  stdout: string;
  stderr: string;
  exitCode: number | null;
}

interface RunOptions {
  env?: Record<string, string>;
  stdin?: string;
  cwd?: string;
}

/** Compiled code is kept here instead of in the home of whoever runs the tests. */
const NODE_COMPILE_CACHE = join(import.meta.dirname, "..", "..", "node_modules", ".cache", "compiled");

/** The environment of a person who has set nothing: what a test does not name does not reach the program. */
export function cleanEnv(extra: Record<string, string> = {}): Record<string, string> {
  const { PATH = "", HOME = "", NODE_EXTRA_CA_CERTS } = process.env;
  return {
    PATH,
    HOME,
    NODE_COMPILE_CACHE,
    ...(NODE_EXTRA_CA_CERTS !== undefined && { NODE_EXTRA_CA_CERTS }),
    ...extra,
  };
}

/** The bundle of a program, as it is shipped. */
export function built(program: "mcpctl" | "mcpd" | "mcplocal" | "mcplocal-serve"): string {
  return join(DIST, `${program}.js`);
}

/** Runs a program to its end. */
export async function run(script: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = remember(
    spawn(process.execPath, [script, ...args], {
      env: cleanEnv(options.env),
      cwd: options.cwd,
      stdio: ["pipe", "pipe", "pipe"],
    }),
  );
  child.stdin.end(options.stdin ?? "");
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [exitCode] = (await once(child, "close")) as [number | null];
  return { stdout, stderr, exitCode };
}

/** A program that goes on running. */
export interface Running extends AsyncDisposable {
  pid: number;
  /** Everything it has printed so far. */
  output(): { stdout: string; stderr: string };
  /** Resolves with the first line of stdout that passes; fails when the program ends before it. */
  line(isWanted: (line: string) => boolean): Promise<string>;
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts a program; disposing it ends it, gently if it can be. */
export function start(script: string, args: readonly string[], env: Record<string, string> = {}): Running {
  const child = remember(
    spawn(process.execPath, [script, ...args], { env: cleanEnv(env), stdio: ["ignore", "pipe", "pipe"] }),
  );
  const lines: string[] = [];
  let stderr = "";
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = once(child, "exit").then(([code]) => code as number | null);
  return {
    pid: child.pid ?? -1,
    output: () => ({ stdout: lines.join("\n"), stderr }),
    line(isWanted) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.find(isWanted);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
        void ended.then((code) => reject(new Error(`${script} ended with ${code} before it said it:\n${stderr}`)));
      });
    },
    async end(signal) {
      child.kill(signal);
      return ended;
    },
    async [Symbol.asyncDispose]() {
      await stop(child, ended);
    },
  };
}

async function stop(child: ChildProcess, ended: Promise<number | null>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(timer);
}
