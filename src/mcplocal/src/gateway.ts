import type { AddressInfo } from "node:net";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { createAuthenticator, type Authenticator } from "./auth/authenticator.ts";
import { createOpenAccess } from "./auth/open-access.ts";
import type { ControlPlane } from "./control-plane/control-plane.ts";
import { createAnswerer } from "./http/answerer.ts";
import { createLegacyEndpoint } from "./http/legacy-endpoint.ts";
import { LiveStreams } from "./http/live-streams.ts";
import { createMcpEndpoint } from "./http/mcp-endpoint.ts";
import { createModernEndpoint } from "./http/modern-endpoint.ts";
import { createOriginGuard } from "./http/origin-guard.ts";
import { createGatewayServer, type ServerTimeouts } from "./http/server.ts";
import type { Log } from "./log.ts";
import { createMetrics } from "./metrics.ts";
import type { CallRecord, OnCall } from "./pipeline/call-record.ts";
import { createCallTool } from "./pipeline/call-tool.ts";
import type { Method } from "./pipeline/exchange.ts";
import { answerToolsList } from "./pipeline/list-tools.ts";
import { answerDiscover } from "./pipeline/server-info.ts";
import { ProjectRegistry } from "./projects/project-registry.ts";
import { SessionTable } from "./sessions/session-table.ts";

const TICK_MS = 1_000;
const DEFAULT_GRACE_SECONDS = 30;
const DEFAULT_DRAIN_SECONDS = 10;

export interface GatewayOptions {
  host: string;
  /** 0 takes any free port. */
  port: number;
  allowedHosts?: readonly string[];
  allowedOrigins?: readonly string[];
  /** Serves this project to everybody, without tokens. For conformance runs on loopback. */
  openProject?: string | undefined;
  /** The gateway's own credential for mcpd, used instead of the caller's token. */
  credential?: string | undefined;
  /** How long known tokens and projects are served while mcpd cannot be asked. */
  graceSeconds?: number;
  /** How long calls under way may take when the gateway stops. */
  drainSeconds?: number;
  timeouts?: ServerTimeouts;
}

export interface GatewayDeps {
  controlPlane: ControlPlane;
  options: GatewayOptions;
  log: Log;
  /** Called once for every tool call, when it has ended. */
  onCall?: OnCall;
  /** Monotonic milliseconds. */
  now?: () => number;
}

export interface Gateway {
  /** @throws {McpctlError} `port-in-use`. */
  listen(): Promise<{ url: string }>;
  /** Lets calls under way finish for a while, ends streams and sessions, and closes all connections. */
  close(): Promise<void>;
}

/** Puts the gateway together. Nothing runs until it listens. */
export function createGateway({ controlPlane, options, log, onCall, now = () => performance.now() }: GatewayDeps): Gateway {
  const graceSeconds = options.graceSeconds ?? DEFAULT_GRACE_SECONDS;
  const authenticator = createAccess(controlPlane, { options, log, now, graceSeconds });
  const projects = new ProjectRegistry({ ...bindControlPlane(controlPlane), now, graceSeconds, log });
  const sessions = new SessionTable(now);
  const streams = new LiveStreams({ authenticator, now });
  const metrics = createMetrics({
    sessions: () => sessions.size,
    streams: () => streams.size,
    servers: () => projects.countServers(),
  });
  const answerer = createAnswerer({ log, metrics, now });
  const callTool = createCallTool({ now, onCall: reporting([metrics.onCall, onCall], log) });
  const methods = new Map<string, Method>([
    ["tools/list", answerToolsList],
    ["tools/call", callTool],
  ]);
  const modern = createModernEndpoint({ methods: new Map([...methods, ["server/discover", answerDiscover]]), answerer, streams });
  const legacy = createLegacyEndpoint({ methods: new Map([...methods, ["ping", answerPing]]), sessions, answerer, streams });
  const mcp = createMcpEndpoint({ authenticator, projects, answerer, modern, legacy, credential: options.credential });
  const checkOrigin = createOriginGuard({
    listenHost: options.host,
    allowedHosts: options.allowedHosts ?? [],
    allowedOrigins: options.allowedOrigins ?? [],
  });
  let isReady = false;
  const server = createGatewayServer({ mcp, checkOrigin, isReady: () => isReady, metrics }, options.timeouts);

  authenticator.onLost(({ principal, bearer }) => {
    sessions.endOfToken(principal.sha);
    streams.endOfToken(principal.sha);
    if (bearer !== undefined) projects.forget(bearer);
  });
  // ...
}
