import type { ConnectionLimits } from "@mcpctl/shared/connection-limits.ts";
import { CONNECTION_BOUNDS } from "@mcpctl/shared/connection-limits.ts";
import { ERROR_CODES, McpctlError } from "@mcpctl/shared/errors.ts";
import { retryHeaders, tooManyConnections } from "@mcpctl/shared/http-refusal.ts";
import { PROBLEM_MEDIA_TYPE, toProblem } from "@mcpctl/shared/problem.ts";
import type { Readiness } from "../control-plane/contact.ts";
import { toHeaderBlock } from "../http1/header-block.ts";
import { HttpServer } from "../http1/server/http-server.ts";
import type { ServerExchange } from "../http1/server/server-exchange.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { codeOf } from "../protocol/rpc-failure.ts";
import type { McpEndpoint } from "./mcp-endpoint.ts";
import { sendJson } from "./reply.ts";

const HEADERS_TIMEOUT_MS = 10_000;
const BODY_TIMEOUT_MS = 30_000;
const CHECK_INTERVAL_MS = 2_000;
const PROJECT_PATH = /^\/projects\/([^/]+)\/mcp$/;
const PROBLEM_TYPE = toHeaderBlock({ "content-type": PROBLEM_MEDIA_TYPE });

interface GatewayServerDeps {
  mcp: McpEndpoint;
  checkOrigin: (exchange: ServerExchange) => void;
  readiness: () => Promise<Readiness>;
  connections: ConnectionLimits;
  metrics: Metrics;
  /** Monotonic milliseconds. */
  now(): number;
}

/** Timeouts, which tests shorten. */
export interface ServerTimeouts {
  headersMs?: number;
  bodyMs?: number;
  checkIntervalMs?: number;
  /** How long a client may take nothing of its answer. */
  stallMs?: number;
}

/** The HTTP server of the gateway: who may be asked what, before any of it is MCP. */
export function createGatewayServer(deps: GatewayServerDeps, timeouts: ServerTimeouts = {}): HttpServer {
  return new HttpServer({
    timeouts: {
      headersMs: timeouts.headersMs ?? HEADERS_TIMEOUT_MS,
      bodyMs: timeouts.bodyMs ?? BODY_TIMEOUT_MS,
      checkIntervalMs: timeouts.checkIntervalMs ?? CHECK_INTERVAL_MS,
      silenceMs: CONNECTION_BOUNDS.silenceMs,
    },
    onConnection: (socket) => deps.connections.add(socket, deps.now()),
    onExchange: (exchange) => route(deps, exchange),
    onUnreadable: ({ code }) => deps.metrics.onRefused(code),
  });
}

function route(deps: GatewayServerDeps, exchange: ServerExchange): void {
  const path = pathOf(exchange.target);
  const excess = deps.connections.excessOf(exchange.socket);
  if (excess) return refuseConnection(deps, exchange, tooManyConnections(excess));
  if (path === "/healthz" || path === "/livez") return sendJson(exchange, { status: 200, body: { status: "ok" } });
  if (path === "/readyz") return void sendReadiness(exchange, deps.readiness);
  try {
    deps.checkOrigin(exchange);
  } catch (thrown) {
    return sendProblem(deps, exchange, thrown);
  }
  if (path === "/mcp") return void deps.mcp(exchange, undefined);
  const [, project] = PROJECT_PATH.exec(path) ?? [];
  if (project !== undefined) return void deps.mcp(exchange, decodeName(project));
  if (path === "/metrics" && exchange.method === "GET") return void sendMetrics(exchange, deps.metrics);
  sendProblem(
    deps,
    exchange,
    new McpctlError("not-found", "There is nothing at this address", { hint: "The MCP endpoint is /mcp" }),
  );
}

function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query < 0 ? target : target.slice(0, query);
}

/** A name that cannot be decoded is the name of no project. */
function decodeName(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return "";
  }
}

async function sendReadiness(exchange: ServerExchange, readiness: GatewayServerDeps["readiness"]): Promise<void> {
  const status = await readiness();
  sendJson(exchange, { status: status === "ok" ? 200 : 503, body: { status } });
}

async function sendMetrics(exchange: ServerExchange, metrics: Metrics): Promise<void> {
  const text = Buffer.from(await metrics.read());
  exchange.sendPieces(200, toHeaderBlock({ "content-type": metrics.contentType }), [text]);
}

function refuseConnection(deps: GatewayServerDeps, exchange: ServerExchange, thrown: McpctlError): void {
  exchange.setLast();
  sendProblem(deps, exchange, thrown);
}

function sendProblem({ metrics }: GatewayServerDeps, exchange: ServerExchange, thrown: unknown): void {
  const body = toProblem(thrown, "none");
  metrics.onRefused(codeOf(thrown));
  const status = thrown instanceof McpctlError ? ERROR_CODES[thrown.code].status : 500;
  sendJson(exchange, { status, body, headers: toHeaderBlock(retryHeaders(thrown)), type: PROBLEM_TYPE });
}
