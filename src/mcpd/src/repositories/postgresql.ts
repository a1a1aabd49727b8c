import { setTimeout as sleep } from "node:timers/promises";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { Kysely, type PostgresPool, PostgresDialect, type PostgresPoolClient } from "kysely";
import { Client, type ClientConfig, DatabaseError, Pool, type PoolClient } from "pg";
import { createCommitListener } from "./commit-listener.ts";
import type { Engine } from "./engine.ts";
import { connectionLost, fromSqlError, isConnectionSpent, SqlError } from "./storage-errors.ts";
import type { Tables } from "./tables.ts";
import { createTurns } from "./turns.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;
/** For a server that fell silent. Longer than the server's own limit, which gives the better answer. */
const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 5_000;

/** For a server that fell silent: it would never say goodbye. */
const CLOSE_TIMEOUT_MS = 5_000;

const MAX_READERS = 8;
/** Writers take turns anyway; a few connections let the next ones get ready. */
const MAX_WRITERS = 4;

/** @throws {McpctlError} `config-invalid` when the URL is none. Connects with the first query. */
export function openPostgresql(url: string): Engine {
  const config = clientConfig(url);
  const reads = connect({ ...config, max: MAX_READERS });
  const writes = connect({ ...config, max: MAX_WRITERS });
  const listener = createCommitListener(() => new Client(config));
  return {
    name: "postgresql",
    reads,
    writes,
    onCommit: listener.onCommit,
    async close() {
      const closed = Promise.all([listener.close(), reads.destroy(), writes.destroy()]);
      await Promise.race([closed, sleep(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
    },
  };
}

function clientConfig(url: string): ClientConfig {
  // The address may hold a password, so the message must not quote it.
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new McpctlError("config-invalid", "The database URL is not a PostgreSQL URL", {
      hint: "It has the form postgresql://user:password@host:5432/database",
    });
  }
  return {
    connectionString: url,
    application_name: "mcpd",
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
  };
}

function connect(config: ClientConfig & { max: number }): Kysely<Tables> {
  const pool = new Pool(config);
  // A connection that breaks reports to whoever uses it; without these two it would end the process as well.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return new Kysely({ dialect: new PostgresDialect({ pool: translatePool(pool) }) });
}

/** The pool would count a wait for a connection that others use against the time in which one must come about. */
function translatePool(pool: Pool): PostgresPool {
  const turns = createTurns(pool.options.max, STATEMENT_TIMEOUT_MS);
  return {
    options: pool.options,
    async connect() {
      const endTurn = await turns.take();
      try {
        return translateClient(await pool.connect(), endTurn);
      } catch (thrown) {
        endTurn();
        throw translate(thrown);
      }
    },
    end: () => pool.end(),
  };
}

function translateClient(client: PoolClient, onReleased: () => void): PostgresPoolClient {
  let lost: Error | undefined;
  async function run(sql: string, parameters: readonly unknown[]) {
    // A silent server would keep the rollback waiting as long as the statement before it.
    if (lost) throw lost;
    try {
      return await client.query(sql, [...parameters]);
    } catch (thrown) {
      const translated = translate(thrown);
      if (isConnectionSpent(translated)) lost = translated;
      throw translated;
    }
  }
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it lacks are cursors, which nobody uses
    query: run as unknown as PostgresPoolClient["query"],
    release(isDiscarded) {
      client.release(isDiscarded === true || lost !== undefined);
      onReleased();
    },
  };
}

function translate(thrown: unknown): Error {
  if (thrown instanceof DatabaseError) {
    const { message, code = "", constraint } = thrown;
    return fromSqlError(new SqlError(message, { sqlState: code, constraint }));
  }
  return connectionLost(thrown);
}
