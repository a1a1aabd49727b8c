import type { Discovery } from "@mcpctl/shared/api/contracts.ts";
import { ConnectionLimits } from "@mcpctl/shared/connection-limits.ts";
import { Cleanup } from "@mcpctl/shared/cleanup.ts";
import { KINDS } from "@mcpctl/shared/kinds/index.ts";
import type { Kind } from "@mcpctl/shared/kinds/kind.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import type { Principal } from "@mcpctl/shared/rbac/principal.ts";
import { type OnSlowStep, watchStep } from "@mcpctl/shared/slow-step.ts";
import { type Config, readInheritedEnv, readOperatorEnv } from "./config.ts";
import { openConfiguredDatabase } from "./configured-database.ts";
import { createOidcLogins } from "./oidc/configured-logins.ts";
import { HOOKS } from "./hooks/index.ts";
import { createLogger, type Logger } from "@mcpctl/shared/log.ts";
import { startMaintenance } from "./maintenance.ts";
import { createMetrics } from "./metrics.ts";
import { admit } from "./middleware/admission.ts";
import { createNpmPackages } from "./orchestrators/npm-package.ts";
import { createProcessOrchestrator } from "./orchestrators/process.orchestrator.ts";
import { createServerReconciler, type ServerReconciler } from "./reconcilers/server.reconciler.ts";
import { createServerRelay, type ServerRelay } from "./relay/server-relay.ts";
import type { Database } from "./repositories/interfaces.ts";
import { mcpTokenRoutes, sessionRoutes } from "./routes/account-routes.ts";
import { type App, createApp } from "./routes/app.ts";
import { oidcRoutes } from "./routes/oidc-routes.ts";
import { openApiDocument } from "./routes/openapi.ts";
import { ownAccountRoutes } from "./routes/people-routes.ts";
import { projectRoutes } from "./routes/project-routes.ts";
import { resourceRoutes } from "./routes/resource-routes.ts";
import type { Route } from "./routes/route.ts";
import { systemRoutes } from "./routes/system-routes.ts";
import { createAuditService } from "./services/audit.service.ts";
import { bootstrap, type FirstAdmin } from "./services/bootstrap.service.ts";
import { createDiscoveryService, plainHeaders } from "./services/discovery.service.ts";
import { createEventRecorder } from "./services/event.service.ts";
import { createLoginLimiter } from "./services/login-limiter.ts";
import { createMcpTokenService, type McpTokenService } from "./services/mcp-token.service.ts";
import { createOwnAccountService } from "./services/own-account.service.ts";
import { createPasswordHasher } from "./services/password-hasher.ts";
import { createRbacService } from "./services/rbac.service.ts";
import { createRecentReads } from "./services/recent-reads.ts";
import { createResourceService } from "./services/resource.service.ts";
import { createSessionService, type SessionService } from "./services/session.service.ts";
import { createTokenUses } from "./services/token-uses.ts";
import { createWatchService } from "./services/watch.service.ts";

export type { FirstAdmin };

/** A control plane that runs in this process. */
export interface Mcpd extends AsyncDisposable {
  /** Base URL of the REST API. */
  url: string;
  /** Whether this is the first start with this data. */
  isFirstStart: boolean;
  /** What the composition root of `mcpctl up` calls instead of going through HTTP. */
  inProcess: {
    sessions: Pick<SessionService, "openFor" | "end">;
    tokens: Pick<McpTokenService, "introspect">;
    discover(project: string, principal: Principal): Promise<Discovery>;
    /** A handle on a server's process, whether it runs now or not. */
    openUpstream(server: string): Upstream;
  };
}

export interface McpdOptions {
  /** Told as soon as the first administrator is stored: the password must not get lost when the start fails later. */
  onFirstAdmin?(admin: FirstAdmin): void;
  onSlowStep?: OnSlowStep;
  /** From `openConfiguredDatabase`, for a caller that began to open it before it loaded this module. */
  database?: Promise<Database>;
  /** For tests that add a kind. */
  kinds?: readonly Kind[];
}

/**
 * Starts a control plane: database, reconciler, REST API, in this order; closing goes backwards.
 *
 * @throws {McpctlError} `database-unavailable`, `data-dir-locked`, `port-in-use`.
 */
export async function startMcpd(config: Config, options: McpdOptions = {}): Promise<Mcpd> {
  const { kinds = KINDS, onFirstAdmin, onSlowStep = () => undefined } = options;
  await using cleanup = new Cleanup();
  const log = createLogger({ program: "mcpd", level: config.logLevel, write: (line) => process.stderr.write(line) });
  const { dataDir } = config;
  const database = cleanup.use(await (options.database ?? openConfiguredDatabase(config, onSlowStep)));
  const uses = createTokenUses(database, log);
  cleanup.defer(() => uses.close());
  const sessionUses = createTokenUses(database, log, ({ sessions }, shas) => sessions.touch(shas));
  cleanup.defer(() => sessionUses.close());
  const services = createServices({ database, config, onTokenUsed: uses.note, onSessionUsed: sessionUses.note });
  const wanted = { user: config.adminUser, password: config.adminPassword };
  const firstAdmin = await bootstrap({ ...services, database }, wanted);
  if (firstAdmin) onFirstAdmin?.(firstAdmin);

  const orchestrator = cleanup.use(createProcessOrchestrator({ dataDir, inheritedEnv: readInheritedEnv() }));
  const packages = createNpmPackages({
    dataDir,
    packageRoots: config.packageRoots,
    installEnv: readOperatorEnv(),
    onSlowStep,
  });
  const reconciler = createServerReconciler({
    ...services,
    database,
    orchestrator,
    resolvePackage: packages.resolve,
    log,
  });
  cleanup.defer(() => reconciler.close());
  // First of the two at the end: the reconciler waits for an installation that is under way.
  cleanup.defer(() => packages.close());
  await watchStep("Clearing up after the last start", reconciler.start(), onSlowStep);
  cleanup.defer(startMaintenance({ database, events: services.events, changesKept: config.changesKept, log }));

  const relay = cleanup.use(
    createServerRelay({
      openUpstream: reconciler.openUpstream,
      headersOf: plainHeaders,
      onCommit: database.onCommit,
    }),
  );
  const app = serve({ services, database, relay, kinds, log, config, loads: reconciler.loads });
  cleanup.defer(() => app.close());
  const address = await app.listen(config.listen);
  log.info({ url: address, engine: database.engine }, "mcpd is ready");
  const running = cleanup.move();
  return {
    url: address,
    isFirstStart: firstAdmin !== undefined,
    inProcess: {
      sessions: services.sessions,
      tokens: services.mcpTokens,
      discover: services.discovery.discover,
      openUpstream: reconciler.openUpstream,
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

interface ServicesDeps {
  database: Database;
  config: Config;
  onTokenUsed(sha: string): void;
  onSessionUsed(sha: string): void;
}

type Services = ReturnType<typeof createServices>;

function createServices({ database, config, onTokenUsed, onSessionUsed }: ServicesDeps) {
  const passwords = createPasswordHasher();
  const audit = createAuditService(database);
  const rbac = createRbacService(database);
  const reads = createRecentReads(database);
  const resources = createResourceService({ database, audit, rbac, hooks: HOOKS });
  const limiter = createLoginLimiter();
  const { sessionTtlSeconds, sessionIdleSeconds } = config;
  const logins = { database, audit, passwords, limiter, sessionTtlSeconds, sessionIdleSeconds };
  return {
    passwords,
    audit,
    rbac,
    watch: createWatchService(database),
    events: createEventRecorder(database),
    sessions: createSessionService({ ...logins, reads, rbac, onUsed: onSessionUsed }),
    ownAccount: createOwnAccountService(logins),
    mcpTokens: createMcpTokenService({ database, reads, audit, rbac, onUsed: onTokenUsed }),
    resources,
    oidcLogins: createOidcLogins({ ...logins, resources, config }),
    discovery: createDiscoveryService({ database, reads, rbac }),
  };
}

interface ServeDeps {
  services: Services;
  database: Database;
  relay: ServerRelay;
  kinds: readonly Kind[];
  log: Logger;
  config: Config;
  loads: ServerReconciler["loads"];
}

function serve({ services, database, relay, kinds, log, config, loads }: ServeDeps): App {
  const connections = new ConnectionLimits(config);
  const metrics = createMetrics({ connections, loads });
  let isClosing = false;
  const latestVersion = () => database.read.changes.latestVersion();
  const routes: Route[] = [
    ...systemRoutes({
      ping: database.ping,
      isClosing: () => isClosing,
      metrics: metrics.read,
      openApi: () => openApiDocument(routes),
    }),
    ...sessionRoutes(services.sessions),
    ...ownAccountRoutes(services.ownAccount),
    ...oidcRoutes(services.oidcLogins),
    ...mcpTokenRoutes(services.mcpTokens),
    ...projectRoutes({ discovery: services.discovery, relay }),
    ...kinds.flatMap((kind) => resourceRoutes(kind, { ...services, latestVersion })),
  ];
  const app = createApp({
    routes,
    admit: (route, request) => admit(services, route, request),
    onAnswered: metrics.onAnswered,
    onRefused: metrics.onRefused,
    connections,
    trustedProxies: config.trustedProxies,
    log,
  });
  return {
    listen: app.listen,
    async close() {
      isClosing = true;
      await app.close();
    },
  };
}
