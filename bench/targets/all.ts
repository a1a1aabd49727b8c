import { HttpConnection } from "../load/http-connection.ts";
import { type Endpoint, type Era, isResult, nextId, prepareRequest } from "../load/mcp-requests.ts";
import { startNginx } from "./nginx.ts";
import { pathOf, startListening } from "./program.ts";
import { openSession } from "./session.ts";
import { type ServerManifest, type Stack, type StartedGateway, startStack } from "./stack.ts";
import type { Target } from "./target.ts";

const BEARER = "mcpctl_pat_of_the_bench_0000000000000000000000000000";
const WARM_UP_MS = 60_000;

export interface Targets extends AsyncDisposable {
  /** First the server itself, then what stands in between. */
  all: Target[];
  stack: Stack;
  gateway: StartedGateway;
}

const TOOLS = "50";

/**
 * Starts the same server behind everything that is compared.
 *
 * @param isWanted - leaves out what takes long to start and is not asked for; the server itself is always there.
 */
export async function startTargets(isWanted: (name: string) => boolean = () => true): Promise<Targets> {
  await using cleanup = new AsyncDisposableStack();
  const raw = cleanup.use(await startListening("raw-server.ts", [TOOLS]));
  const undici = cleanup.use(await startListening("undici-proxy.ts", [`http://127.0.0.1:${raw.port}`, BEARER]));
  const nginx = isWanted("nginx") ? await startNginx(raw.port, BEARER) : undefined;
  if (nginx) cleanup.use(nginx);
  const stack = cleanup.use(await startStack());
  const gateway = cleanup.use(await stack.startGateway());
  const all: Target[] = [
    plain("direct", raw.port, raw.pids),
    plain("undici", undici.port, undici.pids),
    ...(nginx ? [plain("nginx", nginx.port, nginx.pids)] : []),
  ];
  const http = await declareEras(stack, "http", (era) => ({ url: `http://127.0.0.1:${raw.port}/${era}` }));
  all.push(await throughGateway("gateway", { gateway, tokens: http, pids: [gateway.pid] }));
  if (isWanted("gateway-stdio")) {
    const stdio = await declareEras(stack, "stdio", (era) => ({
      command: process.execPath,
      args: [pathOf("stdio-server.ts"), TOOLS, era],
    }));
    const pids = [gateway.pid, stack.mcpdPid];
    all.push(await throughGateway("gateway-stdio", { gateway, tokens: stdio, pids }));
  }
  const running = cleanup.move();
  return { all, stack, gateway, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

type Tokens = Record<Era, { token: string; server: string }>;

async function declareEras(stack: Stack, name: string, specOf: (era: Era) => ServerManifest["spec"]): Promise<Tokens> {
  const declare = async (era: Era) => {
    const server = `${name}-${era}`;
    return { server, token: await stack.declare(server, [{ name: server, spec: specOf(era) }]) };
  };
  return { modern: await declare("modern"), legacy: await declare("legacy") };
}

function plain(name: string, port: number, pids: number[]): Target {
  return {
    name,
    pids,
    endpointOf: (era) => ({ port, path: `/${era}`, era, bearer: BEARER }),
    toolOf: () => "echo",
  };
}

interface Through {
  gateway: StartedGateway;
  tokens: Tokens;
  pids: number[];
}

async function throughGateway(name: string, { gateway, tokens, pids }: Through): Promise<Target> {
  const endpoints = {
    modern: { port: gateway.port, path: "/mcp", era: "modern", bearer: tokens.modern.token } as Endpoint,
    legacy: await openLegacy({ port: gateway.port, path: "/mcp", era: "legacy", bearer: tokens.legacy.token }),
  };
  const toolOf = (era: Era) => `${tokens[era].server}__echo`;
  for (const era of ["modern", "legacy"] as const) await untilCallable(endpoints[era], toolOf(era));
  return { name, pids, endpointOf: (era) => endpoints[era], toolOf };
}

async function openLegacy(endpoint: Endpoint): Promise<Endpoint> {
  const connection = await HttpConnection.open(endpoint.port);
  const opened = await openSession(endpoint, connection);
  connection.close();
  return opened;
}

/** Calls until it succeeds: servers take a moment to start. */
export async function untilCallable(endpoint: Endpoint, tool: string, pauseMs = 100): Promise<void> {
  const connection = await HttpConnection.open(endpoint.port);
  const request = prepareRequest(endpoint, {
    method: "tools/call",
    params: { name: tool, arguments: { message: "" } },
  });
  const end = Date.now() + WARM_UP_MS;
  for (;;) {
    const id = nextId();
    const { status, body } = await connection.exchange(request(id));
    if (status === 200 && isResult(body, id)) return connection.close();
    if (Date.now() > end) throw new Error(`${tool} cannot be called: HTTP ${status} ${body.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
