import { mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";

interface Claimant {
  /** Name of this machine: a home directory may be shared by several. */
  host: string;
  pid: number;
  /** Whether a process of this machine lives. */
  isAlive(pid: number): boolean;
}

/**
 * Finds a directory for the records of one process: a spool has one writer. One whose process has ended is taken over
 * with all that it has left, so that there are never more than there were processes at a time.
 *
 * @param parent - of the spools of all processes.
 */
export async function claimSpool(parent: string, { host, pid, isAlive }: Claimant): Promise<string> {
  const own = join(parent, `${host}.${pid}`);
  await mkdir(parent, { recursive: true, mode: 0o700 });
  for (const name of (await readdir(parent)).toSorted()) {
    const owner = ownerOf(name, host);
    if (owner === pid) return own;
    if (owner === undefined || isAlive(owner)) continue;
    // Whoever renames it first has it; the others find that it is gone.
    const isMine = await rename(join(parent, name), own).then(
      () => true,
      () => false,
    );
    if (isMine) return own;
  }
  return own;
}

function ownerOf(name: string, host: string): number | undefined {
  const [, pid] = name.startsWith(`${host}.`) ? (/\.(\d+)$/.exec(name) ?? []) : [];
  return pid === undefined ? undefined : Number(pid);
}
