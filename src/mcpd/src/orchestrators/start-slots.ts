export interface StartSlots {
  /** Waits for a slot. @returns a function that frees it; undefined when the signal aborted first. */
  take(signal: AbortSignal): Promise<(() => void) | undefined>;
}

/**
 * Bounds how many servers start at the same time.
 *
 * A slot is freed after `maxHoldMs` at the latest: what is dear is the first seconds of a start, and servers that hang
 * in theirs must not keep the others from starting.
 */
export function createStartSlots(count: number, maxHoldMs: number): StartSlots {
  let free = count;
  const waiting = new Set<() => void>();

  function release(): void {
    free += 1;
    const [next] = waiting;
    next?.();
  }

  function hold(): () => void {
    free -= 1;
    let isHeld = true;
    const end = () => {
      clearTimeout(timer);
      if (isHeld) release();
      isHeld = false;
    };
    const timer = setTimeout(end, maxHoldMs);
    return end;
  }

  return {
    take(signal) {
      if (signal.aborted) return Promise.resolve(undefined);
      if (free > 0) return Promise.resolve(hold());
      return new Promise((resolve) => {
        const settle = (slot: (() => void) | undefined) => {
          waiting.delete(onFree);
          signal.removeEventListener("abort", onAbort);
          resolve(slot);
        };
        const onFree = () => settle(hold());
        const onAbort = () => settle(undefined);
        waiting.add(onFree);
        signal.addEventListener("abort", onAbort, { once: true });
      });
    },
  };
}
