import { API } from "@mcpctl/shared/api/contracts.ts";
import { runInTurn } from "../../load/closed-loop.ts";
import { HttpConnection } from "../../load/http-connection.ts";
import { type Endpoint, prepareRequest } from "../../load/mcp-requests.ts";
import { median } from "../../measure/statistics.ts";
import { startListening } from "../../targets/program.ts";
import { type Stack, startStack } from "../../targets/stack.ts";
import { defineDimension } from "./dimension.ts";
import { callOf, LIST, measureClients } from "./gateway-figures.ts";

const SIZES = [1, 10, 100, 1_000, 10_000];
/** Further tokens of each size, which come to a gateway for the first time when it knows the others. */
const NEWCOMERS = 20;
const MINTED_AT_ONCE = 8;
const IN_FLIGHT = 16;
const PROJECT = "tokens";
const TOOL = "raw__echo";

interface Fleet {
  stack: Stack;
  tokens: string[];
  newcomers: string[];
}

/** A control plane with so many tokens of one project, and a gateway that has seen them all. */
export const growthTokens = defineDimension({
  name: "tokens",
  async start(cleanup, progress) {
    const raw = cleanup.use(await startListening("raw-server.ts", ["50"]));
    const fleets: Fleet[] = [];
    for (const size of SIZES) {
      progress(`mints ${size} tokens`);
      const stack = cleanup.use(await startStack());
      await stack.declare(PROJECT, [{ name: "raw", spec: { url: `http://127.0.0.1:${raw.port}/modern` } }]);
      const startedAt = performance.now();
      const minted = await mint(stack, size + NEWCOMERS);
      progress(`${Math.round((minted.length / (performance.now() - startedAt)) * 1_000)} a second`);
      fleets.push({ stack, tokens: minted.slice(NEWCOMERS), newcomers: minted.slice(0, NEWCOMERS) });
    }
    return fleets.map((fleet) => ({
      size: fleet.tokens.length,
      target: "gateway",
      measure: (seconds) => measure(fleet, seconds),
    }));
  },
});

async function mint({ api }: Stack, count: number): Promise<string[]> {
  const minted: string[] = [];
  let left = count;
  const mintSome = async () => {
    while (left > 0) {
      left -= 1;
      const metadata = { name: `token-${left}`, project: PROJECT };
      const manifest = { kind: "McpToken", metadata, spec: {} };
      minted.push((await api.createMcpToken(manifest)).token);
    }
  };
  await Promise.all(Array.from({ length: MINTED_AT_ONCE }, mintSome));
  return minted;
}

async function measure({ stack, tokens, newcomers }: Fleet, seconds: number) {
  await using gateway = await stack.startGateway();
  const { port } = gateway;
  const endpointOf = (bearer = ""): Endpoint => ({ port, path: "/mcp", era: "modern", bearer });
  const calls = tokens.map((bearer) => prepareRequest(endpointOf(bearer), callOf(TOOL)));
  await runInTurn({ port, requests: calls, inFlight: IN_FLIGHT, until: { calls: calls.length } });
  const figures = await measureClients(
    {
      port,
      calls: calls.slice(0, 1),
      lists: [prepareRequest(endpointOf(tokens[0]), LIST)],
      gatewayPid: gateway.pid,
      mcpdPid: stack.mcpdPid,
    },
    seconds,
  );
  const inTurn = await runInTurn({ port, requests: calls, inFlight: IN_FLIGHT, until: { seconds } });
  return {
    firstRequestMs: await timeFirstRequests(newcomers.map((bearer) => endpointOf(bearer))),
    introspectMs: await timeIntrospections(stack.mcpdUrl, tokens, seconds),
    ...figures,
    allInTurnPerSecond: inTurn.calls / inTurn.seconds,
  };
}

/** @returns the median in milliseconds. */
async function timeFirstRequests(endpoints: readonly Endpoint[]): Promise<number> {
  const requests = endpoints.map((endpoint) => prepareRequest(endpoint, LIST));
  const port = endpoints[0]?.port ?? 0;
  const { latencies } = await runInTurn({ port, requests, inFlight: 1, until: { calls: requests.length } });
  return median([...latencies]);
}

/** Asks mcpd what a gateway asks about a token, about all of them in turn. @returns the median in milliseconds. */
async function timeIntrospections(mcpdUrl: string, tokens: readonly string[], seconds: number): Promise<number> {
  const { host, port } = new URL(mcpdUrl);
  const connection = await HttpConnection.open(Number(port));
  const took: number[] = [];
  const endAt = performance.now() + seconds * 1_000;
  for (let at = 0; performance.now() < endAt; at += 1) {
    const bearer = tokens[at % tokens.length] ?? "";
    const startedAt = performance.now();
    const { status, body } = await connection.exchange(
      `GET ${API.introspect} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${bearer}\r\n\r\n`,
    );
    took.push(performance.now() - startedAt);
    if (status !== 200 || !body.includes('"active":true')) throw new Error(`introspect failed: HTTP ${status}`);
  }
  connection.close();
  return median(took);
}
