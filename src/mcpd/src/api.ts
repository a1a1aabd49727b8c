import { ConnectionLimits } from "@mcpctl/shared/connection-limits.ts";
import type { Kind } from "@mcpctl/shared/kinds/kind.ts";
import type { Logger } from "@mcpctl/shared/log.ts";
import type { Config } from "./config.ts";
import { createMetrics } from "./metrics.ts";
import { admit } from "./middleware/admission.ts";
import type { ServerReconciler } from "./reconcilers/server.reconciler.ts";
import type { ServerRelay } from "./relay/server-relay.ts";
import type { Database } from "./repositories/interfaces.ts";
import { accessReviewRoutes } from "./routes/access-review-routes.ts";
import { mcpTokenRoutes, sessionRoutes } from "./routes/account-routes.ts";
import { type App, createApp } from "./routes/app.ts";
import { auditRoutes } from "./routes/audit-routes.ts";
import { oidcRoutes } from "./routes/oidc-routes.ts";
import { openApiDocument } from "./routes/openapi.ts";
import { ownAccountRoutes } from "./routes/people-routes.ts";
import { projectRoutes } from "./routes/project-routes.ts";
import { resourceRoutes } from "./routes/resource-routes.ts";
import type { Route } from "./routes/route.ts";
import { secretRoutes } from "./routes/secret-routes.ts";
import { systemRoutes } from "./routes/system-routes.ts";
import type { IdentityChanges } from "./services/identity-changes.ts";
import type { Services } from "./services.ts";

interface ApiDeps {
  services: Services;
  identityChanges: IdentityChanges;
  database: Database;
  relay: ServerRelay;
  kinds: readonly Kind[];
  log: Logger;
  config: Config;
  loads: ServerReconciler["loads"];
}

/** The REST API over everything that was started before; it serves nobody before it listens. */
export function createApi({ services, identityChanges, database, relay, kinds, log, config, loads }: ApiDeps): App {
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
    ...mcpTokenRoutes(services.mcpTokens, identityChanges),
    ...accessReviewRoutes(services.accessReviews),
    ...secretRoutes(services),
    ...auditRoutes(services),
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
