import { McpctlError } from "@mcpctl/shared/errors.ts";

/** Lets a few work at a time; the others wait, first come, first served. */
export interface Turns {
  /**
   * @returns a function that ends the turn; calling it again does nothing.
   * @throws {McpctlError} `database-unavailable` when the wait takes too long.
   */
  take(): Promise<() => void>;
}

export function createTurns(atOnce: number, maxWaitMs: number): Turns {
  const waiting = new Set<() => void>();
  let free = atOnce;

  function end(): void {
    const [next] = waiting;
    if (!next) free++;
    else next();
  }

  function wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(start);
        reject(tooLong(maxWaitMs));
      }, maxWaitMs);
      const start = () => {
        waiting.delete(start);
        clearTimeout(timer);
        resolve();
      };
      waiting.add(start);
    });
  }

  return {
    async take() {
      if (free > 0) free--;
      else await wait();
      let hasEnded = false;
      return () => {
        if (!hasEnded) end();
        hasEnded = true;
      };
    },
  };
}

function tooLong(maxWaitMs: number): McpctlError {
  return new McpctlError("database-unavailable", `The database was busy for ${maxWaitMs / 1_000} s`, {
    hint: "Try again in a moment; look for long transactions, or send fewer writes at a time.",
  });
}
