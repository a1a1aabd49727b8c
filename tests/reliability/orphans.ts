import { readDataDirId } from "../../src/mcpd/src/orchestrators/data-dir-id.ts";
import { INSTANCE_MARKER } from "../../src/mcpd/src/orchestrators/stray-processes.ts";
import { descendantsOf, eventually, living, processesNaming } from "../support/processes.ts";

const WITHIN_MS = 20_000;

/** What belongs to one mcpd: by its ancestry, and by the mark that its servers and its reaper carry. */
export interface Lineage {
  dataDir: string;
  /** Of the mcpd that lives now; absent while there is none. */
  pid?: number | undefined;
}

/** Everything that mcpd has started, itself not included. */
export async function processesOf({ dataDir, pid }: Lineage): Promise<number[]> {
  const [marked, below] = await Promise.all([processesNaming(markOf(dataDir)), descendantsOf(pid ?? -1)]);
  return [...new Set([...marked, ...below])];
}

/**
 * Waits until of the processes of an mcpd that was killed none is left.
 *
 * @param earlier - what it had started. What it started in its last moment is found by its mark.
 * @returns those that are still there when the time is over.
 */
export async function findOrphans(
  earlier: readonly number[],
  lineage: Lineage,
  withinMs = WITHIN_MS,
): Promise<number[]> {
  let orphans: number[] = [];
  const look = async () => {
    orphans = await living(earlier);
    // The rest of the look reads the environment of every process, which is not cheap.
    if (orphans.length > 0) return false;
    const below = await descendantsOf(lineage.pid ?? -1);
    const marked = await processesNaming(markOf(lineage.dataDir));
    orphans = marked.filter((pid) => !below.includes(pid));
    return orphans.length === 0;
  };
  await eventually(look, "every process of a killed mcpd is gone", withinMs).catch(() => undefined);
  return orphans;
}

function markOf(dataDir: string): string {
  return `${INSTANCE_MARKER}=${readDataDirId(dataDir)}/`;
}
