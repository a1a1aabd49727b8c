import type { AuditTrail } from "./audit-trail.ts";
import type { Config } from "./config.ts";
import { HOOKS } from "./hooks/index.ts";
import type { Database } from "./repositories/interfaces.ts";
import { createAccessReviewService } from "./services/access-review.service.ts";
import { createDiscoveryService } from "./services/discovery.service.ts";
import { createEventRecorder } from "./services/event.service.ts";
import { createMcpTokenService } from "./services/mcp-token.service.ts";
import { createPasswordHasher } from "./services/password-hasher.ts";
import { createRbacService } from "./services/rbac.service.ts";
import { createRecentReads } from "./services/recent-reads.ts";
import { createResourceService } from "./services/resource.service.ts";
import { createSessionService } from "./services/session.service.ts";
import { createWatchService } from "./services/watch.service.ts";

interface ServicesDeps {
  database: Database;
  trail: AuditTrail;
  config: Pick<Config, "sessionTtlSeconds">;
  onTokenUsed(sha: string): void;
}

export type Services = ReturnType<typeof createServices>;

/** All rules of the control plane, over one database. */
export function createServices({ database, trail, config, onTokenUsed }: ServicesDeps) {
  const passwords = createPasswordHasher();
  const { audit } = trail;
  const rbac = createRbacService(database);
  const reads = createRecentReads(database);
  const { sessionTtlSeconds } = config;
  return {
    passwords,
    audit,
    trail: trail.service,
    recordedCalls: trail.recordedCalls,
    rbac,
    watch: createWatchService(database),
    events: createEventRecorder(database),
    sessions: createSessionService({ database, reads, audit, rbac, passwords, sessionTtlSeconds }),
    mcpTokens: createMcpTokenService({ database, reads, audit, rbac, onUsed: onTokenUsed }),
    accessReviews: createAccessReviewService({ database, rbac }),
    resources: createResourceService({ database, audit, rbac, hooks: HOOKS }),
    discovery: createDiscoveryService({ database, reads, rbac }),
  };
}
