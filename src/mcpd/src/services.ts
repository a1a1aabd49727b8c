import type { AuditTrail } from "./audit-trail.ts";
import type { Config } from "./config.ts";
import { HOOKS } from "./hooks/index.ts";
import { createOidcLogins } from "./oidc/configured-logins.ts";
import type { Database } from "./repositories/interfaces.ts";
import { createAccessReviewService } from "./services/access-review.service.ts";
import { createDiscoveryService } from "./services/discovery.service.ts";
import { createEventRecorder } from "./services/event.service.ts";
import { createGatewayService } from "./services/gateway.service.ts";
import type { KeyRing } from "./services/key-ring.ts";
import { createKeyRotationService } from "./services/key-rotation.service.ts";
import type { KnownSecrets } from "./services/known-secrets.ts";
import { createLoginLimiter } from "./services/login-limiter.ts";
import { createMcpTokenService } from "./services/mcp-token.service.ts";
import { createOwnAccountService } from "./services/own-account.service.ts";
import { createPasswordHasher } from "./services/password-hasher.ts";
import { createRbacService } from "./services/rbac.service.ts";
import { createRecentReads } from "./services/recent-reads.ts";
import { createResourceService } from "./services/resource.service.ts";
import { createSecretRefs } from "./services/secret-refs.ts";
import { createSecretVault } from "./services/secret-vault.ts";
import { createSessionService } from "./services/session.service.ts";
import { createWatchService } from "./services/watch.service.ts";

interface ServicesDeps {
  database: Database;
  trail: AuditTrail;
  keys: KeyRing;
  known: KnownSecrets;
  config: Config;
  onTokenUsed(sha: string): void;
  onSessionUsed(sha: string): void;
}

export type Services = ReturnType<typeof createServices>;

/** All rules of the control plane, over one database. */
export function createServices({ database, trail, config, keys, known, onTokenUsed, onSessionUsed }: ServicesDeps) {
  const passwords = createPasswordHasher();
  const { audit } = trail;
  const rbac = createRbacService(database);
  const reads = createRecentReads(database);
  const secretRefs = createSecretRefs({ database, reads, keys, known });
  const vault = createSecretVault(keys, known);
  const resources = createResourceService({ database, audit, rbac, vault, hooks: HOOKS });
  const { sessionTtlSeconds, sessionIdleSeconds } = config;
  const limiter = createLoginLimiter();
  const logins = { database, audit, passwords, limiter, sessionTtlSeconds, sessionIdleSeconds };
  return {
    passwords,
    audit,
    trail: trail.service,
    recordedCalls: trail.recordedCalls,
    rbac,
    watch: createWatchService(database),
    events: createEventRecorder(database),
    sessions: createSessionService({ ...logins, reads, rbac, onUsed: onSessionUsed }),
    ownAccount: createOwnAccountService(logins),
    oidcLogins: createOidcLogins({ ...logins, resources, config }),
    mcpTokens: createMcpTokenService({ database, reads, audit, rbac, onUsed: onTokenUsed }),
    gateways: createGatewayService({ database, reads, audit, rbac }),
    keyRotation: createKeyRotationService({ audit, keys }),
    secretRefs,
    accessReviews: createAccessReviewService({ database, rbac }),
    resources,
    discovery: createDiscoveryService({ database, reads, rbac, secretRefs }),
  };
}
