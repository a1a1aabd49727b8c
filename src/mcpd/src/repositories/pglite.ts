import { getCompileCacheDir } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { Kysely, PGliteDialect } from "kysely";
import { lockDataDir } from "./data-dir-lock.ts";
import type { Engine } from "./engine.ts";
import { PgliteClient } from "./pglite-client.ts";
import type { Tables } from "./tables.ts";

export interface PgliteOptions {
  dataDir: string | undefined;
  /** Instead of the one that the build made: a file of `prepared-cluster.ts`, used for a new directory. */
  preparedCluster?: string | undefined;
  /** Told when the files of a new database must be made without a prepared one, which takes seconds. */
  onInitializing?(): void;
}

/** The build puts it beside the bundles. The sources use it too, once it was built; otherwise they do without. */
const PREPARED_CLUSTERS = ["./prepared-cluster.zst", "../../../../dist/prepared-cluster.zst"].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

/**
 * Opens the embedded database; without a directory, in memory.
 *
 * @throws {McpctlError} `data-dir-locked`, `database-unavailable`.
 */
export async function openPglite(options: PgliteOptions): Promise<Engine> {
  if (options.dataDir === undefined) return startEngine(options, () => undefined);
  const dataDir = resolve(options.dataDir);
  const { release } = await lockDataDir(dataDir).catch((thrown: unknown) => {
    throw thrown instanceof McpctlError ? thrown : unusable(dataDir, thrown);
  });
  return startEngine({ ...options, dataDir }, release);
}

async function startEngine(options: PgliteOptions, release: () => void): Promise<Engine> {
  const { dataDir, preparedCluster, onInitializing = () => undefined } = options;
  const client = new PgliteClient({
    dataDir,
    preparedClusters: preparedCluster === undefined ? PREPARED_CLUSTERS : [preparedCluster],
    compileCacheDir: getCompileCacheDir(),
    onInitializing,
  });
  const close = () => client.close().finally(release);
  await client.waitReady.catch(async (thrown: unknown) => {
    await close();
    throw thrown;
  });
  const db = new Kysely<Tables>({ dialect: new PGliteDialect({ pglite: client }) });
  return {
    name: "pglite",
    reads: db,
    writes: db,
    onCommit: (listener) => client.onCommit(listener),
    async close() {
      try {
        await db.destroy();
      } finally {
        await close();
      }
    },
  };
}

function unusable(path: string, cause: unknown): McpctlError {
  return new McpctlError("database-unavailable", `The data directory ${path} cannot be used: ${String(cause)}`, {
    hint: "Choose a directory that mcpd may write in, on a disk with room.",
    cause,
  });
}
