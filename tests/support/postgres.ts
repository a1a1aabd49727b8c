import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, mkdtempSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { findFreePort } from "./free-port.ts";
import { descendantsOf } from "./processes.ts";

const run = promisify(execFile);
const START_TIMEOUT_MS = 30_000;
const MAX_ROWS_BYTES = 64 * 1024 * 1024;
const USER = "app";

/** A real PostgreSQL of its own for one test file. */
export interface TestPostgres extends AsyncDisposable {
  /** Of its first database. */
  url: string;
  /** @returns the URL of a new, empty database. */
  createDatabase(): Promise<string>;
  /** Runs SQL behind mcpd's back. @returns the rows, columns separated by `|`. */
  query(url: string, sql: string): Promise<string>;
  /** The whole database as SQL. */
  dump(url: string): Promise<string>;
  /** Ends the server and all processes of it without a chance to say goodbye. */
  kill9(): Promise<void>;
  /** Starts it again after `kill9`. */
  restart(): Promise<void>;
}

interface PostgresOptions {
  /** Lets it keep its data safe as it does for real; else it is faster. */
  isDurable?: boolean;
}

/**
 * Starts a server on a free port of 127.0.0.1 in a temporary directory. A guard process removes both when it is
 * disposed of, and also when the test process ends without doing so.
 *
 * @throws when PostgreSQL is not installed: the behaviour it verifies would silently go untested.
 */
export async function startPostgres({ isDurable = false }: PostgresOptions = {}): Promise<TestPostgres> {
  const binaries = findBinaries();
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "mcpctl-postgres-")));
  const guard = startGuard(dir);
  try {
    if (isRoot()) await run("chown", ["postgres:postgres", dir]);
    await initialise(binaries, dir);
    return await serve({ binaries, dir, guard, isDurable, port: await findFreePort() });
  } catch (thrown) {
    await endGuard(guard);
    throw thrown;
  }
}

function findBinaries(): string {
  const found = globSync("/usr/lib/postgresql/*/bin").filter((bin) => existsSync(join(bin, "initdb")));
  const newest = found.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1);
  if (newest) return newest;
  throw new Error(
    "These tests need a PostgreSQL server, and there is none in /usr/lib/postgresql/*/bin. " +
      "Install the Debian package postgresql: apt-get install postgresql",
  );
}

interface Setup {
  binaries: string;
  dir: string;
  guard: ChildProcess;
  isDurable: boolean;
  port: number;
}

async function serve(setup: Setup): Promise<TestPostgres> {
  const { binaries, port, guard } = setup;
  const urlOf = (name: string) => `postgres://${USER}@127.0.0.1:${port}/${name}`;
  let server = await startServer(setup);
  let databases = 0;
  return {
    url: urlOf("postgres"),
    async createDatabase() {
      const name = `test_${++databases}`;
      await run(join(binaries, "createdb"), ["--template=template0", `--maintenance-db=${urlOf("postgres")}`, name]);
      return urlOf(name);
    },
    async query(url, sql) {
      const args = ["-qAtX", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql];
      const { stdout } = await run(join(binaries, "psql"), args, { maxBuffer: MAX_ROWS_BYTES });
      return stdout.trim();
    },
    async dump(url) {
      const { stdout } = await run(join(binaries, "pg_dump"), ["-d", url], { maxBuffer: MAX_ROWS_BYTES });
      return stdout;
    },
    kill9: () => kill9(server),
    async restart() {
      await hasEnded(server);
      server = await startServer(setup);
    },
    async [Symbol.asyncDispose]() {
      server.kill("SIGINT");
      await hasEnded(server);
      await endGuard(guard);
    },
  };
}

async function kill9(server: ChildProcess): Promise<void> {
  // Stopped, it neither starts children nor notices that one has ended.
  server.kill("SIGSTOP");
  for (const pid of await descendantsOf(server.pid ?? -1)) process.kill(pid, "SIGKILL");
  server.kill("SIGKILL");
}

/** PostgreSQL refuses to run as root. */
function asServerUser(command: string, args: string[]): [string, string[]] {
  return isRoot()
    ? ["setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", command, ...args]]
    : [command, args];
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

async function initialise(binaries: string, dir: string): Promise<void> {
  const options = ["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"];
  await run(...asServerUser(join(binaries, "initdb"), ["-D", join(dir, "data"), ...options]), { cwd: dir });
}

/** After `kill9` the server's children need a moment to notice; until then it refuses to start. */
async function startServer({ binaries, dir, port, isDurable }: Setup): Promise<ChildProcess> {
  const settings = [
    "listen_addresses=127.0.0.1",
    `unix_socket_directories=${dir}`,
    ...(isDurable ? ["recovery_init_sync_method=syncfs"] : ["fsync=off", "full_page_writes=off"]),
    "shared_buffers=32MB",
    "max_connections=200",
  ];
  const args = ["-D", join(dir, "data"), "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])];
  for (const deadline = Date.now() + START_TIMEOUT_MS; ;) {
    const [command, commandArgs] = asServerUser(join(binaries, "postgres"), args);
    const server = spawn(command, commandArgs, { cwd: dir, stdio: "ignore", detached: true });
    if (await answers({ binaries, port, server, deadline })) return server;
    if (Date.now() > deadline) throw new Error(`PostgreSQL did not start within ${START_TIMEOUT_MS / 1_000} s`);
    await sleep(100);
  }
}

interface Waiting {
  binaries: string;
  port: number;
  server: ChildProcess;
  deadline: number;
}

async function answers({ binaries, port, server, deadline }: Waiting): Promise<boolean> {
  while (server.exitCode === null && Date.now() < deadline) {
    const isReady = run(join(binaries, "pg_isready"), ["-q", "-h", "127.0.0.1", "-p", String(port)]);
    if (
      await isReady.then(
        () => true,
        () => false,
      )
    )
      return true;
    await sleep(50);
  }
  return false;
}

async function hasEnded(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

/** Its input closes when this process ends, however it does. A pid is trusted only while it runs in our directory. */
const GUARD = `
  cat > /dev/null
  pid=$(head -n 1 "$1/data/postmaster.pid" 2> /dev/null)
  if [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$1/data" ]; then
    kill -QUIT "$pid"
    tries=0
    while [ $tries -lt 100 ] && [ -e "$1/data/postmaster.pid" ]; do sleep 0.1; tries=$((tries + 1)); done
  fi
  rm -rf "$1"
`;

function startGuard(dir: string): ChildProcess {
  return spawn("sh", ["-c", GUARD, "guard", dir], { stdio: ["pipe", "ignore", "ignore"], detached: true });
}

async function endGuard(guard: ChildProcess): Promise<void> {
  guard.stdin?.end();
  await hasEnded(guard);
}
