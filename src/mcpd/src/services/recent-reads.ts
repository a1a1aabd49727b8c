import type { Database } from "../repositories/interfaces.ts";

/** Expiry is judged by the database's clock, so what it says is not believed for longer than this. */
const BELIEVED_MS = 1_000;
const MAX_ENTRIES = 10_000;

interface Entry {
  value: Promise<unknown>;
  readAt: number;
}

/** Answers of the database, each read at most once in a second and read anew after every commit. */
export interface RecentReads {
  /** @param key - names what is read; `load` must read the same for the same key. */
  read<T>(key: string, load: () => Promise<T>): Promise<T>;
}

/**
 * Makes a memory for what every request asks alike: who a bearer is, what a project offers. A commit of this process
 * shows at once, one of another within moments.
 *
 * @param now - monotonic milliseconds.
 */
export function createRecentReads(
  { onCommit }: Pick<Database, "onCommit">,
  now = () => performance.now(),
): RecentReads {
  const entries = new Map<string, Entry>();
  onCommit(() => entries.clear());

  function remember<T>(key: string, value: Promise<T>): Promise<T> {
    if (entries.size >= MAX_ENTRIES) entries.clear();
    const entry = { value, readAt: now() };
    entries.set(key, entry);
    // A failure is told to those who wait for it, and to nobody else.
    value.catch(() => entries.get(key) === entry && entries.delete(key));
    return value;
  }

  return {
    read<T>(key: string, load: () => Promise<T>): Promise<T> {
      const known = entries.get(key);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same key was loaded by the same function
      if (known && now() - known.readAt < BELIEVED_MS) return known.value as Promise<T>;
      return remember(key, load());
    },
  };
}
