import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { temporaryDir, upArgs } from "../../tests/e2e/support/stack.ts";
import { findFreePort } from "../../tests/support/free-port.ts";
import { startPostgres } from "../../tests/support/postgres.ts";
import { built, start } from "../../tests/support/programs.ts";
import { HttpConnection } from "../load/http-connection.ts";
import { type Endpoint, nextId, prepareRequest } from "../load/mcp-requests.ts";
import type { Row } from "../measure/rows.ts";
import { addressOf, pathOf } from "../targets/program.ts";
import { declare, logIn, PASSWORD } from "../targets/stack.ts";
import type { Suite } from "./suite.ts";

const ECHO = join(import.meta.dirname, "..", "..", "tests", "fixtures", "stdio-echo.mjs");
const COUNTS = [1, 10, 30];
/** Short against what is measured, and long enough that asking takes little from it. */
const AGAIN_MS = 25;

/** From the start of the processes until somebody can call a tool, or has the whole list. */
export const startUp: Suite = {
  name: "start-up",
  async run({ rounds, progress }) {
    const rows: Row[] = [];
    const add = (name: string, target: string, round: number, ms: number) =>
      rows.push({ suite: "start-up", case: name, target, round, values: { ms } });
    for (let round = 1; round <= rounds; round += 1) {
      progress(`start-up: mcpctl up, round ${round}`);
      await using dir = await temporaryDir();
      for (const which of ["first", "second"]) add(`up, ${which} start`, "mcpctl up", round, await timeUp(dir.path));
    }
    await using postgres = await startPostgres();
    const databases = { embedded: undefined, PostgreSQL: await postgres.createDatabase() };
    for (const [engine, databaseUrl] of Object.entries(databases)) {
      await using dir = await temporaryDir();
      const setup = prepare(dir.path, databaseUrl);
      for (const count of COUNTS) {
        progress(`start-up: ${count} stdio servers, ${engine}`);
        const token = await declareServers(setup, count);
        const name = `cold start, ${count} servers, ${engine}`;
        for (let round = 1; round <= rounds; round += 1) {
          add(name, "gateway", round, await timeColdStart(setup, { count, token }));
          add(name, "floor", round, await timeFloor(count));
        }
      }
    }
    return rows;
  },
};

/** Compiled code is kept where a person's start keeps it, not where tests do. */
function homeIn(dir: string): Record<string, string> {
  return { HOME: join(dir, "home"), NODE_COMPILE_CACHE: "" };
}

/** Until `mcpctl up` prints its report, which it does when its first tool call was answered. */
async function timeUp(dir: string): Promise<number> {
  const startedAt = performance.now();
  await using program = start(built("mcpctl"), [...upArgs(dir), "-o", "json"], homeIn(dir));
  await program.line(() => true);
  return performance.now() - startedAt;
}

interface Setup {
  /** Arguments of mcpd, without where it listens. */
  mcpdArgs: string[];
  env: Record<string, string>;
}

function prepare(dir: string, databaseUrl: string | undefined): Setup {
  const database = databaseUrl === undefined ? [] : ["--database-url", databaseUrl];
  return { mcpdArgs: ["--data-dir", join(dir, "data"), "--log-level", "warn", ...database], env: homeIn(dir) };
}

/** Makes the project have so many servers, and leaves nothing running. @returns a token of the project. */
async function declareServers({ mcpdArgs, env }: Setup, count: number): Promise<string> {
  const args = ["--listen", "127.0.0.1:0", ...mcpdArgs];
  await using mcpd = start(built("mcpd"), args, { ...env, MCPD_ADMIN_PASSWORD: PASSWORD });
  const { api } = await logIn(await addressOf(mcpd));
  // The last argument is for the command line alone: programs that differ are probed one by one.
  const echoes = [...Array(count).keys()].map((at) => ({
    name: `echo-${at}`,
    spec: { command: process.execPath, args: [ECHO, `echo-${at}`] },
  }));
  return await declare(api, `cold-${count}`, echoes);
}

/** Control plane and gateway, on data that is there, until a client has the tools of every server. */
async function timeColdStart(
  { mcpdArgs, env }: Setup,
  { count, token }: { count: number; token: string },
): Promise<number> {
  const listen = `127.0.0.1:${await findFreePort()}`;
  const startedAt = performance.now();
  await using _mcpd = start(built("mcpd"), ["--listen", listen, ...mcpdArgs], env);
  const gatewayArgs = ["--listen", "127.0.0.1:0", "--mcpd-url", `http://${listen}`, "--log-level", "error"];
  await using gateway = start(built("mcplocal-serve"), gatewayArgs, env);
  const { port } = new URL(await addressOf(gateway));
  const endpoint: Endpoint = { port: Number(port), path: "/mcp", era: "modern", bearer: token };
  const connection = await HttpConnection.open(endpoint.port);
  while ((await countServers(connection, endpoint)) < count) await sleep(AGAIN_MS);
  const milliseconds = performance.now() - startedAt;
  connection.close();
  return milliseconds;
}

/** @returns of how many servers the list has tools; 0 while there is no list. */
async function countServers(connection: HttpConnection, endpoint: Endpoint): Promise<number> {
  const { body } = await connection.exchange(prepareRequest(endpoint, { method: "tools/list" })(nextId()));
  const prefixes = [...body.toString().matchAll(/"name":"(echo-\d+)__/g)].map(([, prefix]) => prefix);
  return new Set(prefixes).size;
}

async function timeFloor(count: number): Promise<number> {
  const startedAt = performance.now();
  const floor = spawn(process.execPath, [pathOf("handshake-floor.ts"), ECHO, String(count)], {
    stdio: ["ignore", "pipe", "inherit"],
    // Servers of mcpd do not inherit the environment either, and some of what it may hold makes Node slow to start.
    env: {},
  });
  const ended = once(floor, "exit");
  await once(floor.stdout, "data");
  const milliseconds = performance.now() - startedAt;
  await ended;
  return milliseconds;
}
