import { performance } from "node:perf_hooks";
import type { Whoami } from "@mcpctl/shared/api/contracts.ts";
import type { ByteSink } from "@mcpctl/shared/mcp/line-writer.ts";
import { RequestLoads } from "@mcpctl/shared/request-loads.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import { createCallReport } from "../audit/call-report.ts";
import { IdentityWatch } from "../auth/identity-watch.ts";
import type { ControlPlane } from "../control-plane/control-plane.ts";
import type { Log } from "../log.ts";
import type { OnCall } from "../pipeline/call-record.ts";
import { createPipeline } from "../pipeline/create-pipeline.ts";
import { HeldCalls } from "../pipeline/held-calls.ts";
import { createMethodRunner } from "../pipeline/method-runner.ts";
import type { LastKnownGood } from "../projects/last-known-good.ts";
import { ProjectRegistry } from "../projects/project-registry.ts";
import { SessionTable } from "../sessions/session-table.ts";
import { createAccess } from "./access.ts";
import { Connection } from "./connection.ts";
import { Login } from "./login.ts";
import { Output } from "./output.ts";
import { Router } from "./router.ts";

const TICK_MS = 1_000;

export interface StdioGatewayDeps {
  controlPlane: ControlPlane;
  whoami(bearer: string): Promise<Whoami>;
  /** The bearer as of now. @throws {McpctlError} `unauthenticated` when there is none. */
  credential(): Promise<string>;
  /** Project that is served; that of the token when absent. */
  project: string | undefined;
  /** How long the project is served while mcpd cannot be asked. */
  graceSeconds: number;
  /** Where messages to the client go. */
  sink: ByteSink;
  log: Log;
  /** Where every tool call is recorded; absent where nobody wants to know. */
  auditLog?: AuditLog | undefined;
  /** What was known of projects at the last start, to be listed while mcpd is away; absent where nothing is kept. */
  lastKnown?: LastKnownGood | undefined;
  /** Called once for every tool call too, when it has ended. */
  onCall?: OnCall;
  /** Called when answers are lost because the client does not read. */
  onOverflow(): void;
}

/** A gateway for one client, which has started it. */
export interface StdioGateway {
  /** Takes what the client has written. */
  receive(chunk: Uint8Array): void;
  /** Whether more should be read: the client reads what it gets. */
  readonly hasRoom: boolean;
  /** Resolves when no request waits for an answer. */
  idle(): Promise<void>;
  /** Gives up what is under way, and closes all connections. */
  close(): Promise<void>;
}

export function createStdioGateway(deps: StdioGatewayDeps): StdioGateway {
  const { controlPlane, whoami, credential, project, graceSeconds, sink, log } = deps;
  const now = (): number => performance.now();
  const introspect = (bearer: string) => controlPlane.introspect(bearer);
  const login = new Login({ credential, project, introspect, whoami, now });
  const projects = new ProjectRegistry({
    discover: login.guard((name, bearer) => controlPlane.discover(name, bearer)),
    openUpstream: (found, as) => controlPlane.openUpstream(found, as),
    now,
    graceSeconds,
    log,
    lastKnown: deps.lastKnown,
    servesOffline: true,
  });
  const access = createAccess({ login, projects, project });
  const output = new Output(sink, deps.onOverflow);
  const runner = createMethodRunner({ log, now, onRequest: () => {} });
  const held = new HeldCalls();
  const { auditLog, onCall } = deps;
  const methods = createPipeline(held, { now, onCall: createCallReport({ auditLog, onCall, log }) });
  const router = new Router({ access, methods, sessions: new SessionTable(now), runner, output });
  const connection = new Connection({ router, runner, output, loads: new RequestLoads() });
  const identityWatch = new IdentityWatch({
    controlPlane,
    bearer: () => login.known,
    onChange: () => void login.check(),
  });
  const ticker = setInterval(() => {
    access.tick();
    identityWatch.tick();
  }, TICK_MS).unref();

  return {
    receive: connection.receive,
    get hasRoom() {
      return output.hasRoom;
    },
    idle: () => connection.idle(),
    async close() {
      clearInterval(ticker);
      identityWatch.close();
      connection.close();
      held.close();
      await projects.close();
      output.flush();
      await deps.lastKnown?.close();
    },
  };
}
