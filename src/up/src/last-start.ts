import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";

const schema = z.object({ sessionSha: z.string().regex(/^[0-9a-f]{64}$/) });

/** What one start leaves for the next: the hash of the session that it opened, so that the next can end it. */
export type LastStart = z.output<typeof schema>;

/** @returns undefined at the first start, and when the file is unreadable: then there is nothing to end. */
export async function readLastStart(dataDir: string): Promise<LastStart | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(pathIn(dataDir), "utf8")));
  } catch {
    return undefined;
  }
}

export async function writeLastStart(dataDir: string, lastStart: LastStart): Promise<void> {
  const path = pathIn(dataDir);
  await writeFile(`${path}.new`, `${JSON.stringify(lastStart)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function pathIn(dataDir: string): string {
  return join(dataDir, "last-start.json");
}
