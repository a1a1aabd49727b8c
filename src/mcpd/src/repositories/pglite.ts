import { resolve } from "node:path";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { Kysely, PGliteDialect } from "kysely";
import { lockDataDir } from "./data-dir-lock.ts";
import type { Engine } from "./engine.ts";
import { PgliteClient } from "./pglite-client.ts";
import type { Tables } from "./tables.ts";

/**
 * Opens the embedded database; without a directory, in memory.
 *
 * @throws {McpctlError} `data-dir-locked`, `database-unavailable`.
 */
export async function openPglite(dataDir: string | undefined): Promise<Engine> {
  if (dataDir === undefined) return startEngine({ dataDir: undefined, release: () => undefined });
  const path = resolve(dataDir);
  const { release } = await lockDataDir(path).catch((thrown: unknown) => {
    throw thrown instanceof McpctlError ? thrown : unusable(path, thrown);
  });
  return startEngine({ dataDir: path, release });
}

async function startEngine({ dataDir, release }: { dataDir: string | undefined; release(): void }): Promise<Engine> {
  const client = new PgliteClient({ dataDir });
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
