const FIRST_SECONDS = 1;
const MAX_SECONDS = 300;
const JITTER = 0.2;

/** Decides how long a server that ended waits for its next start. */
export interface BackOff {
  /** Seconds; 0 the first time that a server which had been running ended. Doubles with every call. */
  next(wasRunning: boolean): number;
  reset(): void;
}

/** @param random in [0, 1), so that servers that ended together do not start together. */
export function createBackOff(random: () => number): BackOff {
  let doublings = 0;
  let hasRestartedAtOnce = false;
  return {
    next(wasRunning) {
      if (wasRunning && !hasRestartedAtOnce) {
        hasRestartedAtOnce = true;
        return 0;
      }
      const seconds = FIRST_SECONDS * 2 ** doublings;
      doublings = Math.min(doublings + 1, 30);
      return Math.min(MAX_SECONDS, seconds * (1 - JITTER + 2 * JITTER * random()));
    },
    reset() {
      doublings = 0;
      hasRestartedAtOnce = false;
    },
  };
}
