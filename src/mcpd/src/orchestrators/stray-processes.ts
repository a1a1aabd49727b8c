import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";

/** The variable by which a process is known as ours, whatever became of its parent and its group. */
export const INSTANCE_MARKER = "MCPCTL_INSTANCE_ID";

const GRACE_MS = 1_000;
const POLL_MS = 50;
/** Processes that are looked at before anything else gets its turn. */
const BATCH = 50;

/**
 * Ends every process whose marker satisfies the predicate: SIGTERM, and SIGKILL a second later. Finds them in /proc,
 * so it finds none on a system without it, and none of other users.
 *
 * @returns how many it found.
 */
export async function endMarkedProcesses(isStray: (instanceId: string) => boolean): Promise<number> {
  const entries = await readdir("/proc").catch(() => []);
  const pids = entries.filter((entry) => /^\d+$/.test(entry)).map(Number);
  const found = await keepStrays(pids, isStray);
  send(found, "SIGTERM");
  const deadline = performance.now() + GRACE_MS;
  let left = found;
  while (left.length > 0 && performance.now() < deadline) {
    await sleep(POLL_MS);
    // By its marker, because a process id may mean another process by now, and a zombie is gone.
    left = await keepStrays(left, isStray);
  }
  send(left, "SIGKILL");
  return found.length;
}

async function keepStrays(pids: readonly number[], isStray: (instanceId: string) => boolean): Promise<number[]> {
  const strays: number[] = [];
  for (const [at, pid] of pids.entries()) {
    if (at % BATCH === BATCH - 1) await nextTurn();
    const instanceId = pid === process.pid ? undefined : readMarker(pid);
    if (instanceId !== undefined && isStray(instanceId)) strays.push(pid);
  }
  return strays;
}

/**
 * Undefined for a process without marker, of another user, or gone by now. Read at once: what comes from memory takes
 * many times as long by way of other threads, and a start waits for all of it.
 */
function readMarker(pid: number): string | undefined {
  const prefix = `${INSTANCE_MARKER}=`;
  const entry = readEnvironment(pid)
    .split("\0")
    .find((variable) => variable.startsWith(prefix));
  return entry?.slice(prefix.length);
}

function readEnvironment(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return "";
  }
}

function send(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // Gone in the meantime.
    }
  }
}
