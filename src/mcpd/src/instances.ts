import type { Cleanup } from "@mcpctl/shared/cleanup.ts";
import type { Logger } from "@mcpctl/shared/log.ts";
import { type OnSlowStep, watchStep } from "@mcpctl/shared/slow-step.ts";
import { type Config, readInheritedEnv, readOperatorEnv } from "./config.ts";
import { createNpmPackages } from "./orchestrators/npm-package.ts";
import { createProcessOrchestrator } from "./orchestrators/process.orchestrator.ts";
import { createServerReconciler, type ServerReconciler } from "./reconcilers/server.reconciler.ts";
import type { Database } from "./repositories/interfaces.ts";
import type { Services } from "./services.ts";

interface InstancesDeps {
  services: Services;
  database: Database;
  config: Pick<Config, "dataDir" | "packageRoots">;
  log: Logger;
  onSlowStep: OnSlowStep;
}

/** Starts what runs the servers, and ends it with the cleanup; the servers of the last start are started. */
export async function startInstances(
  cleanup: Cleanup,
  { services, database, config, log, onSlowStep }: InstancesDeps,
): Promise<ServerReconciler> {
  const { dataDir, packageRoots } = config;
  const orchestrator = cleanup.use(createProcessOrchestrator({ dataDir, inheritedEnv: readInheritedEnv(), log }));
  const packages = createNpmPackages({ dataDir, packageRoots, installEnv: readOperatorEnv(), onSlowStep });
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
  return reconciler;
}
