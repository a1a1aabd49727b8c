import { setTimeout as sleep } from "node:timers/promises";
import { runClosedLoop } from "../load/closed-loop.ts";
import { HttpConnection } from "../load/http-connection.ts";
import { type Endpoint, nextId, prepareRequest } from "../load/mcp-requests.ts";
import type { Row } from "../measure/rows.ts";
import { quantile } from "../measure/statistics.ts";
import { untilCallable } from "../targets/all.ts";
import { pathOf } from "../targets/program.ts";
import type { Stack } from "../targets/stack.ts";
import type { SuiteOptions } from "./suite.ts";

const HUNG_AT = ["initialize", "list"] as const;
/** It hangs for longer than any of this takes. */
const START_TIMEOUT_SECONDS = 600;
const POLL_MS = 10;
const LIST = { method: "tools/list" };
const GOOD = ["good-a", "good-b"];

/** How soon a gateway that has just started lists the other servers of a project, one of which does not answer. */
export async function hungServers(stack: Stack, { rounds, seconds, progress }: SuiteOptions): Promise<Row[]> {
  const rows: Row[] = [];
  for (const at of HUNG_AT) {
    const bearer = await declare(stack, at);
    for (let round = 1; round <= rounds; round += 1) {
      progress(`faults: hung at ${at}, round ${round}`);
      const values = await measure(stack, bearer, seconds);
      rows.push({ suite: "faults: hung server", case: `hung at ${at}`, target: "gateway", round, values });
    }
  }
  return rows;
}

async function declare(stack: Stack, at: (typeof HUNG_AT)[number]): Promise<string> {
  const specOf = (args: string[]) => ({ command: process.execPath, args: [pathOf("faulty-server.ts"), ...args] });
  const hung = { ...specOf([`hang-at-${at}`]), startTimeoutSeconds: START_TIMEOUT_SECONDS };
  const good = GOOD.map((name) => ({ name, spec: specOf([]) }));
  const bearer = await stack.declare(`hung-at-${at}`, [{ name: `hung-at-${at}`, spec: hung }, ...good]);
  await using gateway = await stack.startGateway();
  for (const name of GOOD) await untilCallable(endpointOf(gateway.port, bearer), `${name}__echo`);
  return bearer;
}

async function measure(stack: Stack, bearer: string, seconds: number): Promise<Row["values"]> {
  await using gateway = await stack.startGateway();
  const endpoint = endpointOf(gateway.port, bearer);
  const startedAt = performance.now();
  await untilListed(endpoint);
  const firstListMs = performance.now() - startedAt;
  const { latencies } = await runClosedLoop({ endpoint, message: LIST, inFlight: 1, until: { seconds } });
  return { firstListMs, laterP50Ms: quantile(latencies, 0.5), laterP99Ms: quantile(latencies, 0.99) };
}

async function untilListed(endpoint: Endpoint): Promise<void> {
  const connection = await HttpConnection.open(endpoint.port);
  const request = prepareRequest(endpoint, LIST);
  for (;;) {
    const { body } = await connection.exchange(request(nextId()));
    if (GOOD.every((name) => body.includes(`"${name}__echo"`))) return connection.close();
    await sleep(POLL_MS);
  }
}

function endpointOf(port: number, bearer: string): Endpoint {
  return { port, path: "/mcp", era: "modern", bearer };
}
