import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { ERROR_CODES, McpctlError } from "@mcpctl/shared/errors.ts";
import { PROBLEM_MEDIA_TYPE, toProblem } from "@mcpctl/shared/problem.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { McpEndpoint } from "./mcp-endpoint.ts";
import { sendJson } from "./reply.ts";

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const CHECK_INTERVAL_MS = 2_000;
/** Agents pause between calls; a connection that survives the pause saves them a handshake. */
const KEEP_ALIVE_MS = 65_000;
/** Longer than any call may take. A client that reads nothing for so long is gone. */
const SILENCE_MS = 660_000;
const PROJECT_PATH = /^\/projects\/([^/]+)\/mcp$/;

interface GatewayServerDeps {
  mcp: McpEndpoint;
  checkOrigin: (request: IncomingMessage) => void;
  isReady: () => boolean;
  metrics: Metrics;
}

/** Timeouts, which tests shorten. */
export interface ServerTimeouts {
  headersMs?: number;
  requestMs?: number;
  checkIntervalMs?: number;
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
  server.setTimeout(SILENCE_MS);
  return server;
}

function route(deps: GatewayServerDeps, request: IncomingMessage, response: ServerResponse): void {
  const path = pathOf(request);
  response.on("error", () => {});
  if (path === "/healthz" || path === "/livez") return sendJson(response, { status: 200, body: { status: "ok" } });
  if (path === "/readyz") return sendReadiness(response, deps.isReady());
  try {
    deps.checkOrigin(request);
  } catch (thrown) {
    return sendProblem(response, thrown);
  }
  if (path === "/mcp") return void deps.mcp(request, response, undefined);
  const [, project] = PROJECT_PATH.exec(path) ?? [];
  if (project !== undefined) return void deps.mcp(request, response, decodeName(project));
  if (path === "/metrics" && request.method === "GET") return void sendMetrics(response, deps.metrics);
  sendProblem(
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

function sendReadiness(response: ServerResponse, isReady: boolean): void {
  sendJson(response, { status: isReady ? 200 : 503, body: { status: isReady ? "ok" : "stopping" } });
}

async function sendMetrics(response: ServerResponse, metrics: Metrics): Promise<void> {
  const text = await metrics.read();
  response.writeHead(200, { "content-type": metrics.contentType });
  response.end(text);
}

function sendProblem(response: ServerResponse, thrown: unknown): void {
  const problem = toProblem(thrown, "none");
  const status = thrown instanceof McpctlError ? ERROR_CODES[thrown.code].status : 500;
  sendJson(response, { status, body: problem, headers: { "content-type": PROBLEM_MEDIA_TYPE } });
}
