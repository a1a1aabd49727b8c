import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Change, Database } from "../repositories/interfaces.ts";

const PAGE = 500;

export type { Change };

export interface WatchService {
  /**
   * Checks where a watch would begin, while its answer can still be an error.
   *
   * @returns the version to begin at: the given one, or the newest.
   * @throws {McpctlError} `bad-request`; `resource-version-too-old` when changes behind it were forgotten.
   */
  startingPoint(since: string | undefined): Promise<string>;
  /**
   * Changes behind a version, then those to come, each exactly once and in order; ends when the signal aborts.
   *
   * @throws {McpctlError} `resource-version-too-old` when changes behind it were forgotten.
   */
  watch(since: string, signal: AbortSignal): AsyncGenerator<Change>;
}

/** Reads the change log on behalf of every watcher. A commit wakes it; it never polls by itself. */
export function createWatchService(database: Pick<Database, "read" | "onCommit">): WatchService {
  const { changes } = database.read;
  return {
    async startingPoint(since) {
      if (since === undefined) return changes.latestVersion();
      if (!/^\d{1,18}$/.test(since)) {
        throw new McpctlError("bad-request", `"${since}" is no resourceVersion`, { hint: "Take one from a list" });
      }
      await changes.listSince(since, 1);
      return since;
    },

    async *watch(since, signal) {
      let version = since;
      const wake = createWaker(database, signal);
      try {
        while (!signal.aborted) {
          const page = await changes.listSince(version, PAGE);
          for (const change of page) yield change;
          version = page.at(-1)?.resourceVersion ?? version;
          if (page.length < PAGE) await wake.next();
        }
      } finally {
        wake.close();
      }
    },
  };
}

/** Remembers a commit that happens while nobody waits, so that none is slept through. */
function createWaker(database: Pick<Database, "onCommit">, signal: AbortSignal) {
  let isDue = false;
  let resolve: (() => void) | undefined;
  const wake = () => {
    isDue = true;
    resolve?.();
  };
  const stop = database.onCommit(wake);
  signal.addEventListener("abort", wake);
  return {
    async next(): Promise<void> {
      if (!isDue) await new Promise<void>((done) => (resolve = done));
      isDue = false;
      resolve = undefined;
    },
    close(): void {
      stop();
      signal.removeEventListener("abort", wake);
    },
  };
}
