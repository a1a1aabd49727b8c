import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 20;
/** Enough for ports and files to be free again. Longer would be in vain: a process 1 that reaps late leaves zombies. */
const MAX_WAIT_AFTER_KILL_MS = 200;

/** Sends a signal to every process of a group. @returns false when the group has none left, or none of ours. */
export function signalGroup(groupId: number, signal: NodeJS.Signals | 0): boolean {
  // 0 and 1 would mean our own group and every process of the host.
  if (!Number.isSafeInteger(groupId) || groupId <= 1) throw new RangeError(`No process group: ${groupId}`);
  try {
    return process.kill(-groupId, signal);
  } catch {
    return false;
  }
}

/** Ends a process group: SIGTERM, and SIGKILL for what is left after the grace. */
export async function endGroup(groupId: number, graceMs: number): Promise<void> {
  if (!signalGroup(groupId, "SIGTERM")) return;
  await waitUntilGone(groupId, graceMs);
  await killGroup(groupId);
}

/** Ends a process group at once. */
export async function killGroup(groupId: number): Promise<void> {
  if (signalGroup(groupId, "SIGKILL")) await waitUntilGone(groupId, MAX_WAIT_AFTER_KILL_MS);
}

async function waitUntilGone(groupId: number, limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (signalGroup(groupId, 0) && performance.now() < deadline) await sleep(POLL_MS);
}
