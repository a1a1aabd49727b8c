import { HttpConnection } from "../../load/http-connection.ts";
import { type Endpoint, prepareRequest } from "../../load/mcp-requests.ts";
import { startListening } from "../../targets/program.ts";
import { openSession } from "../../targets/session.ts";
import { type Stack, startStack } from "../../targets/stack.ts";
import { defineDimension } from "./dimension.ts";
import { callOf, LIST, measureClients } from "./gateway-figures.ts";

/** More than the last the gateway does not keep for one token. */
const SIZES = [1, 10, 100, 1_000, 2_000];
const TOOL = "raw__echo";

/** So many sessions of one token, all of which call in turn. */
export const growthSessions = defineDimension({
  name: "sessions",
  async start(cleanup) {
    const raw = cleanup.use(await startListening("raw-server.ts", ["50"]));
    const stack = cleanup.use(await startStack());
    const spec = { url: `http://127.0.0.1:${raw.port}/modern` };
    const token = await stack.declare("sessions", [{ name: "raw", spec }]);
    return SIZES.map((size) => ({
      size,
      target: "gateway",
      measure: (seconds) => measure({ stack, token, size }, seconds),
    }));
  },
});

async function measure({ stack, token, size }: { stack: Stack; token: string; size: number }, seconds: number) {
  await using gateway = await stack.startGateway();
  const endpoint: Endpoint = { port: gateway.port, path: "/mcp", era: "legacy", bearer: token };
  await openMany(endpoint, 1);
  const startedAt = performance.now();
  const sessions = await openMany(endpoint, size);
  const openMs = (performance.now() - startedAt) / size;
  const clients = {
    port: gateway.port,
    calls: sessions.map((session) => prepareRequest(session, callOf(TOOL))),
    lists: sessions.map((session) => prepareRequest(session, LIST)),
    gatewayPid: gateway.pid,
    mcpdPid: stack.mcpdPid,
  };
  return { openMs, ...(await measureClients(clients, seconds)) };
}

async function openMany(endpoint: Endpoint, count: number): Promise<Endpoint[]> {
  const connection = await HttpConnection.open(endpoint.port);
  const opened: Endpoint[] = [];
  for (let at = 0; at < count; at += 1) opened.push(await openSession(endpoint, connection));
  connection.close();
  return opened;
}
