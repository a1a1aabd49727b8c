interface DueBatchesOptions {
  /** Between the end of a batch and the next one. */
  pauseMs: number;
  /** What would be due within this time of a batch comes along. */
  togetherMs: number;
  maxAtOnce: number;
}

export interface DueBatches {
  /** Has the name worked on after some milliseconds; the earlier of two dates holds. */
  scheduleIn(name: string, delayMs: number): void;
  /** Lets no batch begin before the work is done. @returns the work. */
  occupy(work: Promise<void>): Promise<void>;
  /** Forgets what is due; returns when the work that is under way is done. */
  close(): Promise<void>;
}

/** Names that are due some time, worked on one batch after the other. `work` deals with its failures itself. */
export function createDueBatches(
  work: (names: readonly string[]) => Promise<void>,
  { pauseMs, togetherMs, maxAtOnce }: DueBatchesOptions,
): DueBatches {
  /** When each is due, in monotonic milliseconds. */
  const due = new Map<string, number>();
  let alarm: { timer: NodeJS.Timeout; at: number } | undefined;
  let working: Promise<void> | undefined;
  let endedAt = -Infinity;
  let isClosed = false;

  /** Sets the alarm to the first date, unless some work is under way, whose end does so. */
  function wake(): void {
    if (working || isClosed || due.size === 0) return;
    const at = Math.max(Math.min(...due.values()), endedAt + pauseMs);
    if (alarm && alarm.at <= at) return;
    clearTimeout(alarm?.timer);
    alarm = { timer: setTimeout(begin, Math.max(0, at - performance.now())), at };
  }

  function begin(): void {
    alarm = undefined;
    const limit = performance.now() + togetherMs;
    const names = [...due].filter(([, at]) => at <= limit).map(([name]) => name);
    // A timer may ring a little early.
    if (names.length === 0) return wake();
    const batch = names.slice(0, maxAtOnce);
    for (const name of batch) due.delete(name);
    void occupy(work(batch));
  }

  function occupy(started: Promise<void>): Promise<void> {
    clearTimeout(alarm?.timer);
    alarm = undefined;
    working = started
      .catch(() => {})
      .then(() => {
        working = undefined;
        endedAt = performance.now();
        wake();
      });
    return started;
  }

  return {
    scheduleIn(name, delayMs) {
      const at = performance.now() + delayMs;
      if (isClosed || (due.get(name) ?? Infinity) <= at) return;
      due.set(name, at);
      wake();
    },
    occupy,
    async close() {
      isClosed = true;
      clearTimeout(alarm?.timer);
      due.clear();
      await working;
    },
  };
}
