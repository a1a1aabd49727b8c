import type { Logger } from "@mcpctl/shared/log.ts";
import type { Database } from "../repositories/interfaces.ts";

const FLUSH_MS = 10_000;

export interface TokenUses {
  note(sha: string): void;
  /** Writes what is noted. */
  close(): Promise<void>;
}

/** Collects which tokens were used and writes them now and then: a write for each request would cost more than it. */
export function createTokenUses(database: Pick<Database, "transact">, log: Logger): TokenUses {
  let used = new Set<string>();
  async function flush(): Promise<void> {
    if (used.size === 0) return;
    const shas = [...used];
    used = new Set();
    try {
      await database.transact(({ mcpTokens }) => mcpTokens.touch(shas));
    } catch (err) {
      log.warn({ err }, "writing the last use of tokens failed; these uses are lost");
    }
  }
  const timer = setInterval(() => void flush(), FLUSH_MS).unref();
  return {
    note: (sha) => void used.add(sha),
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}
