import { createListeners } from "./listeners.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { type OnSlowStep, watchStep } from "@mcpctl/shared/slow-step.ts";
import { type Kysely, sql } from "kysely";
import { createAuditCheckpointRepository } from "./audit-checkpoint.repository.ts";
import { createAuditEventRepository } from "./audit-event.repository.ts";
import { createChangeRepository } from "./change.repository.ts";
import { createCredentialRepository } from "./credential.repository.ts";
import type { Engine } from "./engine.ts";
import type { Database, Repositories } from "./interfaces.ts";
import { createGatewayRepository } from "./gateway.repository.ts";
import { createMcpTokenRepository } from "./mcp-token.repository.ts";
import { migrate } from "./migrate.ts";
import { openPglite } from "./pglite.ts";
import { createResourceRepository } from "./resource.repository.ts";
import { toTimestamp } from "./resource-rows.ts";
import { createSecretRepository } from "./secret.repository.ts";
import { createSessionRepository } from "./session.repository.ts";
import { isRetryable, isTransient } from "./storage-errors.ts";
import type { Tables } from "./tables.ts";
import { createTransactionGuard } from "./transaction-guard.ts";

export interface DatabaseOptions {
  /** Of PostgreSQL; absent means the embedded engine. */
  url?: string | undefined;
  /** Where the embedded engine keeps its files; absent means in memory. */
  dataDir?: string | undefined;
  /** Instead of what the build made for new data directories of the embedded engine. */
  preparedCluster?: string | undefined;
  /** How long to wait for a PostgreSQL that is not there yet. */
  connectTimeoutSeconds?: number | undefined;
  onSlowStep?: OnSlowStep;
}

const MAX_ATTEMPTS = 5;
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 2_000;

/**
 * Opens the storage and brings its tables up to date.
 *
 * @throws {McpctlError} `database-unavailable`, `data-dir-locked` when another process uses the directory,
 * `config-invalid` when the URL is none.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { url, connectTimeoutSeconds = 15, onSlowStep = () => undefined } = options;
  const engine = await (url === undefined ? openEmbedded(options, onSlowStep) : openRemote(url));
  try {
    const migrating = untilReachable(() => migrate(engine.writes), connectTimeoutSeconds);
    await watchStep(`Waiting for ${url === undefined ? "the tables of the" : "the"} database`, migrating, onSlowStep);
  } catch (thrown) {
    await engine.close();
    throw thrown;
  }
  return createDatabase(engine);
}

function openEmbedded({ dataDir, preparedCluster }: DatabaseOptions, onSlowStep: OnSlowStep): Promise<Engine> {
  const onInitializing = () => onSlowStep("Making the files of a new database, which takes a few seconds");
  const opening = openPglite({ dataDir, preparedCluster, onInitializing });
  return watchStep("Opening the embedded database", opening, onSlowStep);
}

/** The driver is loaded where it is used: most starts embed their database. */
async function openRemote(url: string): Promise<Engine> {
  const { openPostgresql } = await import("./postgresql.ts");
  return openPostgresql(url);
}

async function untilReachable(work: () => Promise<void>, timeoutSeconds: number): Promise<void> {
  const deadline = performance.now() + timeoutSeconds * 1_000;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)) {
    try {
      return await work();
    } catch (thrown) {
      if (!isTransient(thrown) || performance.now() + pauseMs > deadline) throw thrown;
    }
    await sleep(pauseMs);
  }
}

function createDatabase({ name, reads, writes, onCommit, close }: Engine): Database {
  const guard = createTransactionGuard();
  const outside = reads.withPlugin(guard.plugin);
  const own = createListeners();
  return {
    engine: name,
    read: createRepositories(outside),
    async transact(work) {
      const result = await guard.run(() =>
        retry(() => writes.transaction().execute((tx) => work(createRepositories(tx)))),
      );
      // The engine's own word may come later; whoever is told that something is done must find it done.
      own.announce();
      return result;
    },
    onCommit(listener) {
      const stops = [own.add(listener), onCommit(listener)];
      return () => stops.forEach((stop) => stop());
    },
    async ping() {
      await sql`select 1`.execute(outside);
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Runs a transaction once more when the database says that it lost to another one. */
async function retry<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (thrown) {
      if (!isRetryable(thrown) || attempt === MAX_ATTEMPTS) throw thrown;
    }
    await sleep(Math.random() * 20 * attempt);
  }
}

function createRepositories(db: Kysely<Tables>): Repositories {
  return {
    resources: createResourceRepository(db),
    changes: createChangeRepository(db),
    credentials: createCredentialRepository(db),
    sessions: createSessionRepository(db),
    mcpTokens: createMcpTokenRepository(db),
    secrets: createSecretRepository(db),
    gateways: createGatewayRepository(db),
    auditEvents: createAuditEventRepository(db),
    auditCheckpoints: createAuditCheckpointRepository(db),
    async now() {
      const { rows } = await sql<{ now: Date }>`select statement_timestamp() as now`.execute(db);
      return rows.map((row) => toTimestamp(row.now)).join();
    },
    async lockWrites() {
      await sql`select from revision for update`.execute(db);
    },
  };
}
