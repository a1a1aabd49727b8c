import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { ConnectionLimits } from "@mcpctl/shared/connection-limits.ts";
import { CONNECTION_BOUNDS } from "@mcpctl/shared/connection-limits.ts";
import { ERROR_CODES, McpctlError } from "@mcpctl/shared/errors.ts";
import { answerClientError, retryHeaders, tooManyConnections } from "@mcpctl/shared/http-refusal.ts";
import { PROBLEM_MEDIA_TYPE, toProblem } from "@mcpctl/shared/problem.ts";
import type { Readiness } from "../control-plane/contact.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { codeOf } from "../protocol/rpc-failure.ts";
import type { McpEndpoint } from "./mcp-endpoint.ts";
import { sendJson } from "./reply.ts";

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const CHECK_INTERVAL_MS = 2_000;
/** Agents pause between calls; a connection that survives the pause saves them a handshake. */
const KEEP_ALIVE_MS = 65_000;
const PROJECT_PATH = /^\/projects\/([^/]+)\/mcp$/;

interface GatewayServerDeps {
  mcp: McpEndpoint;
  checkOrigin: (request: IncomingMessage) => void;
  readiness: () => Promise<Readiness>;
  connections: ConnectionLimits;
  metrics: Metrics;
  /** Monotonic milliseconds. */
  now(): number;
}

/** Timeouts, which tests shorten. */
export interface ServerTimeouts {
  headersMs?: number;
  requestMs?: number;
  checkIntervalMs?: number;
  /** How long a client may take nothing of its answer. */
  stallMs?: number;
}

/** The HTTP server of the gateway: who may be asked what, before any of it is MCP. */
export function createGatewayServer(deps: GatewayServerDeps, timeouts: ServerTimeouts = {}): Server {
  const options = {
    headersTimeout: timeouts.headersMs ?? HEADERS_TIMEOUT_MS,
    requestTimeout: timeouts.requestMs ?? REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: timeouts.checkIntervalMs ?? CHECK_INTERVAL_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // A header that comes twice must be seen to come twice, not lose one of its values.
    joinDuplicateHeaders: true,
  };
  const server = createServer(options, (request, response) => route(deps, request, response));
  server.setTimeout(CONNECTION_BOUNDS.silenceMs);
  server.on("connection", (socket) => deps.connections.add(socket, deps.now()));
  server.on("clientError", (error, socket) => {
    const told = socket instanceof Socket ? answerClientError(error, socket) : undefined;
    if (told) deps.metrics.onRefused(told.code);
  });
  return server;
}

function route(deps: GatewayServerDeps, request: IncomingMessage, response: ServerResponse): void {
  const path = pathOf(request);
  response.on("error", () => {});
  const excess = deps.connections.excessOf(request.socket);
  if (response.socket === null) deps.connections.addWaiting(request.socket, response);
  if (excess) return sendProblem(deps, response, tooManyConnections(excess));
  if (path === "/healthz" || path === "/livez") return sendJson(response, { status: 200, body: { status: "ok" } });
  if (path === "/readyz") return void sendReadiness(response, deps.readiness);
  try {
    deps.checkOrigin(request);
  } catch (thrown) {
    return sendProblem(deps, response, thrown);
  }
  if (path === "/mcp") return void deps.mcp(request, response, undefined);
  const [, project] = PROJECT_PATH.exec(path) ?? [];
  if (project !== undefined) return void deps.mcp(request, response, decodeName(project));
  if (path === "/metrics" && request.method === "GET") return void sendMetrics(response, deps.metrics);
  sendProblem(
    deps,
    response,
    new McpctlError("not-found", "There is nothing at this address", { hint: "The MCP endpoint is /mcp" }),
  );
}

function pathOf({ url = "" }: IncomingMessage): string {
  const query = url.indexOf("?");
  return query < 0 ? url : url.slice(0, query);
}

/** A name that cannot be decoded is the name of no project. */
function decodeName(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return "";
  }
}

async function sendReadiness(response: ServerResponse, readiness: GatewayServerDeps["readiness"]): Promise<void> {
  const status = await readiness();
  sendJson(response, { status: status === "ok" ? 200 : 503, body: { status } });
}

async function sendMetrics(response: ServerResponse, metrics: Metrics): Promise<void> {
  const text = await metrics.read();
  response.writeHead(200, { "content-type": metrics.contentType });
  response.end(text);
}

function sendProblem({ metrics }: GatewayServerDeps, response: ServerResponse, thrown: unknown): void {
  const problem = toProblem(thrown, "none");
  metrics.onRefused(codeOf(thrown));
  const status = thrown instanceof McpctlError ? ERROR_CODES[thrown.code].status : 500;
  const headers = { "content-type": PROBLEM_MEDIA_TYPE, ...retryHeaders(thrown) };
  sendJson(response, { status, body: problem, headers });
}
