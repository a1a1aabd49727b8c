import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { temporaryDir, upArgs } from "../../tests/e2e/support/stack.ts";
import { findFreePort } from "../../tests/support/free-port.ts";
import { built, start } from "../../tests/support/programs.ts";
import { HttpConnection } from "../load/http-connection.ts";
import { type Endpoint, nextId, prepareRequest } from "../load/mcp-requests.ts";
import type { Row } from "../measure/rows.ts";
import { addressOf, pathOf } from "../targets/program.ts";
import { declare, logIn, PASSWORD } from "../targets/stack.ts";
import type { Suite } from "./suite.ts";

const ECHO = join(import.meta.dirname, "..", "..", "tests", "fixtures", "stdio-echo.mjs");
const PROJECT = "cold";
const COUNTS = [1, 10, 30];
/** Short against what is measured, and long enough that asking takes nothing from it. */
const AGAIN_MS = 10;

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
    for (const count of COUNTS) {
      progress(`start-up: ${count} stdio servers`);
      await using dir = await temporaryDir();
      const setup = await prepare(count, dir.path);
      for (let round = 1; round <= rounds; round += 1) {
        add(`cold start, ${count} servers`, "gateway", round, await timeColdStart(setup));
        add(`cold start, ${count} servers`, "floor", round, await timeFloor(count));
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
  servers: number;
  mcpdArgs: string[];
  mcpdUrl: string;
  token: string;
  env: Record<string, string>;
}

/** Declares the servers, their project and a token, and leaves nothing running. */
async function prepare(count: number, dir: string): Promise<Setup> {
  const listen = `127.0.0.1:${await findFreePort()}`;
  const mcpdArgs = ["--listen", listen, "--data-dir", join(dir, "data"), "--log-level", "warn"];
  const env = homeIn(dir);
  await using mcpd = start(built("mcpd"), mcpdArgs, { ...env, MCPD_ADMIN_PASSWORD: PASSWORD });
  const mcpdUrl = await addressOf(mcpd);
  const { api } = await logIn(mcpdUrl);
  // The last argument is for the command line alone: programs that differ are probed one by one.
  const echoes = [...Array(count).keys()].map((at) => ({
    name: `echo-${at}`,
    spec: { command: process.execPath, args: [ECHO, `echo-${at}`] },
  }));
  const token = await declare(api, PROJECT, echoes);
  return { servers: count, mcpdArgs, mcpdUrl, token, env };
}

/** Control plane and gateway, on data that is there, until a client has the tools of every server. */
async function timeColdStart({ servers, mcpdArgs, mcpdUrl, token, env }: Setup): Promise<number> {
  const startedAt = performance.now();
  await using _mcpd = start(built("mcpd"), mcpdArgs, env);
  const gatewayArgs = ["--listen", "127.0.0.1:0", "--mcpd-url", mcpdUrl, "--log-level", "error"];
  await using gateway = start(built("mcplocal-serve"), gatewayArgs, env);
  const { port } = new URL(await addressOf(gateway));
  const endpoint: Endpoint = { port: Number(port), path: "/mcp", era: "modern", bearer: token };
  const connection = await HttpConnection.open(endpoint.port);
  while ((await countServers(connection, endpoint)) < servers) await sleep(AGAIN_MS);
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
