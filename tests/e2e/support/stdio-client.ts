import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { cleanEnv, remember } from "../../support/programs.ts";
import { type Era, NEGOTIATION } from "./client.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- tests read JSON by its path; a wrong path fails the test
type Json = any;

export interface Command {
  script: string;
  args: readonly string[];
  env: Record<string, string>;
}

/** The official SDK's client, which starts a program for itself. */
export async function connectOnStdio(command: Command, era: Era): Promise<Client & AsyncDisposable> {
  const client = new Client({ name: "e2e", version: "1.0.0" }, { versionNegotiation: { mode: NEGOTIATION[era] } });
  const { script, args, env } = command;
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [script, ...args],
      env: cleanEnv(env),
      stderr: "inherit",
    }),
  );
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

/** A program at the other end of pipes, spoken to line by line. */
export interface RawClient extends AsyncDisposable {
  pid: number;
  /** Lines of stdout. */
  lines: string[];
  stderr(): string;
  write(text: string): void;
  /** Sends a request and waits for the answer. */
  ask(id: string | number, method: string, params?: Json): Promise<Json>;
  initialize(): Promise<Json>;
  /** Leaves in the pipe what comes from now on. */
  stopReading(): void;
  closeInput(): void;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when the process has ended and all that it wrote has been read. */
  ended: Promise<number | null>;
  /** Resolves when the process has ended. */
  exited: Promise<number | null>;
}

export function startRaw({ script, args, env }: Command): RawClient {
  const child: ChildProcessWithoutNullStreams = remember(
    spawn(process.execPath, [script, ...args], { env: cleanEnv(env), stdio: ["pipe", "pipe", "pipe"] }),
  );
  const lines: string[] = [];
  let stderr = "";
  const waiting = new Set<() => void>();
  const ended = once(child, "close").then(([code]) => code as number | null);
  const exited = once(child, "exit").then(([code]) => code as number | null);
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => {});

  function ask(id: string | number, method: string, params: Json = {}): Promise<Json> {
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = lines.map((line) => JSON.parse(line)).find((message: Json) => message.id === id);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
      void ended.then((code) => reject(new Error(`It ended with ${code} before it answered ${method}:\n${stderr}`)));
    });
  }

  return {
    pid: child.pid ?? -1,
    lines,
    stderr: () => stderr,
    write: (text) => void child.stdin.write(text),
    ask,
    initialize: () =>
      ask("initialize", "initialize", {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: "e2e", version: "1.0.0" },
      }),
    stopReading: () => void child.stdout.pause(),
    closeInput: () => void child.stdin.end(),
    kill: (signal) => void child.kill(signal),
    ended,
    exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      child.stdout.resume();
      await ended;
    },
  };
}
