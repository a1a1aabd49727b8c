import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { isUsableCluster, packCluster } from "../src/mcpd/src/repositories/prepared-cluster.ts";

/** @returns the first of these files that the installed engine can use. */
export function findPreparedCluster(files: readonly string[]): Buffer | undefined {
  const found = files.find(isUsableCluster);
  return found === undefined ? undefined : readFileSync(found);
}

/** Makes an empty cluster as the engine makes it at a first start, and packs it. */
export async function makeCluster(): Promise<Buffer> {
  const directory = mkdtempSync(join(tmpdir(), "mcpctl-cluster-"));
  try {
    const files = join(directory, "postgresql");
    const pglite = await PGlite.create(files);
    await pglite.close();
    return packCluster(files);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
