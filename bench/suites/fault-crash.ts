import { HttpConnection, type HttpReply } from "../load/http-connection.ts";
import { type Endpoint, isResult, nextId, prepareRequest } from "../load/mcp-requests.ts";
import type { Row } from "../measure/rows.ts";
import { untilCallable } from "../targets/all.ts";
import { pathOf } from "../targets/program.ts";
import type { Stack } from "../targets/stack.ts";
import type { SuiteOptions } from "./suite.ts";

/** The first is followed by a start at once, the later ones by back-off. */
const CRASHES = ["first", "second", "third"] as const;

/** From a call that ends its server to the failure of the call, and to the next call that succeeds. */
export async function crashes(stack: Stack, { rounds, progress }: SuiteOptions): Promise<Row[]> {
  await using gateway = await stack.startGateway();
  const rows: Row[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    progress(`faults: crash, round ${round}`);
    const name = `crashing-${round}`;
    const spec = { command: process.execPath, args: [pathOf("faulty-server.ts")] };
    const bearer = await stack.declare(name, [{ name, spec }]);
    const endpoint: Endpoint = { port: gateway.port, path: "/mcp", era: "modern", bearer };
    await untilCallable(endpoint, `${name}__echo`);
    for (const which of CRASHES) {
      const values = await crash(endpoint, name);
      rows.push({ suite: "faults: crash", case: `${which} crash`, target: "gateway", round, values });
    }
  }
  return rows;
}

async function crash(endpoint: Endpoint, server: string): Promise<Row["values"]> {
  const connection = await HttpConnection.open(endpoint.port);
  const call = async (tool: string): Promise<HttpReply & { isDone: boolean }> => {
    const id = nextId();
    const message = { method: "tools/call", params: { name: `${server}__${tool}`, arguments: {} } };
    const reply = await connection.exchange(prepareRequest(endpoint, message)(id));
    return { ...reply, isDone: reply.status === 200 && isResult(reply.body, id) };
  };
  const startedAt = performance.now();
  const failure = await call("crash");
  const failedAt = performance.now();
  if (!failure.body.includes('"code":"upstream-unavailable"')) {
    throw new Error(`The failure has the wrong type: HTTP ${failure.status} ${failure.body.toString()}`);
  }
  await untilCallable(endpoint, `${server}__echo`, 10);
  const backAt = performance.now();
  connection.close();
  return { failedMs: failedAt - startedAt, backMs: backAt - startedAt };
}
