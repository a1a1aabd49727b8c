import { setTimeout as sleep } from "node:timers/promises";
import type { Running } from "../support/programs.ts";
import type { StoredRows } from "./check-rows.ts";
import type { Session } from "./writer.ts";

/** A control plane that can be killed and comes back. */
export interface Target extends AsyncDisposable {
  engine: "pglite" | "postgresql";
  /** What a round may kill. */
  victims: readonly Victim[];
  dataDir: string;
  program: Program;
  /** Kills it with SIGKILL. */
  kill(victim: Victim): Promise<void>;
  /** Starts again what was killed, and waits until it answers. */
  recover(victim: Victim): Promise<void>;
  /** Reads the database behind mcpd's back, while no mcpd runs. */
  rows(): Promise<StoredRows>;
}

export type Victim = "mcpctl up" | "mcpd" | "postgresql" | "mcpd and postgresql";

/** A program that serves the REST API, through all its lives. */
export interface Program extends AsyncDisposable {
  /** Of its present life. @throws when it does not run. */
  pid(): number;
  /** Of its present or last life. */
  session(): Session;
  start(): Promise<void>;
  /** Kills it while it starts. */
  startInVain(afterMs: number): Promise<void>;
  kill(): Promise<void>;
}

/** @param login - waits until it answers. */
export function createProgram(launch: () => Running, login: (running: Running) => Promise<Session>): Program {
  let running: Running | undefined;
  let session: Session | undefined;
  async function kill(): Promise<void> {
    await running?.end("SIGKILL");
    running = undefined;
  }
  return {
    pid() {
      if (!running) throw new Error("The program does not run");
      return running.pid;
    },
    session() {
      if (!session) throw new Error("The program has never run");
      return session;
    },
    async start() {
      running = launch();
      session = await login(running);
    },
    async startInVain(afterMs) {
      running = launch();
      await sleep(afterMs);
      await kill();
    },
    kill,
    async [Symbol.asyncDispose]() {
      await running?.[Symbol.asyncDispose]();
    },
  };
}
