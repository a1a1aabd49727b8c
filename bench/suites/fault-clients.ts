import { setTimeout as sleep } from "node:timers/promises";
import { start } from "../../tests/support/programs.ts";
import { runClosedLoop } from "../load/closed-loop.ts";
import type { Endpoint } from "../load/mcp-requests.ts";
import { residentBytes } from "../measure/process-usage.ts";
import type { Row } from "../measure/rows.ts";
import { quantile } from "../measure/statistics.ts";
import { untilCallable } from "../targets/all.ts";
import { pathOf, startListening } from "../targets/program.ts";
import type { Stack } from "../targets/stack.ts";
import type { SuiteOptions } from "./suite.ts";

/** What `fault-clients.ts` knows to do. */
const KINDS = [
  "hung-calls",
  "idle-connections",
  "slow-heads",
  "slow-bodies",
  "large-bodies",
  "deep-json",
  "unread-answers",
] as const;
const SETTLE_MS = 2_000;
const MB = 1_000_000;

interface Measured {
  endpoint: Endpoint;
  gatewayPid: number;
  mcpdPid: number;
  seconds: number;
}

/** Calls to a healthy server, alone and while others misbehave at the same gateway, and what both programs hold. */
export async function faultyClients(stack: Stack, { rounds, seconds, progress }: SuiteOptions): Promise<Row[]> {
  await using raw = await startListening("raw-server.ts", ["5"]);
  const stdio = (file: string, args: string[] = []) => ({ command: process.execPath, args: [pathOf(file), ...args] });
  const bearer = await stack.declare("clients", [
    { name: "healthy", spec: stdio("stdio-server.ts", ["5"]) },
    { name: "other", spec: stdio("faulty-server.ts") },
    { name: "raw", spec: { url: `http://127.0.0.1:${raw.port}/modern` } },
  ]);
  const rows: Row[] = [];
  for (const kind of KINDS) {
    await using gateway = await stack.startGateway();
    const endpoint: Endpoint = { port: gateway.port, path: "/mcp", era: "modern", bearer };
    for (const name of ["healthy", "other", "raw"]) await untilCallable(endpoint, `${name}__echo`);
    const measured = { endpoint, gatewayPid: gateway.pid, mcpdPid: stack.mcpdPid, seconds };
    // Whatever comes first would pay for the compilation.
    await callHealthy(measured);
    for (let round = 1; round <= rounds; round += 1) {
      progress(`faults: ${kind}, round ${round}`);
      const common = { suite: "faults: clients", case: kind, round };
      rows.push({ ...common, target: "alone", values: await measureAlone(measured) });
      rows.push({ ...common, target: "with fault", values: await measureWith(kind, measured) });
    }
  }
  return rows;
}

async function measureAlone(measured: Measured): Promise<Row["values"]> {
  const before = held(measured);
  const latencies = await callHealthy(measured);
  const after = held(measured);
  return { ...latencies, ...toValues({ before, during: after, after }) };
}

async function measureWith(kind: string, measured: Measured): Promise<Row["values"]> {
  const { port, bearer = "" } = measured.endpoint;
  const before = held(measured);
  const clients = start(pathOf("fault-clients.ts"), [kind, String(port), bearer]);
  await clients.line((line) => line === "ready");
  const latencies = await callHealthy(measured);
  const during = held(measured);
  await clients[Symbol.asyncDispose]();
  await sleep(SETTLE_MS);
  return { ...latencies, ...toValues({ before, during, after: held(measured) }) };
}

/** As a few agents do; a saturated processor would say nothing of the others. */
async function callHealthy({ endpoint, seconds }: Measured): Promise<{ p99Ms: number; p50Ms: number }> {
  const message = { method: "tools/call", params: { name: "healthy__echo", arguments: { message: "hello" } } };
  const { latencies } = await runClosedLoop({ endpoint, message, inFlight: 2, until: { seconds } });
  return { p99Ms: quantile(latencies, 0.99), p50Ms: quantile(latencies, 0.5) };
}

interface Held {
  gateway: number;
  mcpd: number;
}

function held({ gatewayPid, mcpdPid }: Measured): Held {
  return { gateway: residentBytes(gatewayPid) / MB, mcpd: residentBytes(mcpdPid) / MB };
}

function toValues({ before, during, after }: Record<"before" | "during" | "after", Held>): Row["values"] {
  return {
    gatewayBeforeMb: before.gateway,
    gatewayDuringMb: during.gateway,
    gatewayAfterMb: after.gateway,
    mcpdBeforeMb: before.mcpd,
    mcpdDuringMb: during.mcpd,
    mcpdAfterMb: after.mcpd,
  };
}
