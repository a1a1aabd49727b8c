import { setTimeout as sleep } from "node:timers/promises";
import { runInTurn } from "../../load/closed-loop.ts";
import { HttpConnection } from "../../load/http-connection.ts";
import { type Endpoint, isResult, nextId, prepareRequest, type RpcMessage } from "../../load/mcp-requests.ts";
import { cpuSeconds, residentBytes } from "../../measure/process-usage.ts";
import { quantile } from "../../measure/statistics.ts";
import type { Stack } from "../../targets/stack.ts";

const IN_FLIGHT = 16;
const WARM_UP_SHARE = 1 / 5;
const READY_MS = 120_000;
const MB = 1_000_000;

export const LIST: RpcMessage = { method: "tools/list" };

export function callOf(tool: string): RpcMessage {
  return { method: "tools/call", params: { name: tool, arguments: { message: "hello" } } };
}

/** A gateway and the calls and lists that clients send to it in turn. */
export interface Clients {
  port: number;
  calls: readonly ((id: number) => string)[];
  lists: readonly ((id: number) => string)[];
  gatewayPid: number;
  mcpdPid: number;
}

/** What clients feel of a gateway, and what it costs. Throughput and processor time are those of 16 calls in flight. */
export async function measureClients({ port, calls, lists, gatewayPid, mcpdPid }: Clients, seconds: number) {
  const load = (requests: Clients["calls"], inFlight: number, share = 1) =>
    runInTurn({ port, requests, inFlight, until: { seconds: seconds * share } });
  await load(calls, IN_FLIGHT, WARM_UP_SHARE);
  const { latencies: callMs } = await load(calls, 1);
  const before = [cpuSeconds([gatewayPid]), cpuSeconds([mcpdPid])] as const;
  const many = await load(calls, IN_FLIGHT);
  const after = [cpuSeconds([gatewayPid]), cpuSeconds([mcpdPid])] as const;
  // Last, because the garbage of long lists burdens what follows.
  const { latencies: listMs } = await load(lists, 1);
  return {
    callP50Ms: quantile(callMs, 0.5),
    listP50Ms: quantile(listMs, 0.5),
    callsPerSecond: many.calls / many.seconds,
    gatewayCpuPer1000: ((after[0] - before[0]) / many.calls) * 1_000,
    mcpdCpuPer1000: ((after[1] - before[1]) / many.calls) * 1_000,
    rssMb: residentBytes(gatewayPid) / MB,
  };
}

/**
 * Starts a gateway that knows nothing yet, and measures how long its first list takes and what it does then.
 *
 * @param tools - exposed names of the tools that are called in turn.
 */
export async function measureFreshGateway(stack: Stack, bearer: string, tools: readonly string[], seconds: number) {
  await using gateway = await stack.startGateway();
  const endpoint: Endpoint = { port: gateway.port, path: "/mcp", era: "modern", bearer };
  const { milliseconds, isComplete } = await list(endpoint);
  if (!isComplete) throw new Error("The first list lacks the tools of a server");
  const clients = {
    port: gateway.port,
    calls: tools.map((tool) => prepareRequest(endpoint, callOf(tool))),
    lists: [prepareRequest(endpoint, LIST)],
    gatewayPid: gateway.pid,
    mcpdPid: stack.mcpdPid,
  };
  return { firstListMs: milliseconds, ...(await measureClients(clients, seconds)) };
}

/** Waits until every server of the token's project has been listed once; processes take a moment to start. */
export async function untilComplete(stack: Stack, bearer: string): Promise<void> {
  await using gateway = await stack.startGateway();
  const end = Date.now() + READY_MS;
  while (!(await list({ port: gateway.port, path: "/mcp", era: "modern", bearer })).isComplete) {
    if (Date.now() > end) throw new Error("A server does not become ready");
    await sleep(250);
  }
}

async function list(endpoint: Endpoint): Promise<{ milliseconds: number; isComplete: boolean }> {
  const connection = await HttpConnection.open(endpoint.port);
  const id = nextId();
  const startedAt = performance.now();
  const { status, body } = await connection.exchange(prepareRequest(endpoint, LIST)(id));
  const milliseconds = performance.now() - startedAt;
  connection.close();
  if (status !== 200 || !isResult(body, id)) throw new Error(`tools/list failed: HTTP ${status} ${body.toString()}`);
  return { milliseconds, isComplete: !body.includes("mcpctl.io/conditions") };
}
