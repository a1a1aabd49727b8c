import { performance } from "node:perf_hooks";
import { ConnectionLimits } from "@mcpctl/shared/connection-limits.ts";
import { hasCode, McpctlError } from "@mcpctl/shared/errors.ts";
import type { AuditLog } from "./audit/audit-log.ts";
import { createCallReport } from "./audit/call-report.ts";
import { RequestLoads } from "@mcpctl/shared/request-loads.ts";
import { IdentityWatch } from "./auth/identity-watch.ts";
import { createAuthenticator, type Authenticator } from "./auth/authenticator.ts";
import { createOpenAccess } from "./auth/open-access.ts";
import { Contact } from "./control-plane/contact.ts";
import type { ControlPlane } from "./control-plane/control-plane.ts";
import { createAnswerer } from "./http/answerer.ts";
import { createLegacyEndpoint } from "./http/legacy-endpoint.ts";
import { LiveStreams } from "./http/live-streams.ts";
import { createMcpEndpoint } from "./http/mcp-endpoint.ts";
import { createModernEndpoint } from "./http/modern-endpoint.ts";
import { createOriginGuard } from "./http/origin-guard.ts";
import { createGatewayServer, type ServerTimeouts } from "./http/server.ts";
import type { HttpServer } from "./http1/server/http-server.ts";
import type { Log } from "./log.ts";
import { createMetrics } from "./metrics/metrics.ts";
import type { OnCall } from "./pipeline/call-record.ts";
import { createPipeline } from "./pipeline/create-pipeline.ts";
import { HeldCalls } from "./pipeline/held-calls.ts";
import type { LastKnownGood } from "./projects/last-known-good.ts";
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
  /** Whether lists are served while mcpd cannot be asked at all. Only for one's own use: nobody checks any right then. */
  servesOffline?: boolean;
  /** How long calls under way may take when the gateway stops. */
  drainSeconds?: number;
  timeouts?: ServerTimeouts;
  /** Connections in all. */
  maxConnections?: number;
  maxConnectionsPerAddress?: number;
}

export interface GatewayDeps {
  controlPlane: ControlPlane;
  options: GatewayOptions;
  log: Log;
  /** Where every tool call is recorded; absent where nobody wants to know. */
  auditLog?: AuditLog | undefined;
  /** What was known of projects at the last start; absent where nothing is kept. */
  lastKnown?: LastKnownGood | undefined;
  /** Called once for every tool call too, when it has ended. */
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
export function createGateway(deps: GatewayDeps): Gateway {
  const { host, port, drainSeconds = DEFAULT_DRAIN_SECONDS } = deps.options;
  let state: "starting" | "ready" | "stopping" = "starting";
  const isReady = () => state === "ready" && (deps.auditLog?.isHealthy ?? true);
  const { server, projects, sessions, streams, held, connections, identityWatch } = createParts(deps, isReady);
  const now = deps.now ?? monotonic;
  let ticker: NodeJS.Timeout | undefined;

  function tick(): void {
    projects.tick();
    sessions.sweep();
    streams.tick();
    connections.sweep(now());
    identityWatch.tick();
  }

  return {
    async listen() {
      const address = await server.listen(host, port);
      state = "ready";
      ticker = setInterval(tick, TICK_MS).unref();
      return { url: `http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}` };
    },

    async close() {
      state = "stopping";
      clearInterval(ticker);
      identityWatch.close();
      streams.close();
      await server.close(drainSeconds * 1_000);
      held.close();
      await projects.close();
      await deps.lastKnown?.close();
      await deps.auditLog?.close();
    },
  };
}

interface Parts {
  server: HttpServer;
  projects: ProjectRegistry;
  sessions: SessionTable;
  streams: LiveStreams;
  held: HeldCalls;
  connections: ConnectionLimits;
  identityWatch: IdentityWatch;
}

function createParts(
  { options, log, auditLog, onCall, now = monotonic, ...deps }: GatewayDeps,
  isReady: () => boolean,
): Parts {
  const graceSeconds = options.graceSeconds ?? DEFAULT_GRACE_SECONDS;
  const contact = new Contact({ controlPlane: deps.controlPlane, now, graceSeconds });
  const { controlPlane } = contact;
  const authenticator = createAccess({ controlPlane, options, log, now, graceSeconds });
  const projects = new ProjectRegistry({
    discover: discoverWith(controlPlane, options.credential, log),
    openUpstream: (found, as) => controlPlane.openUpstream(found, as),
    now,
    graceSeconds,
    log,
    lastKnown: deps.lastKnown,
    ...(options.servesOffline !== undefined && { servesOffline: options.servesOffline }),
  });
  const sessions = new SessionTable(now);
  const streams = new LiveStreams({ authenticator, now });
  const loads = new RequestLoads();
  const connections = new ConnectionLimits({ ...options, ...options.timeouts });
  const metrics = createMetrics({
    sessions: () => sessions.size,
    streams: () => streams.size,
    servers: () => projects.countServers(),
    lostAuditLines: () => auditLog?.lostLines ?? 0,
    callsInFlight: () => projects.countCallsInFlight(),
    requests: () => ({ inFlight: loads.requests, bodyBytes: loads.bodyBytes }),
    connections,
    isControlPlaneUp: () => contact.isUp(),
    residentBytes: () => process.memoryUsage.rss(),
  });
  const answerer = createAnswerer({ log, metrics, now });
  const held = new HeldCalls();
  const methods = createPipeline(held, { now, onCall: createCallReport({ metrics, auditLog, onCall, log }) });
  const mcp = createMcpEndpoint({
    authenticator,
    projects,
    loads,
    answerer,
    modern: createModernEndpoint({ methods: methods.modern, answerer, streams }),
    legacy: createLegacyEndpoint({ methods: methods.legacy, sessions, answerer, streams }),
    credential: options.credential,
  });
  authenticator.onLost(({ principal, bearer }) => {
    sessions.endOfToken(principal.sha);
    streams.endOfToken(principal.sha);
    held.endOfToken(principal.sha);
    if (bearer !== undefined) projects.forget(bearer);
  });
  const identityWatch = watchIdentity({ controlPlane, authenticator, streams, credential: options.credential });
  const checkOrigin = createOriginGuard({ allowedHosts: [], allowedOrigins: [], ...options, listenHost: options.host });
  const readiness = async () => (!isReady() ? "stopping" : (await contact.isUsable()) ? "ok" : "unavailable");
  const server = createGatewayServer({ mcp, checkOrigin, readiness, connections, metrics, now }, options.timeouts);
  return { server, projects, sessions, streams, held, connections, identityWatch };
}

interface IdentityWatchDeps {
  controlPlane: ControlPlane;
  authenticator: Authenticator;
  streams: LiveStreams;
  credential: string | undefined;
}

function watchIdentity({ controlPlane, authenticator, streams, credential }: IdentityWatchDeps): IdentityWatch {
  return new IdentityWatch({
    controlPlane,
    bearer: () => credential ?? authenticator.anyBearer(),
    onChange() {
      authenticator.doubtAll();
      streams.checkAll();
    },
  });
}

/**
 * A gateway whose own credential was revoked must not go on with what it learned by it, as it does while mcpd is silent.
 * For a caller's token that is nothing: the authenticator hears of it, and others in the project go on.
 */
function discoverWith(controlPlane: ControlPlane, credential: string | undefined, log: Log): ControlPlane["discover"] {
  return async (project, bearer) => {
    try {
      return await controlPlane.discover(project, bearer);
    } catch (thrown) {
      if (credential === undefined || !hasCode(thrown, "unauthenticated")) throw thrown;
      log.error({ project }, "mcpd refuses the credential of this gateway; it was revoked, or is of another mcpd");
      throw new McpctlError("forbidden", "The credential of the gateway does not work", { cause: thrown });
    }
  };
}

type AccessDeps = Required<Pick<GatewayDeps, "controlPlane" | "options" | "log" | "now">> & { graceSeconds: number };

function createAccess({ controlPlane, options, log, now, graceSeconds }: AccessDeps): Authenticator {
  if (options.openProject !== undefined) return createOpenAccess(options.openProject);
  return createAuthenticator({
    introspect: (bearer) => controlPlane.introspect(bearer),
    now,
    graceSeconds,
    onCheckFailed: (err) => log.warn({ err }, "cannot check a token with mcpd"),
  });
}

function monotonic(): number {
  return performance.now();
}
