/** Times how long the built programs take to be of use. `node bench/start-up.ts [--json] [--runs N]`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { createApiClient } from "../src/shared/src/api/client.ts";
import { projects } from "../src/shared/src/kinds/projects.ts";
import { servers } from "../src/shared/src/kinds/servers.ts";
import { META, MODERN_VERSION } from "../src/shared/src/mcp/protocol.ts";
import { temporaryDir, upArgs } from "../tests/e2e/support/stack.ts";
import { startPostgres } from "../tests/support/postgres.ts";
import { findFreePort } from "../tests/support/free-port.ts";
import { built, start } from "../tests/support/programs.ts";

const ECHO = join(import.meta.dirname, "..", "tests", "fixtures", "stdio-echo.mjs");
const FLOOR = join(import.meta.dirname, "start-up-floor.ts");
const PASSWORD = "correct horse battery staple";
const PROJECT = "bench";
/** Short against what is measured, and long enough that asking takes nothing from it. */
const AGAIN_MS = 10;

/** Milliseconds from the start of a process to the moment that counts, of all runs. */
export interface Timing {
  name: string;
  milliseconds: number[];
}

/** `mcpctl up` until its first tool call is answered: on no data, and on the data of the start before. */
export async function timeUp(runs: number): Promise<Timing[]> {
  const first: number[] = [];
  const second: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    await using dir = await temporaryDir();
    first.push(await timeOneUp(dir.path));
    second.push(await timeOneUp(dir.path));
  }
  return [
    { name: "up, first start", milliseconds: first },
    { name: "up, second start", milliseconds: second },
  ];
}

/** It prints its report when the call is answered. */
async function timeOneUp(dir: string): Promise<number> {
  const startedAt = performance.now();
  await using program = start(built("mcpctl"), [...upArgs(dir), "-o", "json"], homeIn(dir));
  await program.line(() => true);
  return performance.now() - startedAt;
}

/** The programs keep compiled code where a person's start would, not where tests do. */
function homeIn(dir: string): Record<string, string> {
  return { HOME: join(dir, "home"), NODE_COMPILE_CACHE: "" };
}

export interface ColdStart {
  /** How many stdio servers the project has. */
  servers: number;
  runs: number;
  /** PostgreSQL to use instead of the embedded database. */
  databaseUrl?: string | undefined;
}

/**
 * `mcpd` and a gateway of its own, on data that is there, until a client has the tools of every server; and the floor:
 * a plain program that starts the same servers and shakes hands with each.
 */
export async function timeColdStart({ servers: count, runs, databaseUrl }: ColdStart): Promise<Timing[]> {
  await using dir = await temporaryDir();
  const setup = await prepare(count, dir.path, databaseUrl);
  const cold: number[] = [];
  const floor: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    cold.push(await timeOneColdStart(setup));
    floor.push(await timeFloor(count));
  }
  const engine = databaseUrl === undefined ? "PGlite" : "PostgreSQL";
  return [
    { name: `cold start, ${count} servers, ${engine}`, milliseconds: cold },
    { name: `floor of ${count} servers`, milliseconds: floor },
    {
      name: `cold start over the floor, ${count} servers, ${engine}`,
      milliseconds: cold.map((value, run) => value - (floor[run] ?? 0)),
    },
  ];
}

interface Setup {
  servers: number;
  mcpdArgs: string[];
  mcpdUrl: string;
  token: string;
  env: Record<string, string>;
}

/** Declares the servers, their project and a token, and leaves nothing running. */
async function prepare(count: number, dir: string, databaseUrl: string | undefined): Promise<Setup> {
  const address = `127.0.0.1:${await findFreePort()}`;
  const database = databaseUrl === undefined ? [] : ["--database-url", databaseUrl];
  const mcpdArgs = ["--listen", address, "--data-dir", join(dir, "data"), "--log-level", "warn", ...database];
  const mcpdUrl = `http://${address}`;
  const env = homeIn(dir);
  await using mcpd = start(built("mcpd"), mcpdArgs, { ...env, MCPD_ADMIN_PASSWORD: PASSWORD });
  await mcpd.line(isListening);
  const { token: session } = await createApiClient({ baseUrl: mcpdUrl }).login("admin", PASSWORD);
  const api = createApiClient({ baseUrl: mcpdUrl, token: session });
  const names = [...Array(count).keys()].map((index) => `echo-${index}`);
  for (const name of names) {
    // The last argument is for the fixture's command line alone: programs that differ are probed one by one.
    const server = { kind: "Server", metadata: { name }, spec: { command: process.execPath, args: [ECHO, name] } };
    await api.create(servers, server);
  }
  const project = { kind: "Project", metadata: { name: PROJECT }, spec: { servers: names } };
  await api.create(projects, project);
  const member = { kind: "McpToken", metadata: { name: "bench", project: PROJECT }, spec: {} };
  const { token } = await api.createMcpToken(member);
  return { servers: count, mcpdArgs, mcpdUrl, token, env };
}

async function timeOneColdStart({ servers: count, mcpdArgs, mcpdUrl, token, env }: Setup): Promise<number> {
  const startedAt = performance.now();
  await using _mcpd = start(built("mcpd"), mcpdArgs, env);
  const gatewayArgs = ["--listen", "127.0.0.1:0", "--mcpd-url", mcpdUrl, "--log-level", "error"];
  await using gateway = start(built("mcplocal-serve"), gatewayArgs, env);
  const url = (await gateway.line(isListening)).replace(/^.* on /, "");
  while ((await countServers(`${url}/mcp`, token)) < count) await sleep(AGAIN_MS);
  return performance.now() - startedAt;
}

/** @returns of how many servers the list has tools; 0 while there is no list. */
async function countServers(url: string, token: string): Promise<number> {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": MODERN_VERSION,
      "mcp-method": "tools/list",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: { _meta: LIST_META } }),
  });
  const { result } = answer.parse(await response.json());
  return new Set(result?.tools.map(({ name }) => name.replace(/__.*$/, ""))).size;
}

const answer = z.object({ result: z.object({ tools: z.array(z.object({ name: z.string() })) }).optional() });

const LIST_META = {
  [META.protocolVersion]: MODERN_VERSION,
  [META.clientInfo]: { name: "bench", version: "1" },
  [META.clientCapabilities]: {},
};

function isListening(line: string): boolean {
  return line.includes(" listens on ");
}

async function timeFloor(count: number): Promise<number> {
  const startedAt = performance.now();
  const floor = spawn(process.execPath, [FLOOR, ECHO, String(count)], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(floor, "exit");
  await once(floor.stdout, "data");
  const milliseconds = performance.now() - startedAt;
  await ended;
  return milliseconds;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

function print({ name, milliseconds }: Timing, isJson: boolean): void {
  const rounded = milliseconds.map((value) => Math.round(value));
  const summary = { median: Math.round(median(milliseconds)), min: Math.min(...rounded), max: Math.max(...rounded) };
  const text = Object.entries(summary)
    .map(([label, value]) => `${label} ${String(value).padStart(5)}`)
    .join("  ");
  process.stdout.write(
    isJson ? `${JSON.stringify({ name, ...summary, milliseconds: rounded })}\n` : `${name.padEnd(52)}${text} ms\n`,
  );
}

async function main(argv: readonly string[]): Promise<void> {
  const isJson = argv.includes("--json");
  const at = argv.indexOf("--runs");
  const runs = at === -1 ? 5 : Number(argv[at + 1]);
  const show = (timings: readonly Timing[]) => timings.forEach((timing) => print(timing, isJson));
  show(await timeUp(runs));
  for (const count of [1, 10, 30]) show(await timeColdStart({ servers: count, runs }));
  await using postgres = await startPostgres();
  show(await timeColdStart({ servers: 30, runs, databaseUrl: await postgres.createDatabase() }));
}

if (import.meta.main) await main(process.argv.slice(2));
