import type { Logger } from "@mcpctl/shared/log.ts";
import type { Database, Repositories } from "../repositories/interfaces.ts";

const FLUSH_MS = 10_000;

export interface TokenUses {
  note(sha: string): void;
  /** Writes what is noted. */
  close(): Promise<void>;
}

type Touch = (repositories: Repositories, shas: readonly string[]) => Promise<void>;

/**
 * Collects which bearers were used and writes them now and then: a write for each request would cost more than it.
 *
 * @param touch - writes the uses; those of McpTokens when absent.
 */
export function createTokenUses(
  database: Pick<Database, "transact">,
  log: Logger,
  touch: Touch = ({ mcpTokens }, shas) => mcpTokens.touch(shas),
): TokenUses {
  let used = new Set<string>();
  async function flush(): Promise<void> {
    if (used.size === 0) return;
    const shas = [...used];
    used = new Set();
    try {
      await database.transact((repositories) => touch(repositories, shas));
    } catch (err) {
      log.warn({ err }, "writing the last use of bearers failed; these uses are lost");
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
