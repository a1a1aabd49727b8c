import { setTimeout as sleep } from "node:timers/promises";

/** Runs what spawns a process when its turn has come. @returns what it returns, or throws what it throws. */
export type SpawnInTurn = <T>(spawnOne: () => T) => Promise<T>;

/**
 * Spawning stops everything else: the memory of mcpd is mapped once more, and the new process must get to run before
 * anything goes on. After each spawn the others have as long as it took, so that they are served while many servers start.
 */
export function createSpawnTurns(): SpawnInTurn {
  let free = Promise.resolve();
  return (spawnOne) => {
    let tookMs = 0;
    const spawned = free.then(() => {
      const startedAt = performance.now();
      try {
        return spawnOne();
      } finally {
        tookMs = performance.now() - startedAt;
      }
    });
    free = spawned.catch(() => {}).then(() => sleep(tookMs));
    return spawned;
  };
}
