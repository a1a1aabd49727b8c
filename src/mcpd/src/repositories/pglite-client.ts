import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { createListeners } from "./listeners.ts";
import type { PgliteAnswer, PgliteRefusal, PgliteReply, PgliteRequest, PgliteWorkerData } from "./pglite-messages.ts";
import { fromSqlError, SqlError, toError } from "./storage-errors.ts";

const WORKER_URL = new URL(
  import.meta.url.endsWith(".ts") ? "./pglite-worker.ts" : "./pglite-worker.js",
  import.meta.url,
);
/** A thread that is cut short loses nothing that was committed. */
const CLOSE_TIMEOUT_MS = 10_000;

/** As much of a PGlite as Kysely's dialect uses. */
interface Session {
  query<T>(sql: string, parameters?: unknown[]): Promise<{ rows: T[]; affectedRows?: number; fields: [] }>;
}
interface TransactionSession extends Session {
  rollback(): Promise<void>;
}

interface PgliteClientOptions extends PgliteWorkerData {
  /** Told when making the files of a new database takes long, because no prepared ones could be used. */
  onInitializing(): void;
}

type Request = PgliteRequest extends infer R ? (R extends unknown ? Omit<R, "id"> : never) : never;

/**
 * The embedded database in its own thread. Stands in for a PGlite in Kysely's dialect, which lets only one user at a
 * time have it: whoever holds a transaction holds the connection. When the thread ends, every request fails.
 */
export class PgliteClient {
  closed = false;
  readonly ready = true;
  readonly waitReady: Promise<void>;
  readonly #worker: Worker;
  readonly #pending = new Map<number, PromiseWithResolvers<PgliteAnswer>>();
  readonly #opening = Promise.withResolvers<void>();
  readonly #listeners = createListeners();
  readonly #onInitializing: () => void;
  #lastId = 0;
  #lost: McpctlError | undefined;
  #hasOpened = false;

  constructor({ onInitializing, ...data }: PgliteClientOptions, workerUrl: URL = WORKER_URL) {
    this.#onInitializing = onInitializing;
    this.waitReady = this.#opening.promise;
    // What the engine prints is for its developers, and stdout may belong to a protocol. Flags of this process, such as
    // those of a test runner or a debugger, are not meant for the thread.
    this.#worker = new Worker(workerUrl, {
      name: "pglite",
      workerData: data,
      execArgv: [],
      stdout: true,
      stderr: true,
    });
    this.#worker.stdout.resume();
    this.#worker.stderr.resume();
    this.#worker.on("message", (reply: PgliteReply) => this.#receive(reply));
    this.#worker.on("error", (thrown) => this.#end(toError(thrown).message));
    this.#worker.on("exit", (code) => this.#end(`its thread exited with code ${code}`));
  }

  onCommit(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  async query<T>(sql: string, parameters: unknown[] = []) {
    const { rows, affectedRows } = await this.#ask({ sql, parameters });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only Kysely's caller knows what the columns are
    return { rows: rows as T[], ...(affectedRows !== undefined && { affectedRows }), fields: [] as [] };
  }

  /** Kysely waits until its callback has run, so a failing `begin` must not come before it. */
  async transaction<T>(work: (tx: TransactionSession) => Promise<T>): Promise<T> {
    const begun = this.#ask({ sql: "begin", parameters: [] });
    begun.catch(() => undefined);
    const tx: TransactionSession = {
      query: async (sql, parameters) => {
        await begun;
        return this.query(sql, parameters);
      },
      rollback: async () => void (await this.#ask({ sql: "rollback", parameters: [] })),
    };
    const result = await work(tx).catch(async (thrown: unknown) => {
      await tx.rollback();
      throw thrown;
    });
    const { command } = await this.#ask({ sql: "commit", parameters: [] });
    if (command === "ROLLBACK") throw new AbortedTransaction();
    return result;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    const closed = this.#ask({ close: true }).catch(() => undefined);
    await Promise.race([closed, sleep(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
    await this.#worker.terminate();
  }

  #ask(request: Request): Promise<PgliteAnswer> {
    if (this.#lost) return Promise.reject(this.#lost);
    const id = ++this.#lastId;
    const pending = Promise.withResolvers<PgliteAnswer>();
    this.#pending.set(id, pending);
    this.#worker.postMessage({ id, ...request } satisfies PgliteRequest);
    return pending.promise;
  }

  #receive(reply: PgliteReply): void {
    if ("ready" in reply) {
      this.#hasOpened = true;
      return this.#opening.resolve();
    }
    if ("initializing" in reply) return this.#onInitializing();
    if ("cannotOpen" in reply) return this.#lose(cannotOpen(reply.cannotOpen));
    if ("committed" in reply) return this.#listeners.announce();
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ("answer" in reply) pending?.resolve(reply.answer);
    else pending?.reject(fromRefusal(reply.refusal));
  }

  /** The engine may end its thread before it can say that it cannot open its files. */
  #end(reason: string): void {
    this.#lose(this.#hasOpened ? ended(reason) : cannotOpen(reason));
  }

  #lose(reason: McpctlError): void {
    this.#lost ??= reason;
    this.#opening.reject(this.#lost);
    for (const pending of this.#pending.values()) pending.reject(this.#lost);
    this.#pending.clear();
  }
}

/** Kysely knows by this SQLSTATE that a commit rolled back, since a statement before it had failed. */
class AbortedTransaction extends Error {
  readonly code = "25P02";
}

function fromRefusal({ message, sqlState, constraint }: PgliteRefusal): Error {
  return sqlState === undefined ? new Error(message) : fromSqlError(new SqlError(message, { sqlState, constraint }));
}

function ended(reason: string): McpctlError {
  return new McpctlError("database-unavailable", `The embedded database has ended: ${reason}`, {
    hint: "Make room if its disk is full, then restart mcpd; what was committed is safe.",
  });
}

function cannotOpen(reason: string): McpctlError {
  return new McpctlError("database-unavailable", `The embedded database cannot be opened: ${reason}`, {
    hint: "Check that its data directory is writable and complete, and that the disk is not full.",
  });
}
