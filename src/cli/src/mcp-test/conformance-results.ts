import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import * as z from "zod";

const FOLDER = /^server-(.+)-(\d{4}-\d{2}-\d{2}T[\d-]+Z)$/;
const checksSchema = z.array(
  z.looseObject({ id: z.string(), status: z.string(), errorMessage: z.string().optional() }),
);

/** What the suite found out in one scenario. */
export interface Scenario {
  name: string;
  checks: z.output<typeof checksSchema>;
  /** Why a failure does not count, where the suite says so. */
  notScored: string | undefined;
}

/**
 * Reads what the suite wrote, in the order in which it ran.
 *
 * @param printed - what it printed, which alone says what does not count.
 * @throws {McpctlError} `conformance-unavailable` when a file is not what the suite writes.
 */
export async function readScenarios(directory: string, printed: string): Promise<Scenario[]> {
  const folders = await readdir(directory).catch((): string[] => []);
  const found = folders.flatMap((folder) => {
    const [, name, at] = FOLDER.exec(folder) ?? [];
    return name !== undefined && at !== undefined ? [{ folder, name, at }] : [];
  });
  const notScored = readNotScored(printed);
  const inOrder = found.toSorted((a, b) => (a.at < b.at ? -1 : 1));
  return Promise.all(
    inOrder.map(async ({ folder, name }) => ({
      name,
      checks: await readChecks(join(directory, folder, "checks.json")),
      notScored: notScored.get(name),
    })),
  );
}

async function readChecks(path: string): Promise<Scenario["checks"]> {
  try {
    return checksSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    throw new McpctlError("conformance-unavailable", "The suite wrote results that cannot be read", { cause });
  }
}

/** Lines such as `✗ tasks-lifecycle (extension)` behind the heading. */
function readNotScored(printed: string): Map<string, string> {
  const [, list = ""] = printed.split(/^Not scored .*$/m, 2);
  const lines = [...list.matchAll(/^\s+\S (\S+) \(([^)]+)\)$/gm)];
  return new Map(lines.map(([, name = "", why = ""]) => [name, why]));
}
