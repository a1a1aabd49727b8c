import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * An id that no other mcpd on the host has, and that stays the same across restarts: it tells whose child a process is.
 *
 * It is made of a random number kept in the directory and of the place of the directory: neither a copy of the
 * directory nor the same path in another container may be taken for this one.
 */
export function readDataDirId(dataDir: string): string {
  mkdirSync(dataDir, { recursive: true });
  const file = join(dataDir, "instance-id");
  if (!hasContent(file)) writeFileSync(file, randomUUID(), { mode: 0o600 });
  const hash = createHash("sha256").update(`${realpathSync(dataDir)}\n${readFileSync(file, "utf8")}`);
  return hash.digest("hex").slice(0, 24);
}

function hasContent(file: string): boolean {
  try {
    return readFileSync(file, "utf8") !== "";
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}
