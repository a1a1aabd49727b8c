import { setTimeout as sleep } from "node:timers/promises";
import { runClosedLoop } from "../load/closed-loop.ts";
import { HttpConnection } from "../load/http-connection.ts";
import type { Endpoint } from "../load/mcp-requests.ts";
import { residentBytes } from "../measure/process-usage.ts";
import type { Row } from "../measure/rows.ts";
import { startListening } from "../targets/program.ts";
import { openSession } from "../targets/session.ts";
import { type Stack, startStack } from "../targets/stack.ts";
import type { Suite } from "./suite.ts";

const CALLS = 10_000;
const SESSIONS = 1_000;
const SETTLE_MS = 2_000;
const MB = 1_000_000;

/** What a gateway of its own holds: fresh, after calls, and for each session. */
export const memory: Suite = {
  name: "memory",
  async run({ rounds, progress }) {
    await using raw = await startListening("raw-server.ts", ["50"]);
    await using stack = await startStack();
    const token = await stack.declare("memory", [
      { name: "raw", spec: { url: `http://127.0.0.1:${raw.port}/modern` } },
    ]);
    const rows: Row[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      progress(`memory: round ${round}`);
      const values = await measure(stack, token);
      rows.push({ suite: "memory", case: "gateway", target: "gateway", round, values });
    }
    return rows;
  },
};

async function measure(stack: Stack, bearer: string): Promise<Row["values"]> {
  await using gateway = await stack.startGateway();
  const endpoint: Endpoint = { port: gateway.port, path: "/mcp", era: "modern", bearer };
  const heldAfter = async (work: () => Promise<unknown>) => {
    await work();
    await sleep(SETTLE_MS);
    return residentBytes(gateway.pid);
  };
  const call = () =>
    runClosedLoop({
      endpoint,
      message: { method: "tools/call", params: { name: "raw__echo", arguments: { message: "hello" } } },
      inFlight: 16,
      until: { calls: CALLS },
    });
  const fresh = await heldAfter(async () => undefined);
  const afterFirst = await heldAfter(call);
  const afterSecond = await heldAfter(call);
  const afterSessions = await heldAfter(() => openSessions({ ...endpoint, era: "legacy" }));
  return {
    freshMb: fresh / MB,
    after10000Mb: afterFirst / MB,
    after20000Mb: afterSecond / MB,
    second10000Mb: (afterSecond - afterFirst) / MB,
    perSessionKb: (afterSessions - afterSecond) / SESSIONS / 1_000,
  };
}

async function openSessions(endpoint: Endpoint): Promise<void> {
  const connection = await HttpConnection.open(endpoint.port);
  for (let count = 0; count < SESSIONS; count += 1) await openSession(endpoint, connection);
  connection.close();
}
