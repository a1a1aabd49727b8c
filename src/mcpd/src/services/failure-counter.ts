interface Failures {
  count: number;
  lastAt: number;
  blockedUntil: number;
}

export interface FailureLimits {
  /** Failures that cost nothing. */
  free: number;
  /** Each failure behind them doubles the wait, up to this. */
  maxWaitSeconds: number;
  /** Without a failure for so long, all is forgotten. */
  forgetSeconds: number;
}

const MAX_KEYS = 20_000;

/** Counts failures by key, and says how long the key must wait. Of too many keys it forgets the longest unchanged. */
export function createFailureCounter({ free, maxWaitSeconds, forgetSeconds }: FailureLimits) {
  const byKey = new Map<string, Failures>();

  function find(key: string, now: number): Failures | undefined {
    const known = byKey.get(key);
    return known && now - known.lastAt < forgetSeconds * 1_000 ? known : undefined;
  }

  return {
    /** @param now - monotonic milliseconds. @returns milliseconds; 0 when the key need not wait. */
    waitMs: (key: string, now: number): number => Math.max(0, (find(key, now)?.blockedUntil ?? 0) - now),

    add(key: string, now: number): void {
      const count = (find(key, now)?.count ?? 0) + 1;
      const waitSeconds = count < free ? 0 : Math.min(2 ** Math.min(count - free, 30), maxWaitSeconds);
      byKey.delete(key);
      byKey.set(key, { count, lastAt: now, blockedUntil: now + waitSeconds * 1_000 });
      const [oldest] = byKey.keys();
      if (byKey.size > MAX_KEYS && oldest !== undefined) byKey.delete(oldest);
    },

    /** Takes one failure back, and the wait with it. */
    undo(key: string): void {
      const known = byKey.get(key);
      if (known) byKey.set(key, { ...known, count: Math.max(0, known.count - 1), blockedUntil: 0 });
    },

    clear: (key: string): void => void byKey.delete(key),
  };
}
