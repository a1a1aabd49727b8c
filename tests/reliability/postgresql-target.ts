import { createApiClient } from "../../src/shared/src/api/client.ts";
import { temporaryDir } from "../e2e/support/stack.ts";
import { startPostgres } from "../support/postgres.ts";
import { eventually } from "../support/processes.ts";
import { built, start } from "../support/programs.ts";
import { readStoredRows } from "./stored-rows.ts";
import { createProgram, type Target, type Victim } from "./target.ts";

const PASSWORD = "an admin password";
const READY_WITHIN_MS = 60_000;

/** The built `mcpd` on a PostgreSQL of its own, which keeps what it has confirmed. */
export async function startPostgresqlTarget(): Promise<Target> {
  await using cleanup = new AsyncDisposableStack();
  const dataDir = cleanup.use(await temporaryDir()).path;
  const postgres = cleanup.use(await startPostgres({ isDurable: true }));
  const databaseUrl = await postgres.createDatabase();
  const program = cleanup.use(createMcpd(dataDir, databaseUrl));
  await program.start();
  const running = cleanup.move();
  return {
    engine: "postgresql",
    victims: ["mcpd", "postgresql", "mcpd and postgresql"],
    dataDir,
    program,
    async kill(victim) {
      await Promise.all([isMcpd(victim) && program.kill(), isPostgresql(victim) && postgres.kill9()]);
    },
    async recover(victim) {
      // Together: mcpd waits for a database that is not there yet.
      await Promise.all([isMcpd(victim) && program.start(), isPostgresql(victim) && postgres.restart()]);
      await eventually(() => isReady(program.session().url), "mcpd has its database again", READY_WITHIN_MS);
    },
    rows: () => readStoredRows((sql) => postgres.query(databaseUrl, sql)),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function createMcpd(dataDir: string, databaseUrl: string) {
  const env = {
    MCPD_LISTEN: "127.0.0.1:0",
    MCPD_DATA_DIR: dataDir,
    MCPD_DATABASE_URL: databaseUrl,
    MCPD_ADMIN_PASSWORD: PASSWORD,
    MCPD_LOG_LEVEL: "error",
  };
  return createProgram(
    () => start(built("mcpd"), [], env),
    async (running) => {
      const [url = ""] = /http:\S+$/.exec(await running.line((line) => line.startsWith("mcpd listens on "))) ?? [];
      const { token } = await createApiClient({ baseUrl: url }).login("admin", PASSWORD);
      return { url, token };
    },
  );
}

function isMcpd(victim: Victim): boolean {
  return victim !== "postgresql";
}

function isPostgresql(victim: Victim): boolean {
  return victim !== "mcpd";
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );
}
