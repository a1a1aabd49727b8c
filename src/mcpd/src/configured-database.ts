import type { OnSlowStep } from "@mcpctl/shared/slow-step.ts";
import type { Config } from "./config.ts";
import { openDatabase } from "./repositories/database.ts";
import type { Database } from "./repositories/interfaces.ts";

/**
 * Begins to open the database of the settings. It takes most of a start and runs elsewhere, so that everything else can
 * be loaded meanwhile; whoever awaits it later finds its failure.
 *
 * @throws {McpctlError} `database-unavailable`, `data-dir-locked`.
 */
export function openConfiguredDatabase(
  { databaseUrl: url, dataDir }: Pick<Config, "databaseUrl" | "dataDir">,
  onSlowStep: OnSlowStep = () => undefined,
): Promise<Database> {
  const opening = openDatabase({ ...(url === undefined ? { dataDir } : { url }), onSlowStep });
  opening.catch(() => undefined);
  return opening;
}
