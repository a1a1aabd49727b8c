import type { ShipResponse } from "@mcpctl/shared/api/audit.ts";
import type { Discovery } from "@mcpctl/shared/api/contracts.ts";
import { Cleanup } from "@mcpctl/shared/cleanup.ts";
import { KINDS } from "@mcpctl/shared/kinds/index.ts";
import type { Kind } from "@mcpctl/shared/kinds/kind.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import type { Principal } from "@mcpctl/shared/rbac/principal.ts";
import type { OnSlowStep } from "@mcpctl/shared/slow-step.ts";
import { openAuditTrail } from "./audit-trail.ts";
import type { Config } from "./config.ts";
import { openConfiguredDatabase } from "./configured-database.ts";
import { createLogger, type Logger } from "@mcpctl/shared/log.ts";
import { startInstances } from "./instances.ts";
import { startMaintenance } from "./maintenance.ts";
import { createServices } from "./services.ts";
import { createServerRelay } from "./relay/server-relay.ts";
import type { Database } from "./repositories/interfaces.ts";
import { bootstrap, type FirstAdmin } from "./services/bootstrap.service.ts";
import { createIdentityChanges } from "./services/identity-changes.ts";
import type { McpTokenService } from "./services/mcp-token.service.ts";
import type { ResourceService } from "./services/resource.service.ts";
import type { SessionService } from "./services/session.service.ts";
import { type KeyRing, openKeyRing } from "./services/key-ring.ts";
import { createKnownSecrets, type KnownSecrets } from "./services/known-secrets.ts";
import { createTokenUses } from "./services/token-uses.ts";

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
    tokens: Pick<McpTokenService, "introspect" | "create">;
    resources: Pick<ResourceService, "apply" | "delete">;
    discover(project: string, principal: Principal): Promise<Discovery>;
    /** Takes what a gateway recorded into the audit trail. */
    storeCalls(events: readonly unknown[]): Promise<ShipResponse>;
    /** A handle on a server's process, whether it runs now or not. */
    openUpstream(server: string): Upstream;
    /** Tells when what tokens stand for may have changed. @returns what ends it. */
    onIdentityChange(listener: () => void): () => void;
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
 * Starts a control plane: database, reconciler, REST API, in this order; closing goes backwards. Servers start as soon
 * as the database says which: what serves the API is loaded while they do, or while the embedded database opens.
 *
 * @throws {McpctlError} `database-unavailable`, `data-dir-locked`, `secrets-key-unusable`, `port-in-use`.
 */
export async function startMcpd(config: Config, options: McpdOptions = {}): Promise<Mcpd> {
  const { kinds = KINDS, onFirstAdmin, onSlowStep = () => undefined } = options;
  await using cleanup = new Cleanup();
  const known = createKnownSecrets();
  const log = createLog(config, known);
  const loadedMeanwhile = config.databaseUrl === undefined ? loadApi() : undefined;
  const database = cleanup.use(await (options.database ?? openConfiguredDatabase(config, onSlowStep)));
  const uses = createTokenUses(database, log);
  cleanup.defer(() => uses.close());
  const sessionUses = createTokenUses(database, log, ({ sessions }, shas) => sessions.touch(shas));
  cleanup.defer(() => sessionUses.close());
  const trail = cleanup.use(await openAuditTrail({ database, config, log }));
  const keys = await openKeys(config, database);
  const onUsed = { onTokenUsed: uses.note, onSessionUsed: sessionUses.note };
  const services = createServices({ database, trail, config, keys, known, ...onUsed });
  const wanted = { user: config.adminUser, password: config.adminPassword };
  const firstAdmin = await bootstrap({ ...services, database }, wanted);
  if (firstAdmin) onFirstAdmin?.(firstAdmin);

  const reconciler = await startInstances(cleanup, { services, database, config, log, onSlowStep });
  cleanup.defer(startMaintenance({ database, events: services.events, changesKept: config.changesKept, log }));

  const relay = cleanup.use(
    createServerRelay({
      openUpstream: reconciler.openUpstream,
      headersOf: services.secretRefs.headersOf,
      onCommit: database.onCommit,
    }),
  );
  const identityChanges = cleanup.use(
    createIdentityChanges(services.watch, (err) => log.warn({ err }, "changes of rights cannot be followed")),
  );
  const { createApi } = await (loadedMeanwhile ?? loadApi());
  const app = createApi({ services, identityChanges, database, relay, kinds, log, config, loads: reconciler.loads });
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
      resources: services.resources,
      discover: services.discovery.discover,
      storeCalls: (events) => services.recordedCalls.store("System:gateway", events),
      openUpstream: reconciler.openUpstream,
      onIdentityChange: identityChanges.listen,
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

function createLog({ logLevel: level }: Config, known: KnownSecrets): Logger {
  return createLogger({ program: "mcpd", level, write: (line) => process.stderr.write(known.scrub(line)) });
}

async function openKeys({ secretsKey, dataDir, databaseUrl }: Config, { read }: Database): Promise<KeyRing> {
  const neededIds = await read.secrets.keyIds();
  return openKeyRing({ configured: secretsKey, dataDir, canMake: databaseUrl === undefined, neededIds });
}

function loadApi() {
  return import("./api.ts");
}
